"""Videos come out as they went in, plus boxes; whatever happens on the way, what is on the disk plays. Judged by ffprobe and ffmpeg."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.errors import SinkError
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sources.opening import open_source
from tests.media import make_clip
from tests.paths import ROOT
from tests.scripted import camera_results

for program in ("ffmpeg", "ffprobe"):
    if shutil.which(program) is None:
        pytest.skip(f"missing program: {program}", allow_module_level=True)

FACE = Face(np.array([20, 20, 60, 70], np.float32), 0.9, np.full((5, 2), 40, np.float32), track=1)


def ffmpeg(*arguments: object) -> str:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def ffprobe(path: Path, *arguments: str) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


def frame_times(path: Path) -> list[float]:
    return [float(frame["pts_time"]) for frame in ffprobe(path, "-select_streams", "v:0", "-show_entries", "frame=pts_time")["frames"]]


def streams(path: Path, kind: str) -> list[dict]:
    return ffprobe(path, "-show_streams", "-select_streams", kind)["streams"]


def audio_md5(path: Path) -> str:
    return ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-")


def audio_start_s(path: Path) -> float:
    return float(streams(path, "a:0")[0]["start_time"])


def frames_of(path: Path) -> Iterator[Frame]:
    """Every frame of a file, as a source gives them."""
    with av.open(str(path)) as container:
        for index, decoded in enumerate(container.decode(video=0)):
            yield Frame(
                str(path), index, decoded.pts, decoded.time_base, 0.0, decoded.width, decoded.height,
                lambda decoded=decoded: decoded.to_ndarray(format="rgb24"), decoded,
            )  # fmt: skip


def info_of(path: Path) -> SourceInfo:
    with av.open(str(path)) as container:
        return SourceInfo(str(path), path=path, rate=container.streams.video[0].average_rate, has_audio=bool(container.streams.audio))


def result_of(frame: Frame, info: SourceInfo, *faces: Face, status: str = "") -> Result:
    return Result(frame, Analysis(frame.source, frame.index, frame.time_s, faces), info, status)


def processed(path: Path, out: Path, *faces: Face, most: int | None = None, settings: OutputSettings | None = None) -> VideoSink:
    """The file through a sink."""
    info = info_of(path)
    sink = VideoSink(out, info, settings or OutputSettings())
    for frame in frames_of(path):
        if most is not None and frame.index >= most:
            break
        sink.write(result_of(frame, info, *faces))
    sink.close()
    return sink


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 frames/s, 160×120, with half a second of delay, gaps, and AAC sound."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2", "-f", "lavfi", "-i", "sine=duration=2.2",
        "-vf", "select='not(between(n,20,29))*mod(n+1,7)',setpts=PTS+0.5/TB", "-af", "asetpts=PTS+0.5/TB", "-fps_mode", "passthrough",
        "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-metadata:s:a:0", "language=eng", path,
    )  # fmt: skip
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_keeps_its_frame_times_and_its_sound(clip: Path, tmp_path: Path, suffix: str):
    out = tmp_path / f"new folder/out{suffix}"
    sink = processed(clip, out, FACE)
    times = frame_times(clip)
    tick = 0.001 if suffix == ".mkv" else 0.000002
    assert times[0] > 0.4
    assert len(times) > 30
    assert frame_times(out) == pytest.approx(times, abs=tick)
    assert audio_md5(out) == audio_md5(clip)
    assert audio_start_s(out) == pytest.approx(audio_start_s(clip), abs=tick)
    assert streams(out, "a:0")[0]["tags"]["language"] == "eng"
    assert sink.notes == []


def test_the_last_picture_lasts_as_long_as_in_the_input(clip: Path, tmp_path: Path):
    processed(clip, tmp_path / "out.mp4")
    packets = ffprobe(clip, "-select_streams", "v", "-show_packets")["packets"]
    shown_s = max(float(one["pts_time"]) + float(one["duration_time"]) for one in packets) - frame_times(clip)[0]
    assert float(streams(tmp_path / "out.mp4", "v")[0]["duration"]) == pytest.approx(shown_s, abs=0.001)


def test_the_picture_is_h264_that_browsers_play(clip: Path, tmp_path: Path):
    processed(clip, tmp_path / "out.mp4", FACE)
    stream = streams(tmp_path / "out.mp4", "v")[0]
    assert (stream["codec_name"], stream["pix_fmt"], stream["width"], stream["height"]) == ("h264", "yuv420p", 160, 120)
    assert ffprobe(tmp_path / "out.mp4", "-show_format")["format"]["format_name"].startswith("mov,mp4")
    top_level = (tmp_path / "out.mp4").read_bytes()
    assert top_level[4:8] == b"ftyp"


def test_webm_has_vp9_and_its_sound_becomes_opus_with_a_note(clip: Path, tmp_path: Path):
    out = tmp_path / "out.webm"
    sink = processed(clip, out, FACE)
    assert streams(out, "v")[0]["codec_name"] == "vp9"
    assert streams(out, "a")[0]["codec_name"] == "opus"
    assert audio_start_s(out) == pytest.approx(audio_start_s(clip), abs=0.03)
    assert frame_times(out) == pytest.approx(frame_times(clip), abs=0.001)
    assert len(sink.notes) == 1
    assert "aac sound does not fit into webm; encoded as Opus" in sink.notes[0]


def test_a_stopped_run_ends_its_sound_with_its_pictures(clip: Path, tmp_path: Path):
    processed(clip, tmp_path / "out.mp4", most=15)
    video, audio = streams(tmp_path / "out.mp4", "v")[0], streams(tmp_path / "out.mp4", "a")[0]
    assert int(video["nb_frames"]) == 15
    assert float(audio["duration"]) == pytest.approx(float(video["duration"]), abs=0.1)


@pytest.mark.slow
def test_a_broadcast_that_begins_late_begins_at_zero_with_its_sound_in_sync(clip: Path, tmp_path: Path):
    broadcast = tmp_path / "in.ts"  # its AAC packets have headers of their own, which MP4 does not take
    ffmpeg("-i", clip, "-c", "copy", "-output_ts_offset", "5000", broadcast)
    sink = processed(broadcast, tmp_path / "out.mp4", FACE)
    assert frame_times(broadcast)[0] > 5000
    assert frame_times(tmp_path / "out.mp4") == pytest.approx([t - frame_times(broadcast)[0] for t in frame_times(broadcast)], abs=0.0001)
    assert [note for note in sink.notes if "the output begins at 0" in note] == sink.notes != []
    sound = [
        ffmpeg("-i", path, "-map", "0:a", "-f", "framehash", "-hash", "md5", "-").splitlines() for path in (broadcast, tmp_path / "out.mp4")
    ]
    samples = [[line.split(",")[-1] for line in lines if not line.startswith("#")] for lines in sound]
    assert len(set(samples[0]) & set(samples[1])) > 0.9 * len(set(samples[0])), "the sound is copied, not encoded anew"


def test_sound_can_be_left_out(clip: Path, tmp_path: Path):
    processed(clip, tmp_path / "out.mp4", settings=OutputSettings(audio=False))
    assert streams(tmp_path / "out.mp4", "a") == []


def test_pictures_that_nothing_is_drawn_on_are_not_converted(clip: Path, tmp_path: Path):
    best = OutputSettings(crf=0)  # lossless, so that any difference is the program's
    processed(clip, tmp_path / "out.mkv", settings=best)
    digest = [
        ffmpeg("-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-").splitlines()
        for path in (clip, tmp_path / "out.mkv")
    ]
    pixels = [[line.split(",")[-1] for line in lines if not line.startswith("#")] for lines in digest]
    assert pixels[0] == pixels[1]
    assert len(pixels[0]) > 30


def luma(path: Path, width: int, height: int) -> np.ndarray:
    """(N, height, width) uint8: the brightness of each frame, as FFmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    raw = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    return raw.reshape(-1, height * 3 // 2, width)[:, :height]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p"])
def test_only_what_is_drawn_changes_a_pixel(tmp_path: Path, pixels: str):
    path = tmp_path / "in.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=1", "-pix_fmt", pixels, "-c:v", "libx264", path)
    processed(path, tmp_path / "out.mkv", FACE, settings=OutputSettings(crf=0))  # lossless, so that any difference is the program's
    before, after = luma(path, 160, 120), luma(tmp_path / "out.mkv", 160, 120)
    assert len(before) == len(after) == 10
    differs = (before != after).any(axis=0)
    assert differs[18:24, 30:50].mean() > 0.5, "the box's upper side"
    assert not differs[:, 66:].any()
    assert not differs[76:].any()
    assert not differs[30:38, 26:54].any(), "nor inside the box, above the landmarks"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_video_with_a_face_is_the_input_turned_and_nothing_else(tmp_path: Path, turns: int):
    path = make_clip(tmp_path / "in.mp4", times=range(5), size=(160, 120), quarter_turns=turns)
    source = open_source(str(path))
    sink = VideoSink(tmp_path / "out.mkv", source.info, OutputSettings(crf=0))
    for frame in source:
        sink.write(result_of(frame, source.info, FACE))
    sink.close()
    size = (120, 160) if turns % 2 else (160, 120)
    before, after = luma(path, *size), luma(tmp_path / "out.mkv", *size)
    assert len(before) == len(after) == 5
    assert not (before != after)[:, 76:].any()
    assert (before != after)[:, 15:25].any()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_shape_of_pixels_and_what_the_file_says_of_itself_are_kept(tmp_path: Path, suffix: str):
    path, out = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=0.5,setsar=16/15", "-f", "lavfi", "-i", "sine=duration=0.5",
        "-f", "lavfi", "-i", "sine=f=900:duration=0.5", "-map", "0", "-map", "1", "-map", "2", "-pix_fmt", "yuv420p",
        "-metadata", "title=Grüße", "-metadata", "artist=Anna", "-metadata:s:v:0", "language=ger", "-metadata:s:a:1", "language=fra", path,
    )  # fmt: skip
    source = open_source(str(path))
    sink = VideoSink(out, source.info, OutputSettings())
    for frame in source:
        sink.write(result_of(frame, source.info, FACE))
    sink.close()
    picture, sounds = streams(out, "v")[0], streams(out, "a")
    if suffix == ".webm":
        assert any("its pixels are 16/15 as wide as high; in WebM they are shown as squares" in note for note in sink.notes)
    else:
        assert picture["sample_aspect_ratio"] == "16:15"
    tags = {key.lower(): value for key, value in ffprobe(out, "-show_format")["format"]["tags"].items()}
    assert (tags["title"], tags["artist"]) == ("Grüße", "Anna")
    assert picture["tags"]["language"] == "ger"
    assert [sound.get("tags", {}).get("language", "und") for sound in sounds] == ["und", "fra"]


