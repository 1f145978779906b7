"""Videos come out as they went in, plus boxes. Judged by ffprobe and ffmpeg."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stream.errors import SinkError
from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from tests.recorded import FACE, audio_md5, audio_start_s, ffmpeg, ffprobe, frame_times, info_of, processed, streams
from tests.scripted import camera_results


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
