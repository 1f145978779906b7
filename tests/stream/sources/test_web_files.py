"""Videos on web servers: pauses, broken connections; and what is no video at all."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stream.errors import SourceError
from stream.settings.schema import Settings, SourceSettings
from stream.sources.opening import open_source
from tests.command import facestream, is_one_sentence
from tests.media import ffprobe_times, make_clip, need, watching

MPD = b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>'
PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"


def settings(**changed: object) -> SourceSettings:
    return Settings.model_validate({"source": {"read_timeout_s": 0.5, "retry_min_s": 0.05, "retry_max_s": 0.2, **changed}}).source


class Server(ThreadingHTTPServer):
    """Serves one body; in the middle of it, it pauses or hangs up."""

    daemon_threads = True

    def __init__(self, body: bytes, kind: str, status: int, ranges: bool, pause_s: float, hangs_up: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.body, self.kind, self.status, self.ranges, self.pause_s, self.hangs_up = body, kind, status, ranges, pause_s, hangs_up
        self.asked_for: list[int] = []

    @property
    def address(self) -> str:
        return f"http://me:S3cret@127.0.0.1:{self.server_port}/clip.mkv"


class _Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, first = self.server, 0
        if server.ranges and "Range" in self.headers:
            first = int(self.headers["Range"][6:].split("-")[0])
        server.asked_for.append(first)
        self.send_response(206 if first else server.status)
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(server.body) - first))
        if server.ranges:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{len(server.body) - 1}/{len(server.body)}")
        self.end_headers()
        middle = len(server.body) // 2
        with suppress(OSError):
            if first < middle and (server.pause_s or server.hangs_up):
                self.wfile.write(server.body[first:middle])
                if server.hangs_up:
                    return
                threading.Event().wait(server.pause_s)
                first = middle
            self.wfile.write(server.body[first:])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(
    body: bytes, *, kind: str = "video/x-matroska", status: int = 200, ranges: bool = True, pause_s: float = 0, hangs_up: bool = False
) -> Iterator[Server]:
    server = Server(body, kind, status, ranges, pause_s, hangs_up)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return make_clip(tmp_path / "clip.mkv", times=range(50), codec="mjpeg", pixels="yuvj420p", options={}).read_bytes()


def test_a_video_on_a_web_server_loses_its_sound_with_a_note(tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mp4"
    sources = ["-f", "lavfi", "-i", "testsrc=s=160x120:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    subprocess.run([need("ffmpeg"), "-v", "error", *sources, "-pix_fmt", "yuv420p", clip], check=True)
    with serving(clip.read_bytes()) as server:
        done = facestream("run", server.address, "-o", out, "--model", "none")
        wanted_none = facestream("run", server.address, "-o", out, "--overwrite", "--model", "none", "--set", "output.audio=false")
    assert done.returncode == wanted_none.returncode == 0, done.stderr
    assert "its sound is left out" in done.stderr
    assert "S3cret" not in done.stderr
    assert wanted_none.stderr == ""
    assert len(ffprobe_times(out)) == 25


@pytest.mark.parametrize("ranges", [True, False], ids=["the rest can be asked for", "it cannot"])
def test_a_server_that_pauses_is_waited_for(clip: bytes, ranges: bool) -> None:
    with serving(clip, ranges=ranges, pause_s=1) as server:
        source = open_source(server.address, settings(read_timeout_s=0.3))
        assert len(list(source)) == 50
        assert source.status.notes == []


def test_where_the_connection_breaks_off_the_rest_is_asked_for(clip: bytes) -> None:
    with serving(clip, hangs_up=True) as server:
        source = open_source(server.address, settings())
        assert len(list(source)) == 50
        assert source.status.notes == []
        assert len(clip) // 2 in server.asked_for


def test_where_it_cannot_be_asked_for_what_came_is_used(clip: bytes) -> None:
    with serving(clip, hangs_up=True, ranges=False) as server:
        source = open_source(server.address, settings())
        assert 15 < len(list(source)) < 35
        assert "cut off" in source.status.notes[0]


def test_a_file_that_is_there_only_later_is_played_once_and_at_its_pace(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", times=range(30))
    with serving(clip.read_bytes()) as server:
        server.status = 503
        with watching(open_source(server.address, settings())) as watcher:
            watcher.wait(lambda: watcher.source.status.state == "lost")
            server.status = 200
            watcher.wait(lambda: watcher.source.status.state == "ended")
        frames = watcher.frames
    assert len(frames) == 30
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(29 / 25, abs=0.2)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (PAGE, "text/html", "is a page or data for programs, not a video"),
        (b'{"error": "no such camera"}', "application/json", "is a page or data for programs, not a video"),
        (MPD, "application/dash+xml", "is a DASH manifest, which cannot be read here"),
        (b"PK\3\4" + bytes(range(256)) * 40, "application/zip", "is not a video that can be read"),
    ],
    ids=["page", "json", "dash", "zip"],
)
def test_what_can_never_be_read_is_refused_in_a_sentence(body: bytes, kind: str, reason: str) -> None:
    with serving(body, kind=kind) as server, pytest.raises(SourceError, match=reason) as refused:
        open_source(server.address, settings())
    assert "S3cret" not in str(refused.value)


def test_a_run_of_a_web_page_ends_at_once() -> None:
    with serving(PAGE, kind="text/html") as server:
        done = facestream("run", server.address, "--no-window", "--model", "none")
    assert done.returncode == 1
    assert "is a page or data for programs, not a video" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), (b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n", 200), (PAGE, 503)],
    ids=["nothing", "a playlist without segments", "busy"],
)
def test_what_may_still_come_is_waited_for(body: bytes, status: int, clip: bytes) -> None:
    with serving(body, status=status) as server, watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert watcher.source.status.cause


REFUSED = [
    (401, "wrong user name or password"),
    (403, "access denied"),
    (404, "there is no such file"),
    (410, "the server refuses it, with an error 4xx such as 410, gone"),
]


@pytest.mark.parametrize(("status", "words"), REFUSED)
def test_a_file_that_a_server_does_not_give_is_an_error_at_once(status: int, words: str) -> None:
    with serving(PAGE, status=status) as server, pytest.raises(SourceError, match=rf"^http://me:\*\*\*@.*/clip\.mkv: {words}\.$"):
        open_source(server.address, settings())


@pytest.mark.parametrize("name", ["clip", "clip.mjpg", "clip.m3u8", "clip.ts"])
@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_camera_that_answers_so_is_waited_for(status: int, name: str) -> None:
    with serving(PAGE, status=status) as server:
        source = open_source(server.address.replace("clip.mkv", name), settings())
        with watching(source) as watcher:
            watcher.wait(lambda: watcher.source.status.state == "lost")
    assert (source.info.live, watcher.source.status.cause) == (
        True,
        dict(REFUSED)[status].replace("there is no such file", "no such stream"),
    )


def test_a_run_of_a_file_that_is_not_there_ends_with_a_sentence_and_one_of_several_does_not_stop_the_others(portrait_path: Path) -> None:
    with serving(PAGE, status=404) as server:
        alone = facestream("run", server.address, "--no-window", "--model", "none")
        beside = facestream("run", server.address, portrait_path, "--no-window", "--model", "none")
    assert alone.returncode == beside.returncode == 1
    assert is_one_sentence(alone.stderr)
    assert "clip.mkv: there is no such file." in alone.stderr
    assert "1 face" in beside.stdout
