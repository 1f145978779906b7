"""A picture that is not there says so, since when, and never gets into a file or before a model."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.analysis.track_manager import TrackManager
from stream.drawing.no_signal import GROUND, no_signal, span
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.monitoring.timing import Stage, untimed
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.sinks.result import Result
from tests.command import running
from tests.media import rtsp_server
from tests.screen import screenshot
from tests.scripted import Endless, Kept, Scripted, nothing
from tests.waiting import wait_for

NOON = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


class Eyes(Kept):
    """A window without a screen."""

    def __init__(self) -> None:
        super().__init__()
        self.stale: list[Result] = []

    def poll(self) -> None:
        pass

    def show_stale(self, result: Result) -> None:
        self.stale.append(result)


class Gone(Scripted):
    """A camera that gives some pictures, then none: `back` lets it go on."""

    def __init__(self, pictures: int, **options: object) -> None:
        super().__init__(10**9, live=True, name="gone", **options)  # type: ignore[arg-type]
        self.info = SourceInfo("gone", 320, 240, live=True)
        self._pictures = pictures
        self.silent_s = 10**9.0

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "opening"
        for index in range(10**9):
            if index == self._pictures:
                self.status.state, self.status.cause = "lost", "refused: nothing listens there"
                self.closed.wait(self.silent_s)
            if self._gate is not None:
                self._gate(index)
            if self.closed.wait(0.02):
                return
            self.status.state = "up"
            now = time.monotonic()
            image = np.full((240, 320, 3), 90, np.uint8)
            yield Frame.of_image(image, source="gone", captured_at=now, index=index, pts=round(now * 1000), time_base=Fraction(1, 1000))


def test_the_words_say_since_when_for_how_long_and_why() -> None:
    assert [span(seconds) for seconds in (0.9, 59.9, 61, 3599, 7500, 90000)] == [
        "0 s",
        "59 s",
        "1 min 01 s",
        "59 min 59 s",
        "2 h 05 min",
        "1 d 01 h",
    ]
    cards = [no_signal(640, 360, *words, now=NOON) for words in ((12, ""), (13, ""), (12, "refused"), (86400, ""))]
    assert all(card.shape == (360, 640, 3) for card in cards)
    assert len({card.tobytes() for card in cards}) == 4, "each says something else"
    for card in cards:
        assert 0.7 < (card == GROUND).mean() < 0.99, "words on a dark ground"
    assert no_signal(0, 0, 1).shape == (360, 640, 3), "no size is known before the first picture"
    for width, height in ((1, 1), (10, 3000), (3000, 10), (1920, 1080)):
        assert no_signal(width, height, 5, "no host of that name is known").shape == (height, width, 3)


@pytest.mark.slow
@pytest.mark.parametrize("pictures", [0, 3], ids=["never there", "lost"])
def test_a_lost_camera_says_so_each_second_beside_one_that_goes_on(pictures: int) -> None:
    lost, alive, recording = Eyes(), Eyes(), Kept()
    source = Gone(pictures, gate=lambda index: wait_for(lambda: len(lost.results) >= index))  # on a busy machine one might be left out
    lanes = [
        Lane(source, [recording], viewers=[lost], status_line=True),
        Lane(Endless(live=True, name="alive"), viewers=[alive], status_line=True),
    ]
    report = Pipeline(lanes, nothing(), duration_s=3.5).run()
    assert 2 <= len(lost.stale) <= 4, "once a second from the first on, while the other camera has 200 pictures a second"
    for stale in lost.stale:
        assert (stale.info.name, stale.frame.index, stale.analysis.faces) == ("gone", -1, ())
        assert (stale.picture == GROUND).mean() > 0.5
    assert len({stale.picture.tobytes() for stale in lost.stale}) == len(lost.stale), "the time goes on"
    assert lost.frames == recording.frames == list(range(pictures))
    assert report.sources[0].read == pictures == report.sources[0].analysed + report.sources[0].dropped, "no dark picture is looked at"
    assert len(alive.results) > 50


class Finds(Analyser):
    """Finds one face in each picture, always at the same place."""

    def __init__(self, before: Callable[[Frame], object] = lambda frame: None) -> None:
        super().__init__(None, None)
        self._before = before

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        self._before(frames[0])
        face = Face(np.array([10, 10, 30, 30], np.float32), 0.9, np.zeros((5, 2), np.float32))
        return [Analysis(frame.source, frame.index, frame.time_s, (face,)) for frame in frames]


@pytest.mark.slow
def test_faces_from_before_a_gap_are_not_drawn_after_it() -> None:
    source, shown = Gone(5), Kept()
    source.silent_s = 1.5
    slow = Finds(lambda frame: source.closed.wait(1) if frame.index >= 4 else None)  # looks at picture 4 until it is long gone
    Pipeline([Lane(source, [shown])], slow, duration_s=4).run()
    assert any(result.analysis.faces for result in shown.results if 0 < result.frame.index < 5)
    after = [result for result in shown.results if result.frame.index >= 5]
    assert not after[0].analysis.faces
    assert all(result.analysis.index >= 5 for result in after if result.analysis.faces)
    assert any(result.analysis.faces for result in after)


def test_a_slow_camera_s_picture_is_shown_again_with_its_own_faces() -> None:
    eyes = Eyes()
    source = Scripted(3, live=True, gate=lambda index: wait_for(lambda: len(eyes.stale) >= index))
    Pipeline([Lane(source, viewers=[eyes], status_line=True)], Finds(lambda frame: wait_for(lambda: len(eyes.results) > frame.index))).run()
    assert eyes.frames == [0, 1, 2]
    assert [again.frame.index for again in eyes.stale[:2]] == [0, 1]
    for again in eyes.stale:
        assert again.analysis.index == again.frame.index
        assert len(again.analysis.faces) == 1


def test_a_silence_shorter_than_a_loss_tells_its_age_on_the_last_picture() -> None:
    eyes = Eyes()
    source = Scripted(3, live=True, gate=lambda index: wait_for(lambda: index < 2 or len(eyes.stale) >= 2))
    Pipeline([Lane(source, viewers=[eyes], status_line=True)], nothing()).run()
    assert [stale.status_line for stale in eyes.stale] == ["no picture for 1 s", "no picture for 2 s"]
    assert all(stale.frame.index == 1 for stale in eyes.stale)


@pytest.mark.slow
def test_the_window_of_a_camera_that_is_absent_then_there_then_lost(screen: str, tmp_path: Path) -> None:
    log, out = tmp_path / "events.jsonl", tmp_path / "camera.mp4"

    def dark(width: int, height: int) -> bool:
        pixels = screenshot(screen, tmp_path / "screen.png")[:height, :width]
        return bool(0.8 < (pixels == GROUND).mean() < 0.999)

    with rtsp_server(absent=True, size="320x240", rate=15) as server:
        words = ("run", server.address, "--window", "-o", out, "--events", log, "--model", "none")
        with running(*words, environment={"DISPLAY": screen}) as process:
            wait_for(lambda: dark(640, 360))
            server.start()
            wait_for(lambda: log.exists() and log.read_text().count("\n") > 15)
            assert not dark(320, 240)
            server.kill()
            wait_for(lambda: dark(320, 240))
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stderr
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert {event["width"] for event in events} == {320}
    with av.open(str(out)) as container:
        assert all(frame.to_ndarray(format="gray").max() > 200 for frame in container.decode(video=0)), "the ball of the test picture"
