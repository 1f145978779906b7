"""What tracks are marked as comes along; what was cut away does not; what is damaged costs only itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stream.media import av
from tests.command import facestream
from tests.media import need

pytestmark = pytest.mark.slow

OFF = ("--model", "none", "--set", "detector.enabled=false")
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2")


def ffmpeg(*words: object) -> None:
    subprocess.run([need("ffmpeg"), "-v", "error", "-y", *map(str, words)], check=True)


def asked(path: Path, *words: str) -> dict:
    command = [need("ffprobe"), "-v", "error", "-of", "json", *words, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(path: Path, out: Path) -> str:
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    return done.stderr


def flags(path: Path) -> list[tuple[str, set[str]]]:
    """Each track's kind, and what it is marked as."""
    streams = asked(path, "-show_streams")["streams"]
    return [(one["codec_type"], {name for name, on in one["disposition"].items() if on}) for one in streams]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sounds, the second of which is the default, and two subtitles, one of which is forced."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "a.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    path = folder / "in.mkv"
    ffmpeg(
        *PICTURES, "-f", "lavfi", "-i", "sine=duration=2", "-i", folder / "a.srt", "-map", "0", "-map", "1", "-map", "1", "-map", "2",
        "-map", "2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-c:s", "srt", "-disposition:v:0", "default",
        "-disposition:a:0", "comment", "-disposition:a:1", "default", "-disposition:s:0", "0", "-disposition:s:1", "default+forced", path,
    )  # fmt: skip
    return path


MARKED = [
    ("video", {"default"}),
    ("audio", {"comment"}),
    ("audio", {"default"}),
    ("subtitle", set()),
    ("subtitle", {"default", "forced"}),
]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_what_tracks_are_marked_as_stays(film: Path, tmp_path: Path, suffix: str):
    path, out = film, tmp_path / f"out{suffix}"
    if suffix == ".mp4":
        path = tmp_path / "in.mp4"
        ffmpeg("-i", film, "-map", "0", "-c", "copy", "-c:s", "mov_text", path)
    assert flags(path) == MARKED
    assert run(path, out) == ""
    assert flags(out) == MARKED


def test_a_mark_that_a_container_has_no_place_for_is_named(film: Path, tmp_path: Path):
    out = tmp_path / "out.mov"
    assert f"{film}: its aac sound is marked as comment, which mov cannot say." in run(film, out)
    assert flags(out)[1:3] == [("audio", set()), ("audio", {"default"})]


def test_what_is_said_of_two_tracks_is_said_once(film: Path, tmp_path: Path):
    told = run(film, tmp_path / "out.webm")
    assert told.count("its aac sound does not fit into webm; encoded as Opus (2 tracks).") == 1
    assert told.count("subtitles do not fit into webm; left out (2 tracks).") == 1
    assert len(set(told.splitlines())) == len(told.splitlines())


TITLES = ["Nave", "English commentary", "Français"]


def titles(path: Path) -> list[str]:
    """As ffprobe tells them: in MP4 and MOV by the name of the handler."""
    tags = [one.get("tags", {}) for one in asked(path, "-show_streams")["streams"]]
    return [one.get("title") or one.get("handler_name", "") for one in tags]


