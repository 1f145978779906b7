"""A wrong time of a file's first or last picture, or of all of them, costs neither sound nor length; a picture that stands stays."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tests.command import facestream
from tests.end_to_end.test_times_that_jump import retimed
from tests.joined import OFF, ffmpeg, goes_on, packets, part, times
from tests.media import make_clip, need

pytestmark = pytest.mark.slow

WRONG = "a picture has a wrong time"
CLUSTER, GROUP, SIMPLE, BLOCK = b"\x1f\x43\xb6\x75", b"\xa0", b"\xa3", b"\xa1"


def run(path: Path, out: Path) -> str:
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    return done.stderr


def size_at(data: bytes, at: int) -> tuple[int, int]:
    """A number as Matroska writes it, and how many bytes it takes."""
    length = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1), length


def retimed_mkv(path: Path, number: int, ms: int) -> None:
    """The n-th picture's block says that it is shown so many ms after its cluster."""
    data = bytearray(path.read_bytes())
    at, found = data.find(CLUSTER), list[int]()
    while at < len(data):
        name = 9 - data[at].bit_length()
        size, length = size_at(data, at + name)
        ident, at = bytes(data[at : at + name]), at + name + length
        if ident in (CLUSTER, GROUP):
            continue
        if ident in (SIMPLE, BLOCK) and data[at] == 0x81:
            found.append(at + 1)
        at += size
    data[found[number] : found[number] + 2] = struct.pack(">h", ms)
    path.write_bytes(data)


def table(data: bytearray, name: bytes) -> int:
    """Where the first entry is of the first such table of an MP4: that of its pictures."""
    return data.index(name) + 12


def steps_mp4(path: Path, ticks: int) -> None:
    data = bytearray(path.read_bytes())
    data[table(data, b"stts") + 4 : table(data, b"stts") + 8] = struct.pack(">I", ticks & 0xFFFFFFFF)
    path.write_bytes(data)


def last_mp4(path: Path, seconds: int) -> None:
    """The last picture comes so much later: the last but one stands for as long."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stts")
    (count, ticks), (scale,) = struct.unpack_from(">II", data, at + 12), struct.unpack_from(">I", data, data.index(b"mdhd") + 16)
    table = struct.pack(">4s8I", b"stts", 0, 3, count - 2, ticks, 1, seconds * scale, 1, ticks)
    assert data.index(b"mdat") < data.index(b"moov")  # nothing that counts its place moves
    data[at : at + 20] = table
    data = bytearray(bytes(data).replace(b"edts", b"free"))  # a list of edits would cut the picture off
    for box in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = data.index(box) - 4
        data[place : place + 4] = struct.pack(">I", struct.unpack_from(">I", data, place)[0] + len(table) - 20)
    path.write_bytes(data)


def same_sound(path: Path, out: Path) -> None:
    before, after = packets(path, "a:0"), packets(out, "a:0")
    assert [content for _, content in after] == [content for _, content in before]
    assert [time_s for time_s, _ in after] == pytest.approx([time_s for time_s, _ in before], abs=0.0011)


@pytest.mark.parametrize("out_suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("b_frames", ["0", "2"])
@pytest.mark.parametrize(
    ("number", "ms"),
    [(0, 30000), (0, 5000), (-1, 32000), (0, -300), (1, -300), (-1, 400)],
    ids=["first", "first, less", "last", "first, too early", "second, too early", "last, too early"],
)
def test_a_block_of_matroska(tmp_path: Path, number: int, ms: int, b_frames: str, out_suffix: str):
    path, out = tmp_path / "in.mkv", tmp_path / f"out{out_suffix}"
    part(path, "-bf", b_frames)
    began = times(path)[0]
    retimed_mkv(path, number, ms)
    told = run(path, out)
    assert told.count(WRONG) == told.count("\n") == 1
    goes_on(out, 50)
    assert times(out)[0] == pytest.approx(began, abs=0.0011)
    same_sound(path, out)


@pytest.mark.parametrize("later", [{0: 30_000}, {0: 30_000, 1: 30_000}, {0: 500_000}, {49: 31_000}, {49: 500_000}, {49: -500}])
def test_a_tag_of_flash(tmp_path: Path, later: dict[int, int]):
    whole, out = tmp_path / "whole.flv", tmp_path / "out.mp4"
    part(whole, "-bf", "0", "-flvflags", "no_duration_filesize")
    path = retimed(whole, tmp_path / "in.flv", pictures=lambda n: later.get(n, 0))
    told = run(path, out)
    assert told.count("\n") == 1
    assert "wrong time" in told
    goes_on(out, 50)
    assert times(out)[0] == pytest.approx(times(whole)[0], abs=0.0011)
    same_sound(whole, out)


@pytest.mark.parametrize("base", ["1/25", "1/50"])
def test_the_last_pictures_of_an_avi_with_b_frames(tmp_path: Path, base: str):
    """FFmpeg tells no time of them. A tick may be half a picture's."""
    path, out = tmp_path / "in.avi", tmp_path / "out.mp4"
    part(path, "-bf", "2", "-an", "-enc_time_base", base)
    run(path, out)
    goes_on(out, 50)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_the_last_step_of_an_mp4(tmp_path: Path, suffix: str):
    path, out = tmp_path / f"in{suffix}", tmp_path / "out.mp4"
    part(path, "-bf", "0")
    last_mp4(path, 31)
    assert times(path)[-1] == pytest.approx(32.92)
    told = run(path, out)
    assert told.count(WRONG) == told.count("\n") == 1
    goes_on(out, 50)