def test_pixels_of_a_turned_video_are_turned_too(tmp_path: Path):
    flat, path = make_clip(tmp_path / "flat.mp4", times=range(5), quarter_turns=1), tmp_path / "in.mp4"
    ffmpeg("-i", flat, "-c", "copy", "-bsf:v", "h264_metadata=sample_aspect_ratio=4/3", path)
    source = open_source(str(path))
    assert source.info.pixel_aspect == Fraction(3, 4)


@pytest.mark.parametrize(
    ("matrix", "full"), [("bt709", False), ("smpte170m", False), ("bt709", True)], ids=["bt709", "bt601", "bt709 full range"]
)
def test_colours_and_their_tags_stay(tmp_path: Path, matrix: str, full: bool):
    path = tmp_path / "in.mp4"
    size_range = "pc" if full else "tv"
    ffmpeg(
        "-f", "lavfi", "-i", "color=c=0xC03020:size=160x120:rate=10:duration=0.5,format=rgb24",
        "-vf", f"scale=out_color_matrix={matrix}:out_range={size_range},format={'yuvj420p' if full else 'yuv420p'}",
        "-colorspace", matrix, "-color_primaries", matrix, "-color_trc", matrix, "-color_range", size_range, "-c:v", "libx264",
        "-crf", "5", path,
    )  # fmt: skip
    processed(path, tmp_path / "out.mp4", replace(FACE, box=np.array([2, 2, 20, 20], np.float32)))  # a face, so that it goes through RGB
    before, after = streams(path, "v")[0], streams(tmp_path / "out.mp4", "v")[0]
    tags = ("color_space", "color_range", "color_primaries", "color_transfer")
    assert {tag: after.get(tag) for tag in tags} == {tag: before.get(tag) for tag in tags}
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "out.mp4"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(120, 160, 3)
    assert pixels[80:110, 60:150].mean(axis=(0, 1)) == pytest.approx((0xC0, 0x30, 0x20), abs=4)


