"""From every state, in every way, a run is over within two seconds: threads and sockets gone with the process, files finished."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import SinkError
from stream.media import av
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.schema import Settings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.threaded import Threaded
from stream.sources.opening import open_source
from tests.command import usual_environment
from tests.media import RtspServer, make_clip, rtsp_server
from tests.ports import free_port
from tests.screen import screenshot
from tests.scripted import nothing
from tests.waiting import wait_for

STOPS_WITHIN_S = 2.0


class Run:
    """A run of the command in some state."""

    def __init__(self, stack: ExitStack, folder: Path, screen: str) -> None:
        self.stack, self.folder, self.screen = stack, folder, screen
        self.log = folder / "log"
        self.recordings: list[Path] = []
        self.options: list[str | Path] = []
        self.window = False
        self.stdout: int = subprocess.DEVNULL
        self.process: subprocess.Popen[str]

    def start(self, *words: str | Path) -> None:
        environment = usual_environment() | ({"DISPLAY": self.screen} if self.window else {})
        with self.log.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream", "run", *map(str, words), "--model", "none", *map(str, self.options)],
                stdout=self.stdout,
                stderr=stderr,
                text=True,
                env=environment,
                start_new_session=True,
            )
        self.stack.callback(self.process.wait)
        self.stack.callback(self.process.kill)

    def camera(self, **options: str | int) -> RtspServer:
        server = RtspServer(**{"rate": 15, **options})
        server.start()
        self.stack.callback(server.kill)
        return server

    def wait_for_file(self, path: Path, size: int = 1) -> None:
        wait_for(lambda: path.exists() and path.stat().st_size >= size)

    def wait_for_words(self, words: str) -> None:
        wait_for(lambda: words in self.log.read_text())


def connecting(run: Run) -> None:
    """A camera accepts the connection and says nothing."""
    silent = run.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    asked = threading.Event()

    def accept() -> None:
        with silent.accept()[0] as line:
            asked.set()
            line.recv(1)
            threading.Event().wait(20)

    threading.Thread(target=accept, daemon=True).start()
    run.start(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/camera", "--set", "source.open_timeout_s=60")
    assert asked.wait(30)


def retrying(run: Run) -> None:
    """Nothing listens, and the next try is a minute away."""
    run.start(f"rtsp://127.0.0.1:{free_port()}/camera", "--set", "source.retry_min_s=60", "--set", "source.retry_max_s=60")
    run.wait_for_words("trying again")


def frozen(run: Run) -> None:
    """A camera that was recorded is frozen; its reader waits."""
    server, out = run.camera(), run.folder / "camera.mp4"
    run.start(server.address, "-o", out, "--set", "source.read_timeout_s=60")
    run.wait_for_file(out, 20_000)
    server.signal(signal.SIGSTOP)
    run.recordings.append(out)


def full_queues(run: Run) -> None:
    """A video is read faster than it can be written."""
    out = run.folder / "out.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    clip = make_clip(run.folder / "clip.mp4", times=range(200), images=[noise] * 200, size=(1280, 720))
    run.start(clip, "-o", out, "--set", "detector.enabled=false", "--set", "output.preset=slow")
    run.wait_for_file(out, 200_000)
    run.recordings.append(out)


def slow_recording(run: Run) -> None:
    """A camera's pictures come faster than they can be recorded."""
    server, out = run.camera(size="1920x1080", rate=30), run.folder / "camera.mp4"
    run.start(server.address, "-o", out, "--set", "detector.enabled=false", "--set", "output.preset=slow")
    run.wait_for_file(out, 100_000)
    run.recordings.append(out)