def slides(path: Path, shown_s: list[float], *, sound_s: float = 0) -> Path:
    """Pictures that stand for as long as they do."""
    alone = path if not sound_s else path.with_stem("alone")
    make_clip(alone, times=[round(1000 * at_s) for at_s in shown_s], time_base=Fraction(1, 1000))
    if sound_s:
        ffmpeg("-i", alone, "-f", "lavfi", "-i", f"sine=duration={sound_s}:sample_rate=44100", "-c:v", "copy", "-c:a", "aac", path)
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".flv"])
@pytest.mark.parametrize(
    ("shown_s", "sound_s"),
    [
        ([0, 3, 4, 9, 30, 95], 0),
        ([0, 5, 10, 15, 20, 80], 20),
        ([number / 25 for number in range(40)] + [9.5], 0),
        ([number / 25 for number in range(40)] + [20], 21),
        ([number / 10 + (number % 3) * 0.04 for number in range(40)] + [45], 5),
        ([0, *(20 + number / 25 for number in range(40))], 22),
    ],
    ids=["uneven", "a slide every 5 s", "a last picture that stands", "with its sound", "unsteady", "a first picture that stands"],
)
def test_pictures_that_stand_stay(tmp_path: Path, suffix: str, shown_s: list[float], sound_s: float):
    path, out = slides(tmp_path / f"in{suffix}", shown_s, sound_s=sound_s), tmp_path / "out.mkv"
    before = times(path)
    assert len(before) == len(shown_s)
    assert "time" not in run(path, out)
    assert times(out) == pytest.approx(before, abs=0.0011)


@pytest.mark.parametrize("ticks", [0, -1], ids=["none", "negative"])
@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_times_that_are_all_one_are_spread(tmp_path: Path, ticks: int, sound: bool, b_frames: str):
    """With B-frames there is a list of edits, which would hide most of them."""
    path, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    part(path, "-bf", b_frames, *(() if sound else ("-an",)))
    steps_mp4(path, ticks)
    told = run(path, out)
    assert f"{path}: its pictures have no times that can be believed; 25 frames/s are assumed." in told
    assert told.count("\n") == 1
    goes_on(out, 50)


def test_times_that_are_all_one_are_spread_over_the_sound(tmp_path: Path):
    path, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    part(path, "-bf", "0", "-vf", "fps=10")
    steps_mp4(path, 0)
    assert "; 10 frames/s are assumed" in run(path, out)
    assert times(out) == pytest.approx([number / 10 for number in range(20)], abs=0.0011)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("silent_parts", [1, 2])
def test_sound_that_begins_in_a_later_part(tmp_path: Path, silent_parts: int, suffix: str):
    path, out = tmp_path / "joined.ts", tmp_path / f"out{suffix}"
    silent = part(tmp_path / "silent.ts", "-an", codecs=("-c:v", "libx264", "-bf", "2"))
    path.write_bytes(silent_parts * silent + part(tmp_path / "sound.ts"))
    told = run(path, out)
    assert "its times jump back by 2.0 s" in told
    assert "not fit" not in told
    goes_on(out, 50 * (silent_parts + 1))
    command = [
        "-v",
        "error",
        "-i",
        out,
        "-af",
        "aresample=async=1:first_pts=0",
        "-ac",
        "1",
        "-ar",
        "8000",
        "-f",
        "s16le",
        tmp_path / "heard",
    ]
    ffmpeg(*command)
    heard = memoryview((tmp_path / "heard").read_bytes()).cast("h")
    begins = next(number for number, sample in enumerate(heard) if abs(sample) > 1000) / 8000
    assert begins == pytest.approx(2 * silent_parts, abs=0.08)
    assert len(heard) / 8000 == pytest.approx(2 * silent_parts + 2, abs=0.08)
    assert channels(out) == 1


def channels(path: Path) -> int:
    command = [need("ffprobe"), "-v", "error", "-select_streams", "a", "-show_entries", "stream=channels", "-of", "csv=p=0", path]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