@pytest.mark.parametrize("after", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("before", [".mkv", ".mp4", ".mov"])
def test_titles_of_tracks_come_along(tmp_path: Path, before: str, after: str):
    path, out = tmp_path / f"in{before}", tmp_path / f"out{after}"
    named = [f"-metadata:s:{number}" for number in range(3)]
    key = "title" if before == ".mkv" else "handler_name"
    words = [word for name, title in zip(named, TITLES, strict=True) for word in (name, f"{key}={title}")]
    sounds = ("-f", "lavfi", "-i", "sine=duration=2")
    ffmpeg(*PICTURES, *sounds, *sounds, "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-c:a", "aac", *words, path)
    run(path, out)
    assert titles(out) == TITLES


def test_the_name_of_what_wrote_an_mp4_is_no_title(tmp_path: Path):
    path, out = tmp_path / "in.mp4", tmp_path / "out.mkv"
    ffmpeg(*PICTURES, "-f", "lavfi", "-i", "sine=duration=2", "-c:v", "libx264", "-c:a", "aac", path)
    assert titles(path) == ["VideoHandler", "SoundHandler"]
    run(path, out)
    assert titles(out) == ["", ""]


def test_a_sound_that_is_encoded_anew_keeps_its_marks(film: Path, tmp_path: Path):
    assert "its aac sound is marked as comment, which webm cannot say" in run(film, tmp_path / "out.webm")
    assert flags(tmp_path / "out.webm")[:3] == [MARKED[0], ("audio", set()), MARKED[2]]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
def test_sound_that_was_cut_away_stays_away(tmp_path: Path, suffix: str):
    """An edit list hides the first 0.6 s: a tone, before which there is silence."""
    whole, path, out = tmp_path / "whole.mp4", tmp_path / "in.mp4", tmp_path / f"out{suffix}"
    tone = "aevalsrc='if(lt(t,0.6),sin(2*PI*440*t),0)':d=2:s=48000"
    ffmpeg(*PICTURES, "-f", "lavfi", "-i", tone, "-c:v", "libx264", "-g", "250", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", whole)
    ffmpeg("-ss", "0.6", "-i", whole, "-c", "copy", path)
    assert min(float(one["pts_time"]) for one in asked(path, "-select_streams", "a", "-show_packets")["packets"]) < -0.3
    run(path, out)
    heard = subprocess.run(
        [need("ffmpeg"), "-v", "error", "-i", str(out), "-map", "0:a", "-f", "s16le", "-"], capture_output=True, check=True
    ).stdout
    samples = memoryview(heard).cast("h")
    assert max(samples[4800:]) < 500
    assert len(samples) / 48_000 == pytest.approx(1.4, abs=0.1)
    if suffix == ".mkv":
        assert float(asked(out, "-select_streams", "a", "-show_streams")["streams"][0]["start_time"]) > -0.05


@pytest.mark.parametrize("lost", [1, 3])
def test_sound_goes_on_where_the_last_pictures_cannot_be_decoded(tmp_path: Path, lost: int):
    whole, path, out = tmp_path / "whole.mkv", tmp_path / "in.mkv", tmp_path / "out.mp4"
    ffmpeg(
        *PICTURES,
        "-f",
        "lavfi",
        "-i",
        "sine=duration=6",
        "-c:v",
        "libx264",
        "-g",
        "10",
        "-bf",
        "0",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        whole,
    )
    number = 0
    with av.open(str(whole)) as container, av.open(str(path), "w") as changed:
        copies = {stream.index: changed.add_stream_from_template(stream, opaque=True) for stream in container.streams}
        for packet in container.demux():
            if packet.size:
                copy = av.Packet(bytes(packet) if packet.stream.type == "audio" or number < 50 - lost else bytes(packet.size))
                number += packet.stream.type == "video"
                copy.pts, copy.dts, copy.time_base, copy.is_keyframe = packet.pts, packet.dts, packet.time_base, packet.is_keyframe
                copy.stream = copies[packet.stream.index]
                changed.mux(copy)
    told = run(path, out)
    assert f"{path}: nothing after {(50 - lost) / 25:.1f} s of its pictures can be decoded; the sound goes on to its end." in told
    (sound,) = asked(out, "-select_streams", "a", "-show_streams")["streams"]
    assert float(sound["duration"]) == pytest.approx(6, abs=0.1)
    heard = [[one["pts_time"] for one in asked(file, "-select_streams", "a", "-show_packets")["packets"]] for file in (path, out)]
    assert [float(time_s) for time_s in heard[1]] == pytest.approx([float(time_s) for time_s in heard[0]], abs=0.001)


@pytest.mark.parametrize("most", [10, 49])
def test_a_run_that_is_ended_early_ends_its_sound_with_its_pictures(film: Path, tmp_path: Path, most: int):
    out = tmp_path / "out.mp4"
    done = facestream("run", film, "-o", out, *OFF, "--max-frames", str(most))
    assert done.returncode == 0
    sounds = asked(out, "-select_streams", "a", "-show_streams")["streams"]
    assert [float(sound["duration"]) for sound in sounds] == pytest.approx([most / 25] * 2, abs=0.1)
