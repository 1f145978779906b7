"""Whatever a container refuses is known before the first picture is encoded: the file plays, and a note says what was done."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.command import facestream
from tests.disk import full_disk
from tests.media import ffprobe_times, make_clip, need

pytestmark = pytest.mark.slow

OFF = ("--model", "none", "--set", "detector.enabled=false")
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2")
TONE = ("-f", "lavfi", "-i", "sine=duration=2:sample_rate=48000")


def ffmpeg(*words: object) -> None:
    subprocess.run([need("ffmpeg"), "-v", "error", "-y", *map(str, words)], check=True)


def sounds(path: Path) -> list[dict]:
    command = [need("ffprobe"), "-v", "error", "-of", "json", "-select_streams", "a", "-show_streams", "-count_packets", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["streams"]


def plays(path: Path) -> None:
    """As FFmpeg sees it, to its end and without a complaint."""
    done = subprocess.run(
        [need("ffmpeg"), "-v", "error", "-i", path, "-enc_time_base:v", "1:90000", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def check(path: Path, out: Path, seconds: float = 2) -> str:
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    assert f"written to {out}" in done.stdout
    plays(out)
    assert len(ffprobe_times(out)) == 25 * seconds
    (sound,) = sounds(out)
    samples = ["-i", str(out), "-map", "0:a", "-f", "s16le", "-ac", "1", "-ar", "8000", "-"]
    heard = subprocess.run([need("ffmpeg"), "-v", "error", *samples], capture_output=True, check=True).stdout
    assert len(heard) / 16000 == pytest.approx(seconds, abs=0.1), sound
    return done.stderr


@pytest.mark.parametrize(
    ("source", "suffix"),
    [
        (".avi", ".mp4"),
        (".mkv", ".mp4"),
        (".mxf", ".mp4"),
        (".asf", ".mp4"),
        (".dv", ".mp4"),
        (".asf", ".mov"),
        (".avi", ".mkv"),
        (".mkv", ".webm"),
    ],
)
def test_sound_without_a_written_channel_layout(tmp_path: Path, source: str, suffix: str):
    """As tapes and camera files have it. MP4's muxer refuses it when everything else is written."""
    path, out = tmp_path / f"in{source}", tmp_path / f"out{suffix}"
    pictures = {".mxf": ["-c:v", "mpeg2video"], ".dv": ["-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p"]}.get(
        source, ["-c:v", "libx264"]
    )
    ffmpeg(*PICTURES, *TONE, "-ac", "2", "-pix_fmt", "yuv420p", *pictures, "-c:a", "pcm_s16le", path)
    told = check(path, out)
    assert ("encoded as" in told) == (suffix in (".webm", ".mp4"))
    assert sounds(out)[0]["channels"] == 2


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [(codec, ".mp4") for codec in ("pcm_u8", "pcm_f32le", "pcm_mulaw", "adpcm_ms", "wmav2", "ac3", "flac")]
    + [(codec, ".mov") for codec in ("pcm_s24le", "adpcm_ima_wav", "mp2", "flac")],
)
def test_any_sound_is_copied_or_encoded(tmp_path: Path, codec: str, suffix: str):
    path = tmp_path / "in.mkv"
    ffmpeg(*PICTURES, *TONE, "-ac", "2", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", codec, path)
    told = check(path, tmp_path / f"out{suffix}")
    assert (f"its {codec} sound does not fit into {suffix[1:]}; encoded as AAC" in told) == (
        sounds(tmp_path / f"out{suffix}")[0]["codec_name"] == "aac"
    )


@pytest.mark.parametrize("codec", ["pcm_s24be", "pcm_s32be", "pcm_s16le"])
@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_pcm_becomes_aac_in_mp4_whatever_brought_it_and_stays_elsewhere(tmp_path: Path, codec: str, suffix: str):
    """Many players, and FFmpeg of some years ago, do not know it there, or read it wrongly."""
    path, out = tmp_path / "in.mov", tmp_path / f"out{suffix}"
    ffmpeg(*PICTURES, *TONE, "-ac", "2", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", codec, path)
    told = check(path, out)
    if suffix in (".mp4", ".m4v"):
        assert "sound does not fit into mp4; encoded as AAC." in told
        assert sounds(out)[0]["codec_name"] == "aac"
    else:
        assert told == ""
        assert sounds(out)[0]["codec_name"].startswith("pcm_")


def test_what_matroska_holds_and_ffmpeg_s_library_does_not_write_is_not_said_not_to_fit(tmp_path: Path):
    path, out = tmp_path / "in.mkv", tmp_path / "out.mkv"
    ffmpeg(*PICTURES, *TONE, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", "wmav2", path)
    assert f"{path}: its wmav2 sound cannot be copied into matroska; encoded as AAC." in check(path, out)


def test_several_frames_of_speech_a_packet(data_dir: Path, tmp_path: Path):
    """MOV holds AMR, but FFmpeg refuses packets of several frames, as phones write them."""
    path, out = data_dir / "video" / "odd_containers" / "php_sample.3gp", tmp_path / "out.mov"
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0
    assert "its amrnb sound does not fit into mov; encoded as AAC" in done.stderr
    plays(out)
    assert float(sounds(out)[0]["duration"]) == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize(("channels", "suffix"), [(6, ".mp4"), (8, ".mp4"), (6, ".webm"), (3, ".webm")])
def test_surround_stays_surround(tmp_path: Path, channels: int, suffix: str):
    path, out = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    ffmpeg(*PICTURES, *TONE, "-ac", channels, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", "pcm_s16le", path)
    told = check(path, out)
    assert "encoded as" in told
    assert "stereo" not in told
    assert sounds(out)[0]["channels"] == channels


def test_more_channels_than_that_become_two_and_the_note_says_so(tmp_path: Path):
    path, out = tmp_path / "in.mkv", tmp_path / "out.mp4"
    ffmpeg(*PICTURES, *TONE, "-ac", "16", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", "pcm_s16le", path)
    assert "encoded as AAC, its 16 channels as stereo" in check(path, out)
    assert sounds(out)[0]["channels"] == 2


def test_a_track_that_is_refused_costs_the_others_nothing(tmp_path: Path):
    path, out = tmp_path / "in.mkv", tmp_path / "out.mp4"
    (tmp_path / "a.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    ffmpeg(
        *PICTURES, *TONE, "-i", tmp_path / "a.srt", "-map", "0", "-map", "1", "-map", "1", "-map", "2", "-ac", "2", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-c:a:0", "pcm_s16le", "-c:a:1", "ac3", "-c:s", "srt", path,
    )  # fmt: skip
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0
    assert [sound["codec_name"] for sound in sounds(out)] == ["aac", "ac3"]


def test_a_timecode_that_a_container_refuses_costs_only_itself(tmp_path: Path):
    """MP4 makes a track of it, and has room for so many frames a second."""
    path, out = tmp_path / "in.mkv", tmp_path / "out.mp4"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=480:duration=0.5",
        "-pix_fmt",
        "yuv420p",
        "-metadata",
        "timecode=01:00:00:00",
        "-metadata",
        "title=x",
        path,
    )
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    assert f"{path}: its timecode does not fit into mp4; left out." in done.stderr
    plays(out)
    assert len(ffprobe_times(out)) == 240


def test_written_is_said_of_a_file_that_plays_alone(tmp_path: Path):
    path, out = make_clip(tmp_path / "in.mp4", times=range(50)), tmp_path / "out.mp4"
    with full_disk(300):
        done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 1
    assert "cannot be written (File too large)" in done.stderr
    assert "written to" not in done.stdout + done.stderr