def test_odd_sizes_grow_by_a_pixel(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    for result in camera_results(5, size=(121, 163)):
        sink.write(result)
    sink.close()
    stream = streams(tmp_path / "out.mp4", "v")[0]
    assert (stream["width"], stream["height"], stream["nb_frames"]) == (164, 122, "5")


def test_a_camera_that_comes_back_with_another_size_is_fitted_into_the_first(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    for result in camera_results(5, size=(120, 160)):
        sink.write(result)
    for result in camera_results(5, size=(240, 640), pts=90_000_000 + 10 * 90_000):
        sink.write(result)
    sink.close()
    stream = streams(tmp_path / "out.mp4", "v")[0]
    assert (stream["width"], stream["height"], stream["nb_frames"]) == (160, 120, "10")
    assert frame_times(tmp_path / "out.mp4")[5] == pytest.approx(10.0, abs=0.001)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "out.mp4"), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    last = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(-1, 120, 160)[-1]
    assert last[:25].mean() < 10
    assert last[35:85].mean() > 60


def test_a_live_recording_begins_at_zero(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    for result in camera_results(12):
        sink.write(result)
    sink.close()
    assert frame_times(tmp_path / "out.mp4") == pytest.approx([index / 30 for index in range(12)], abs=0.00001)


def test_no_picture_leaves_no_file_and_closing_twice_is_fine(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    sink.close()
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_at_once(clip: Path, tmp_path: Path):
    info = info_of(clip)
    there = tmp_path / "there.mp4"
    there.write_bytes(b"precious")
    with pytest.raises(SinkError, match=r"there\.mp4: exists already; add --overwrite"):
        VideoSink(there, info, OutputSettings())
    VideoSink(there, info, OutputSettings(), overwrite=True).close()
    assert there.read_bytes() == b"precious"  # nothing came, so nothing was replaced
    with pytest.raises(SinkError, match="is the input itself"):
        VideoSink(clip, info, OutputSettings(), overwrite=True)
    with pytest.raises(SinkError, match=r"there\.mp4/out\.mp4: cannot be written \(Not a directory\)"):
        VideoSink(there / "out.mp4", info, OutputSettings())
    with pytest.raises(SinkError, match="is a folder"):
        VideoSink(tmp_path, replace(info, path=None), OutputSettings()) if tmp_path.suffix == ".mp4" else VideoSink(
            _folder(tmp_path), info, OutputSettings()
        )
    with pytest.raises(SinkError, match=r"cannot be written as '\.avi'"):
        VideoSink(tmp_path / "out.avi", info, OutputSettings())


def _folder(parent: Path) -> Path:
    (parent / "folder.mp4").mkdir()
    return parent / "folder.mp4"


RECORD = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from stream.errors import SinkError
from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from tests.scripted import camera_results
if {limit}:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
sink = VideoSink(Path({out!r}), SourceInfo("camera", live=True, rate=30), OutputSettings())
try:
    for number, result in enumerate(camera_results(100_000)):
        sink.write(result)
        if number == 90:
            print("90 written", flush=True)
except SinkError as error:
    print(error, flush=True)
sink.close()
sink.close()
"""


def recording(out: Path, limit: int = 0) -> subprocess.Popen[str]:
    """Another process that records a camera without end."""
    code = textwrap.dedent(RECORD.format(root=str(ROOT), out=str(out), limit=limit))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_killed_recording_plays(tmp_path: Path, suffix: str):
    out = tmp_path / f"out{suffix}"
    process = recording(out)
    assert process.stdout is not None
    assert process.stdout.readline() == "90 written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    times = frame_times(out)  # fails where ffprobe complains
    assert len(times) >= 60, "of 90 frames no more than a second may be lost"
    assert times == pytest.approx([index / 30 for index in range(len(times))], abs=0.001)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_is_one_sentence_and_what_was_written_plays(tmp_path: Path, suffix: str):
    out = tmp_path / f"out{suffix}"
    process = recording(out, limit=1_000_000)
    printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    assert f"{out}: cannot be written (File too large)." in printed
    assert out.stat().st_size == 1_000_000
    command = ["ffprobe", "-v", "quiet", "-of", "json", "-select_streams", "v", "-show_entries", "frame=pts_time", str(out)]
    frames = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["frames"]
    assert len(frames) > 20


def test_a_recording_keeps_up_with_a_camera(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    results = list(camera_results(60, size=(480, 640)))
    begin = time.perf_counter()
    for result in results:
        sink.write(result)
    sink.close()
    assert time.perf_counter() - begin < 8, "noise of 640×480 must be encoded faster than 8 frames/s on any machine"