def unread_events(run: Run) -> None:
    """Nobody reads the events of a video that is also written: all of it waits."""
    out = run.folder / "out.mp4"
    reader, writer = os.pipe()
    run.stack.callback(os.close, reader)
    clip = make_clip(run.folder / "clip.mp4", times=range(2500), size=(64, 64))
    run.stdout = writer
    run.start(clip, "--events", "-", "-o", out, "--set", "detector.enabled=false")
    os.close(writer)
    sizes = [-1]

    def stands_still() -> bool:
        time.sleep(0.5)
        sizes.append(out.stat().st_size if out.exists() else -1)
        return sizes[-1] > 0 and sizes[-1] == sizes[-2]

    wait_for(stands_still)
    run.recordings.append(out)


def unread_events_of_a_camera(run: Run) -> None:
    """Nobody reads the events of a camera: its recording goes on."""
    server, out = run.camera(), run.folder / "camera.mp4"
    reader, writer = os.pipe()
    run.stack.callback(os.close, reader)
    while True:  # a pipe that somebody else has filled
        os.set_blocking(writer, False)
        try:
            os.write(writer, bytes(4096))
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    run.stdout = writer
    run.start(server.address, "--events", "-", "-o", out)
    os.close(writer)
    run.wait_for_file(out, 20_000)
    run.recordings.append(out)


def paused_window(run: Run) -> None:
    """A photo stays in its window until a key is pressed."""
    run.window = True
    photo = run.folder / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)).save(photo)
    run.start(photo, photo)
    wait_for(lambda: screenshot(run.screen, run.folder / "screen.png").std() > 15)


def lost_in_a_window(run: Run) -> None:
    """The window says NO SIGNAL."""
    run.window = True
    run.start(f"rtsp://127.0.0.1:{free_port()}/camera", "--window", "--set", "source.retry_min_s=60", "--set", "source.retry_max_s=60")
    wait_for(lambda: (screenshot(run.screen, run.folder / "screen.png") > 200).mean() > 0.001)


def press_q(run: Run) -> None:
    find = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "facestream"]
    subprocess.run([*find, "windowfocus", "--sync", "key", "q"], env=usual_environment() | {"DISPLAY": run.screen}, check=True, timeout=20)


STATES = [
    connecting,
    retrying,
    frozen,
    full_queues,
    slow_recording,
    unread_events,
    unread_events_of_a_camera,
    paused_window,
    lost_in_a_window,
]
WAYS: dict[str, Callable[[Run], object]] = {
    "Ctrl-C": lambda run: run.process.send_signal(signal.SIGINT),
    "SIGTERM": lambda run: run.process.send_signal(signal.SIGTERM),
    "Ctrl-C twice": lambda run: [run.process.send_signal(signal.SIGINT), time.sleep(0.1), run.process.send_signal(signal.SIGINT)],
    "q": press_q,
}
CASES = [(state, "SIGTERM" if number % 2 else "Ctrl-C") for number, state in enumerate(STATES)]
CASES += [(frozen, "Ctrl-C twice"), (unread_events_of_a_camera, "Ctrl-C twice"), (lost_in_a_window, "q")]


@pytest.fixture
def run(tmp_path: Path, screen: str) -> Iterator[Run]:
    with ExitStack() as stack:
        yield Run(stack, tmp_path, screen)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize(("state", "way"), CASES, ids=[f"{state.__name__}-{way}" for state, way in CASES])
def test_a_run_is_over_within_two_seconds(run: Run, state: Callable[[Run], None], way: str) -> None:
    state(run)
    assert run.process.poll() is None, run.log.read_text()
    WAYS[way](run)
    begin = time.monotonic()
    code = run.process.wait(20)
    took_s = time.monotonic() - begin
    print(f"{state.__name__}, {way}: over after {took_s:.2f} s")
    assert took_s < STOPS_WITHIN_S, run.log.read_text()
    assert code == (1 if way == "q" else 130), run.log.read_text()  # no picture ever came
    assert "Traceback" not in run.log.read_text()
    for path in run.recordings:
        assert_plays(path)


def assert_plays(path: Path) -> None:
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 3


