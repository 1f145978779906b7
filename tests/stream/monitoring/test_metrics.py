"""Numbers about a run, read as Prometheus reads them."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest

from stream.errors import UsageError
from stream.faces import Analysis, Face
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.metrics import DECLARED, ENDED_KEPT, Metrics, as_markdown_table
from stream.monitoring.observer import Ending, SourceState
from stream.monitoring.server import serve
from tests.monitor import scraped
from tests.paths import ROOT


class Camera:
    """A source of a run."""

    def __init__(self, name: str = "cam", *, live: bool = True) -> None:
        self.name, self.live = name, live
        self.now = SourceState(up=True, waiting={}, shown_at=None, reconnects=0, decode_errors=0, unwritten=0)

    def state(self) -> SourceState:
        return self.now


FRAME = Frame.of_image(np.zeros((2, 2, 3), np.uint8), source="cam", captured_at=0.0)


def face(label: str | None) -> Face:
    return Face(np.zeros(4, np.float32), 0.9, np.zeros((5, 2), np.float32), label=label)


def test_a_scrape_gives_what_was_counted():
    metrics, cam = Metrics(), Camera()
    metrics.began(cam)
    metrics.read(cam, FRAME)
    metrics.read(cam, FRAME)
    metrics.dropped(cam, "newer")
    metrics.stage("detect", 0.004)
    metrics.shown(cam, FRAME, 0.06)
    metrics.analysed(cam, FRAME, Analysis("cam", 0, 0.0, (face("Anna"), face(None))), 0.08)
    shown_at = 1.8e9 - time.time() + time.monotonic()
    cam.now = SourceState(up=True, waiting={"write": 7}, shown_at=shown_at, reconnects=3, decode_errors=2, unwritten=4)
    with serve(metrics, Health(), 0) as port:
        samples = scraped(port)
    assert samples["facestream_frames_total"] == {("read", "cam"): 2, ("dropped", "cam"): 1, ("shown", "cam"): 1, ("analysed", "cam"): 1}
    drops = {("newer", "cam"): 1, ("unshown", "cam"): 0, ("unwritten", "cam"): 4, ("stopped", "cam"): 0, ("failed", "cam"): 0}
    assert samples["facestream_drops_total"] == drops
    assert samples["facestream_stage_seconds_count"] == {("detect",): 1}
    assert samples["facestream_stage_seconds_sum"] == {("detect",): 0.004}
    assert samples["facestream_capture_to_shown_seconds_bucket"][("0.05", "cam")] == 0
    assert samples["facestream_capture_to_shown_seconds_bucket"][("0.075", "cam")] == 1
    assert samples["facestream_capture_to_analysed_seconds_bucket"][("0.075", "cam")] == 0
    assert samples["facestream_capture_to_analysed_seconds_bucket"][("0.1", "cam")] == 1
    assert samples["facestream_last_shown_timestamp_seconds"] == {("cam",): pytest.approx(1.8e9, abs=0.01)}
    assert samples["facestream_queue_frames"] == {("write", "cam"): 7}
    assert samples["facestream_faces_total"] == {("Anna", "cam"): 1, ("", "cam"): 1}
    assert samples["facestream_faces_in_view"] == {("cam",): 2}
    assert samples["facestream_reconnects_total"] == {("cam",): 3}
    assert samples["facestream_decode_errors_total"] == {("cam",): 2}
    assert samples["facestream_source_up"] == {("cam",): 1}
    assert list(samples["facestream_build_info"].values()) == [1]


def test_a_shelf_of_files_leaves_the_numbers_of_the_last_only():
    metrics = Metrics()
    for number in range(ENDED_KEPT + 5):
        clip = Camera(f"{number}.mp4", live=False)
        metrics.began(clip)
        metrics.shown(clip, FRAME, 0.1)
        metrics.ended(clip, Ending())
    metrics.shown(Camera(), FRAME, 0.1)
    with serve(metrics, Health(), 0) as port:
        samples = scraped(port)
    assert len(samples["facestream_capture_to_shown_seconds_count"]) == ENDED_KEPT + 1
    assert {source for _, source in samples["facestream_drops_total"]} == {f"{number}.mp4" for number in range(5, ENDED_KEPT + 5)}
    assert ("cam",) in samples["facestream_capture_to_shown_seconds_count"]


def test_the_age_of_the_work_of_each_thread_is_told():
    health = Health(stalled_after_s=7)
    with serve(Metrics(health), health, 0) as port:
        with health.thread("worker") as worker, health.thread("sink", "cam"), health.thread("sink", "cam") as sink:
            worker.busy("look")
            sink.busy("write")
            threading.Event().wait(0.05)
            worker.idle()
            samples = scraped(port)
        after = scraped(port)
    busy = samples["facestream_thread_busy_seconds"]
    assert busy[("", "worker")] == 0
    assert 0.05 <= busy[("cam", "sink")] < 5, "the slower of the two"
    assert "facestream_thread_busy_seconds" not in after
    assert list(samples["facestream_thread_stalled_after_seconds"].values()) == [7]


def test_two_runs_in_one_process_count_for_themselves():
    first, second = Metrics(), Metrics()
    first.read(Camera(), FRAME)
    assert first.registry.get_sample_value("facestream_frames_total", {"source": "cam", "outcome": "read"}) == 1
    assert second.registry.get_sample_value("facestream_frames_total", {"source": "cam", "outcome": "read"}) is None


def test_the_port_is_free_again_after_the_run_and_only_this_machine_is_answered():
    with serve(Metrics(), Health(), 0) as port:
        assert scraped(port)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is left over from the answered request is no server
        again.bind(("127.0.0.1", port))


def test_a_port_in_use_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port} .*in use.*choose another port"), serve(Metrics(), Health(), port):
            pass


def test_every_declared_metric_is_served_and_in_the_table():
    served = {family.name for family in Metrics().registry.collect()}
    table = as_markdown_table()
    assert len(DECLARED) > 0
    for one in DECLARED:
        assert one.name.removesuffix("_total").removesuffix("_info") in {name.removesuffix("_info") for name in served}
        assert f"`{one.name}`" in table


def test_the_page_on_monitoring_has_the_table():
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    between = page.partition("<!-- metrics -->\n")[2].partition("<!-- /metrics -->")[0]
    assert between == as_markdown_table()
