"""A video file gives every frame at its exact time, upright, in its own colours; a damaged one gives what there is."""

from __future__ import annotations

import csv
import itertools
import subprocess
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import SourceError
from stream.frame import Frame
from stream.media import av
from stream.settings.schema import Settings
from stream.sources.opening import open_source
from tests.media import ffprobe, ffprobe_times, make_clip, need, picture


def frames_of(path: Path | str) -> list[Frame]:
    return list(open_source(path))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def assert_times_like_ffprobe(frames: list[Frame], path: Path) -> None:
    expected = ffprobe_times(path)
    assert len(frames) == len(expected) > 0
    assert [frame.time_s for frame in frames] == pytest.approx(expected, abs=2e-6)  # ffprobe prints microseconds
    assert all(a.pts < b.pts for a, b in itertools.pairwise(frames))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov", "clip.avi", "clip.ts"])
def test_all_frames_come_in_order_at_their_times(name, tmp_path):
    path = make_clip(tmp_path / name)
    source = open_source(path)
    frames = list(source)
    assert_times_like_ffprobe(frames, path)
    assert [frame.index for frame in frames] == list(range(30))
    assert all(difference(frame.image, picture(frame.index)) < 4 for frame in frames)
    assert (source.info.width, source.info.height, source.info.live, source.info.still) == (320, 240, False, False)
    assert source.info.path == path
    assert source.status.notes == []
    assert source.status.state == "ended"


def test_uneven_times_gaps_and_a_late_start_are_kept(tmp_path):
    ticks = [70, 71, 99, 100, 230, 1000, 1001, 5003]
    path = make_clip(tmp_path / "uneven.mkv", times=ticks, time_base=Fraction(1, 1000))
    frames = frames_of(path)
    assert [frame.time_s for frame in frames] == [tick / 1000 for tick in ticks]
    assert_times_like_ffprobe(frames, path)


def test_an_odd_time_base_is_exact(tmp_path):
    path = make_clip(tmp_path / "ntsc.mp4", time_base=Fraction(1001, 30000), rate=30)
    frames = frames_of(path)
    assert [frame.pts * frame.time_base for frame in frames] == [n * Fraction(1001, 30000) for n in range(30)]


def test_reordered_frames_come_in_the_order_of_showing(tmp_path):
    path = make_clip(tmp_path / "reordered.mp4", options={"preset": "medium", "bf": "3"})
    frames = frames_of(path)
    assert_times_like_ffprobe(frames, path)
    assert all(difference(frame.image, picture(frame.index)) < 4 for frame in frames)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_video_comes_upright_and_the_decoder_s_picture_as_it_was(turns, tmp_path):
    path = make_clip(tmp_path / "turned.mp4", quarter_turns=turns)
    source = open_source(path)
    frame = next(iter(source))
    assert (frame.width, frame.height) == (source.info.width, source.info.height) == ((240, 320) if turns % 2 else (320, 240))
    assert frame.quarter_turns == turns
    assert difference(frame.image, np.rot90(picture(0), turns)) < 4
    assert isinstance(frame.decoded, av.VideoFrame)
    assert (frame.decoded.width, frame.decoded.height) == (320, 240)
    turned_by_ffmpeg = subprocess.run(
        [need("ffmpeg"), "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True,
        check=True,
    ).stdout
    assert difference(frame.image, np.frombuffer(turned_by_ffmpeg, np.uint8).reshape(frame.image.shape)) < 2


@pytest.mark.parametrize(("matrix", "full_range"), [(1, 1), (1, 2), (5, 1), (5, 2), (9, 1)])
def test_the_colour_matrix_and_range_of_the_video_are_honoured(matrix, full_range, tmp_path):
    colours = np.zeros((240, 320, 3), np.uint8)
    for number, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (200, 120, 80)]):
        colours[:, 64 * number : 64 * number + 64] = colour
    options = {"preset": "ultrafast", "qp": "1"}
    path = make_clip(tmp_path / "colours.mkv", times=[0], images=[colours], colours=(matrix, full_range), options=options)
    assert ffprobe(path, "-show_entries", "stream=color_range")["streams"][0]["color_range"] == {1: "tv", 2: "pc"}[full_range]
    image = frames_of(path)[0].image
    for left in range(0, 320, 64):
        assert np.abs(image[120, left + 32].astype(int) - colours[120, left + 32]).max() <= 6


