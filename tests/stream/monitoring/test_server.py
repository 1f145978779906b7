"""Alive while every thread makes progress, ready once something was looked at: asked over HTTP, as a supervisor asks."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream.analysis.analyser import Analyser
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.monitoring.server import serve
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.sinks.threaded import Threaded
from tests.command import running
from tests.media import make_clip, rtsp_server
from tests.monitor import asked, comes, scraped
from tests.ports import free_port
from tests.scripted import Endless, Kept, Scripted, Slow, nothing
from tests.waiting import wait_for


def is_well(port: int) -> None:
    comes(port, "/healthz", lambda status, text: status == 200 and text.startswith("alive\n"))


def stalled(port: int) -> str:
    """The first line once some thread is stalled."""
    return comes(port, "/healthz", lambda status, text: status == 503).splitlines()[0]


@contextmanager
def served(lane: Lane, analyser: Analyser, health: Health) -> Iterator[int]:
    """A pipeline on a thread, and the port to ask about it."""
    metrics = Metrics(health)
    pipeline = Pipeline([lane], analyser, observers=[metrics], health=health)
    thread = threading.Thread(target=pipeline.run)
    with serve(metrics, health, 0) as port:
        thread.start()
        try:
            yield port
        finally:
            pipeline.stop()
            thread.join(10)
            assert not thread.is_alive()


class Held:
    """A place that lets nobody through while it is closed."""

    def __init__(self) -> None:
        self.door = threading.Event()
        self.door.set()

    def __call__(self, *_: object) -> None:
        assert self.door.wait(60)


@pytest.mark.parametrize("part", ["worker", "renderer", "sink", "capture"])
def test_a_thread_that_hangs_is_named_until_it_goes_on(part: str) -> None:
    held, free, health = Held(), Held(), Health(stalled_after_s=0.3)
    source = (
        Endless(live=True) if part != "capture" else Scripted(10**9, live=True, gate=lambda index: (held(), threading.Event().wait(0.01)))
    )
    sink = Kept(held if part in ("renderer", "sink") else free)
    lane = Lane(source, [Threaded(sink, health=health, source="script") if part == "sink" else sink])
    with served(lane, Slow(held if part == "worker" else free), health) as port:
        comes(port, "/readyz", lambda status, text: status == 200)
        is_well(port)
        held.door.clear()
        try:
            assert stalled(port).startswith(f"stalled: {part}")
            busy = {thread: seconds for (_, thread), seconds in scraped(port)["facestream_thread_busy_seconds"].items()}
            assert [thread for thread, seconds in busy.items() if seconds > 0.3] == [part], "nobody else is blamed"
        finally:
            held.door.set()
        is_well(port)


def test_frames_that_a_slow_output_missed_are_counted() -> None:
    held, health = Held(), Health()
    held.door.clear()
    lane = Lane(Endless(live=True), [Threaded(Kept(held), waiting=2, health=health, source="script")])
    with served(lane, nothing(), health) as port:
        try:
            wait_for(lambda: scraped(port).get("facestream_drops_total", {}).get(("unwritten", "script"), 0) > 3)
            assert scraped(port)["facestream_queue_frames"][("write", "script")] == 2
        finally:
            held.door.set()


def test_a_blocked_reader_of_events_is_seen_and_nothing_is_lost(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4", times=range(200))
    os.mkfifo(tmp_path / "events")
    port = free_port()
    words = ("--set", "detector.enabled=false", "--set", "pipeline.stalled_after_s=0.5", "--set", "pipeline.queue_size=1")
    command = ("run", "clip.mp4", "--events", "events", "--overwrite", "--metrics-port", str(port), *words)
    with running(*command, cwd=tmp_path) as process:
        reader = os.open(tmp_path / "events", os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(reader, True)
        fcntl.fcntl(reader, 1031, 4096)  # F_SETPIPE_SZ: so that a few lines fill it
        told = stalled(port)
        assert told.startswith(("stalled: renderer", "stalled: sink")), told
        with os.fdopen(reader, encoding="utf-8") as events:
            assert len(events.readlines()) == 200
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 0, stderr


@pytest.mark.slow
def test_a_camera_that_is_away_is_no_stall_and_the_program_is_ready_once_it_has_looked() -> None:
    port = free_port()
    words = ("--set", "pipeline.stalled_after_s=1.5", "--set", "detector.enabled=false", "--no-window")
    with rtsp_server(absent=True, rate=15) as server:
        address, name = (server.address.replace("//", f"//viewer:{password}@") for password in ("S3cret", "***"))
        with running("run", address, "--metrics-port", str(port), *words):
            comes(port, "/healthz", lambda status, text: "capture" in text)
            away_until = time.monotonic() + 3
            while time.monotonic() < away_until:
                assert asked(port, "/healthz")[0] == 200
                assert asked(port, "/readyz") == (503, "not ready: no look was published yet\n")
            server.start()
            comes(port, "/readyz", lambda status, text: (status, text) == (200, "ready\n"))
            is_well(port)
            server.kill()
            wait_for(lambda: scraped(port)["facestream_source_up"] == {(name,): 0})
            assert time.time() - scraped(port)["facestream_last_shown_timestamp_seconds"][(name,)] < 30
            is_well(port)
            assert name in asked(port, "/healthz")[1]
            assert all("S3cret" not in asked(port, page)[1] for page in ("/", "/metrics", "/healthz", "/readyz"))


def test_pages_that_are_not_there_and_clients_that_misbehave() -> None:
    import socket

    with serve(Metrics(), Health(), 0) as port:
        for method in ("GET", "HEAD"):
            assert asked(port, "/", method)[0] == asked(port, "/healthz?verbose=1", method)[0] == 200
        assert "/readyz" in asked(port, "/")[1]
        assert asked(port, "/nothing")[0] == 404
        with socket.create_connection(("127.0.0.1", port)) as silent, socket.create_connection(("127.0.0.1", port)) as rude:
            rude.sendall(b"\x00\xff rubbish\r\n\r\n")
            assert asked(port, "/healthz")[0] == 200, "nobody waits for them"
            ends = time.monotonic()
            silent.settimeout(10)
    assert time.monotonic() - ends < 2, "nor does the end of the program"