@contextmanager
def asked_to_end_when(pipeline: Pipeline, reached: Callable[[], object], way: str) -> Iterator[list[float]]:
    """Asks a pipeline to end once a state is reached, or leaves that to its own clock. Gives the moment."""
    ends: list[float] = []

    def ask() -> None:
        wait_for(reached)
        ends.append(time.monotonic())
        pipeline.stop()

    thread = threading.Thread(target=ask)
    if way == "stop()":
        thread.start()
    else:
        ends.append(time.monotonic() + DURATION_S)
    yield ends
    if way == "stop()":
        thread.join()


DURATION_S = 3.0


@pytest.mark.parametrize("way", ["stop()", pytest.param("duration_s", marks=pytest.mark.slow)])
@pytest.mark.parametrize("state", ["connecting", "retrying", "frozen", "slow sink"])
def test_a_pipeline_is_over_within_two_seconds(state: str, way: str, tmp_path: Path) -> None:
    """And leaves no thread and no socket, which in a process of its own nobody would notice."""
    settings = Settings.model_validate({"source": {"read_timeout_s": 60, "open_timeout_s": 60, "retry_min_s": 60, "retry_max_s": 60}})
    before = sockets()
    with ExitStack() as stack:
        server = RtspServer(rate=15)
        if state != "retrying":
            server.start()
            stack.callback(server.kill)
        if state == "connecting":
            server.signal(signal.SIGSTOP)
        source = open_source(server.address, settings.source)
        video = VideoSink(tmp_path / "camera.mp4", source.info, settings.output)
        let_go = stack.enter_context(letting_go())
        lane = Lane(source, [Threaded(Hung(video, let_go) if state == "slow sink" else video)])
        pipeline = Pipeline([lane], nothing(), duration_s=DURATION_S if way == "duration_s" else None)
        report = pipeline.report.sources[0]

        def reached() -> bool:
            if state == "frozen" and report.shown > 10:
                server.signal(signal.SIGSTOP)
                return True
            return {"connecting": True, "retrying": source.status.state == "lost", "slow sink": report.shown > 20}.get(state, False)

        with asked_to_end_when(pipeline, reached, way) as ends:
            pipeline.run()
            took_s = time.monotonic() - ends[0]
        print(f"{state}, {way}: over after {took_s:.2f} s")
        assert took_s < STOPS_WITHIN_S
        assert report.read == report.analysed + report.dropped
        if state == "frozen":
            assert_plays(tmp_path / "camera.mp4")
        server.kill()
    wait_for(lambda: sockets() <= before)


def test_a_failing_sink_ends_the_run_within_two_seconds(tmp_path: Path) -> None:
    failed_at: list[float] = []

    class Failing(Hung):
        def write(self, result: Result) -> None:
            if result.frame.index > 10:
                failed_at.append(time.monotonic())
                raise SinkError("the disk is full")

    with rtsp_server(rate=15) as server:
        source = open_source(server.address)
        good, other = (VideoSink(tmp_path / name, source.info, Settings().output) for name in ("good.mp4", "other.mp4"))
        pipeline = Pipeline([Lane(source, [good, Threaded(Failing(other, threading.Event()))])], nothing())
        with pytest.raises(SinkError, match="the disk is full"):
            pipeline.run()
        assert time.monotonic() - failed_at[0] < STOPS_WITHIN_S
    assert_plays(tmp_path / "good.mp4")


def sockets() -> int:
    return sum(path.is_socket() for path in Path("/proc/self/fd").iterdir())


@contextmanager
def letting_go() -> Iterator[threading.Event]:
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


class Hung:
    """A sink whose disk hangs, for ever as far as a run can tell."""

    def __init__(self, sink: VideoSink, let_go: threading.Event) -> None:
        self.notes: list[str] = []
        self._sink, self._let_go = sink, let_go

    def write(self, result: Result) -> None:
        self._let_go.wait()

    def close(self) -> None:
        self._sink.close()