def test_a_cut_off_video_gives_what_is_there_with_a_note(tmp_path):
    path = make_clip(tmp_path / "whole.mp4", times=range(100), options={"preset": "ultrafast", "bf": "0", "g": "10"})
    faststart = tmp_path / "faststart.mp4"
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", path, "-c", "copy", "-movflags", "faststart", faststart], check=True)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(faststart.read_bytes()[: int(faststart.stat().st_size * 0.6)])
    source = open_source(cut)
    frames = list(source)
    assert 30 < len(frames) < 100
    assert len(source.status.notes) == 1
    assert "cut off" in source.status.notes[0]


def test_flipped_bits_cost_a_note_not_the_job(tmp_path):
    whole = make_clip(tmp_path / "whole.mkv", times=range(60), options={"preset": "ultrafast", "bf": "0", "g": "10"}).read_bytes()
    damaged = bytearray(whole)
    for place in range(4000, len(whole) - 1000, 700):
        damaged[place] ^= 0x5A
    (tmp_path / "damaged.mkv").write_bytes(damaged)
    source = open_source(tmp_path / "damaged.mkv")
    frames = list(source)
    assert len(frames) > 10
    assert "is damaged or cut off; what could be decoded was used" in source.status.notes[0]


def test_a_raw_stream_gets_its_declared_rate_with_a_note(tmp_path):
    path = make_clip(tmp_path / "raw.h264", rate=20, time_base=Fraction(1, 20))
    source = open_source(path)
    frames = list(source)
    declared = Fraction(ffprobe(path, "-show_entries", "stream=avg_frame_rate")["streams"][0]["avg_frame_rate"])
    assert [frame.pts * frame.time_base for frame in frames] == [n / declared for n in range(30)]
    assert source.status.notes == [f"{path}: has no times of its own; {float(declared):g} frames/s are assumed."]


def test_an_animated_picture_is_a_video(tmp_path):
    pages = [Image.new("RGBA", (64, 48), (50 * number, 100, 0, 255)) for number in range(5)]
    for page in pages:
        page.paste((0, 0, 0, 0), (0, 0, 32, 48))
    for name in ("moving.gif", "moving.png", "moving.webp"):
        path = tmp_path / name
        pages[0].save(path, save_all=True, append_images=pages[1:], duration=[40, 50, 60, 70, 0], lossless=True, disposal=2)
        source = open_source(path)
        frames = list(source)
        assert (source.info.still, source.info.width, source.info.height) == (False, 64, 48)
        assert [frame.pts * frame.time_base * 1000 for frame in frames] == [0, 40, 90, 150, 220], name
        assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
        if name != "moving.webp":  # Pillow writes those without their transparency
            assert frames[2].image[10, 10].tolist() == [255, 255, 255], name
        assert np.abs(frames[3].image[10, 50].astype(int) - (150, 100, 0)).max() < 8, name


def test_what_is_no_video_is_refused_at_once_in_one_sentence(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    (tmp_path / "notes.txt").write_text("this is no video\n" * 50)
    whole = make_clip(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "interrupted.mp4").write_bytes(whole[: len(whole) // 2])
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    refusals = {
        "missing.mp4": "there is no such file",
        "empty.mp4": "is not a video that can be read",
        "text.mp4": "is not a video that can be read",
        "notes.txt": "is not a video",
        "interrupted.mp4": "is damaged, or its recording was interrupted",
        "sound.wav": "is not a video; there are no moving pictures in it",
    }
    for name, cause in refusals.items():
        with pytest.raises(SourceError, match=f"{name}: {cause}.*\\.$") as refused:
            open_source(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_closing_ends_the_iteration_and_a_video_can_be_read_again(tmp_path):
    source = open_source(make_clip(tmp_path / "clip.mp4"))
    frames = []
    for frame in source:
        frames.append(frame)
        if len(frames) == 3:
            source.close()
            source.close()
    assert len(frames) == 3
    assert source.status.state == "ended"


class SlowFile(BaseHTTPRequestHandler):
    """Serves `server.data`, of which all after `server.stall_at` never comes."""

    def do_GET(self) -> None:
        data, stall_at = self.server.data, self.server.stall_at  # type: ignore[attr-defined]
        first = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        try:
            self.wfile.write(data[first:stall_at])
            if stall_at < len(data):
                self.server.released.wait(20)  # type: ignore[attr-defined]
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def file_server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowFile)
    server.released = threading.Event()  # type: ignore[attr-defined]
    server.stall_at = 10**9  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.released.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_http_address_of_known_length_is_a_file(file_server, tmp_path):
    path = make_clip(tmp_path / "clip.mkv")
    file_server.data = path.read_bytes()
    source = open_source(f"http://user:secret@127.0.0.1:{file_server.server_port}/clip.mkv")
    assert not source.info.live
    assert source.info.name == f"http://user:***@127.0.0.1:{file_server.server_port}/clip.mkv"
    assert_times_like_ffprobe(list(source), path)


def test_a_file_that_stalls_on_its_way_ends_with_a_sentence_and_closes_within_a_second(file_server, tmp_path):
    images = np.random.default_rng(1).integers(0, 255, (60, 240, 320, 3), np.uint8)  # noise, so that it is megabytes
    file_server.data = make_clip(tmp_path / "clip.mkv", times=range(60), images=images).read_bytes()
    assert len(file_server.data) > 2_000_000
    file_server.stall_at = len(file_server.data) // 2
    address = f"http://127.0.0.1:{file_server.server_port}/clip.mkv"
    with pytest.raises(SourceError, match=r"nothing came for [12] s"):
        list(open_source(address, Settings.model_validate({"source": {"read_timeout_s": 0.2}}).source))

    source = open_source(address)
    closed_at: list[float] = []
    timer = threading.Timer(1.0, lambda: (closed_at.append(time.monotonic()), source.close()))
    timer.start()
    assert len(list(source)) > 5
    assert time.monotonic() - closed_at[0] < 1
    timer.join()


@pytest.mark.slow
def test_real_videos_come_out_as_ffprobe_says(data_dir):
    videos = [
        path for path in sorted((data_dir / "video").rglob("*")) if path.suffix.lower() in (".mpg", ".mkv", ".ogv", ".3gp", ".mov", ".avi")
    ]
    assert len(videos) > 15
    for path in videos:
        if path.name in ("david.mpg", "aittsmd_video_test.avi"):  # long; david's last frame has no time for ffprobe
            continue
        assert_times_like_ffprobe(frames_of(path), path)


def test_odd_videos_do_as_expected(data_dir):
    with (data_dir / "expected.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("video/")]
    assert len(rows) > 15
    for row in rows:
        path = data_dir / row["file"]
        if row["expected"] == "error message":
            with pytest.raises(SourceError):
                open_source(path)
            continue
        source = open_source(path)
        frames = list(itertools.islice(source, 120))
        assert frames, path
        assert bool(source.status.notes) == (path.name in ("bitflips.mkv", "truncated_60pct.mpg", "MOT20-08-raw_shorter.h264")), (
            source.status.notes
        )
        if path.name in ("rotmeta_90.mp4", "php_portrait.MOV", "streamio_sideways movie.mov"):
            assert frames[0].quarter_turns == 3
            assert frames[0].image.shape[:2] == (source.info.height, source.info.width)
