"""Transport streams that were joined of parts with other codecs or streams: all is read, and no track has a packet of another codec."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from stream.media import av
from tests.command import facestream
from tests.joined import OFF, goes_on, packets, part, run, times

pytestmark = pytest.mark.slow

FIRST = ("-c:v", "libx264", "-bf", "2", "-c:a", "aac")
JUMPS = "its times jump back by"
PARTS = "is joined of parts with streams of their own"


def sound(path: Path, codec: str, length_s: float) -> None:
    """Each packet is of that codec and can be decoded, none lies upon another, and there is a tone nearly all the time."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        assert stream.codec_context.codec.canonical_name == codec
        frames = [frame for packet in container.demux(stream) for frame in packet.decode()]  # raises where it is another codec's
        assert sum(frame.samples / frame.sample_rate for frame in frames) == pytest.approx(length_s, abs=0.1)
        assert len({(frame.sample_rate, frame.layout.name) for frame in frames}) == 1
        loud = [abs(frame.to_ndarray().astype(float)).max() > 0.05 * (1 if frame.format.is_planar else 32768) for frame in frames]
        assert sum(loud) > 0.95 * len(loud)
    heard = [time_s for time_s, _ in packets(path, "a:0")]
    assert min(b - a for a, b in itertools.pairwise(heard)) > 0.01


def joined(tmp_path: Path, *options: tuple[str, ...], suffix: str = ".ts") -> Path:
    path = tmp_path / f"joined{suffix}"
    parts = [part(tmp_path / f"{number}{suffix}", codecs=words) for number, words in enumerate(options)]
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize(
    ("second", "pictures", "kind"),
    [
        (("-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "mp2"), "hevc", "mp2"),
        (("-c:v", "mpeg2video", "-c:a", "ac3"), "mpeg2video", "ac3"),
    ],
)
def test_other_codecs(tmp_path: Path, second: tuple[str, ...], pictures: str, kind: str, suffix: str):
    path, out = joined(tmp_path, FIRST, second, FIRST), tmp_path / f"out{suffix}"
    told = run(path, out)
    assert told.count(JUMPS) == told.count(PARTS) == 1
    assert f"({pictures} at 2.0 s, h264 at 4.0 s)" in told
    assert "damaged" not in told
    goes_on(out, 150)
    if suffix == ".webm":
        sound(out, "opus", 6)
    else:
        assert f"its aac sound goes on as {kind} at 2." in told
        sound(out, "aac", 6)


def test_the_sound_alone_has_another_codec(tmp_path: Path):
    path, out = joined(tmp_path, ("-c:v", "libx264", "-c:a", "ac3"), ("-c:v", "libx264", "-c:a", "aac")), tmp_path / "out.mp4"
    told = run(path, out)
    assert "its ac3 sound goes on as aac at 2.0 s; encoded as ac3." in told
    assert PARTS not in told
    goes_on(out, 100)
    sound(out, "ac3", 4)


def test_the_same_codec_with_other_samples(tmp_path: Path):
    """Nothing but the packets themselves says so."""
    path, out = joined(tmp_path, FIRST, (*FIRST, "-ar", "32000", "-ac", "2")), tmp_path / "out.mp4"
    assert "its aac sound goes on as another kind of aac at 2.0 s; encoded as aac." in run(path, out)
    goes_on(out, 100)
    sound(out, "aac", 4)


def test_sound_that_cannot_go_on_in_its_track_is_left_out_with_a_note(tmp_path: Path):
    path, out = joined(tmp_path, ("-c:v", "libx264", "-c:a", "dca", "-strict", "-2", "-ac", "2"), FIRST), tmp_path / "out.mp4"
    assert "its dca sound goes on as aac at 2.0 s; left out, for there is no encoder of dts here." in run(path, out)
    goes_on(out, 100)
    sound(out, "dts", 2)


def test_a_part_with_other_numbers_and_another_size(tmp_path: Path):
    other = (*FIRST, "-s", "320x240", "-mpegts_start_pid", "0x300", "-mpegts_pmt_start_pid", "0x1100", "-mpegts_service_id", "7")
    path, out = joined(tmp_path, FIRST, other), tmp_path / "out.mp4"
    assert "(h264 at 2.0 s)" in run(path, out)
    goes_on(out, 100)
    sound(out, "aac", 4)
    assert [time_s for time_s, _ in packets(out, "a:0")][-1] == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("cut", [0, 1000])
def test_packets_with_a_clock_before_each(tmp_path: Path, cut: int):
    """As cameras and Blu-rays have them; the first part may end within one."""
    paths = [tmp_path / f"{number}.m2ts" for number in range(2)]
    first, second = (
        part(path, "-f", "mpegts", "-mpegts_m2ts_mode", "1", codecs=codecs)
        for path, codecs in zip(paths, (FIRST, ("-c:v", "mpeg2video", "-c:a", "ac3")), strict=True)
    )
    path, out = tmp_path / "joined.m2ts", tmp_path / "out.mp4"
    path.write_bytes(first[: len(first) - cut] + second)
    assert "(mpeg2video at 2.0 s)" in run(path, out)
    assert len(times(out)) >= 99
    assert times(out)[-1] == pytest.approx(3.96, abs=0.041)


def test_a_part_without_sound_ends_the_sound_and_the_pictures_go_on(tmp_path: Path):
    path, out = joined(tmp_path, FIRST, ("-c:v", "mpeg2video", "-an")), tmp_path / "out.mp4"
    run(path, out)
    goes_on(out, 100)
    sound(out, "aac", 2)


def with_other_type(stream: bytes, kind: int) -> bytes:
    """A part whose table says that its one stream is of that type."""
    data = bytearray(stream)
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3], "big") == 0x5000:  # begins here, and is the table (0x1000)
            begin, end = at + 5, at + 8 + data[at + 7] - 4
            data[begin + 12] = kind
            check = 0xFFFFFFFF
            for byte in data[begin:end]:
                check ^= byte << 24
                for _ in range(8):
                    check = (check << 1 ^ (0x04C11DB7 if check >> 31 else 0)) & 0xFFFFFFFF
            data[end : end + 4] = check.to_bytes(4, "big")
    return bytes(data)


def test_a_part_that_cannot_be_read_ends_the_run_in_a_sentence_and_what_came_before_is_kept(tmp_path: Path):
    path, out = tmp_path / "joined.ts", tmp_path / "out.mp4"
    second = part(tmp_path / "1.ts", codecs=("-c:v", "mpeg2video", "-an"))
    path.write_bytes(part(tmp_path / "0.ts", codecs=FIRST) + with_other_type(second, 0xD4))  # AVS3, for which there is no decoder
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 1
    assert "another part of it begins at 2.0 s, and its pictures cannot be read; there is no decoder for their format here." in done.stderr
    assert "Traceback" not in done.stderr
    goes_on(out, 50)
    sound(out, "aac", 2)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_only_later_parts_have_and_not_all_of_them(tmp_path: Path, suffix: str):
    other = ("-c:v", "mpeg2video", "-c:a", "ac3")
    path, out = joined(tmp_path, ("-c:v", "libx264", "-an"), other, ("-c:v", "libx264", "-an"), other), tmp_path / f"out{suffix}"
    assert "its ac3 sound begins in a later part; encoded as AAC." in run(path, out)
    goes_on(out, 200)
    with av.open(str(out)) as container:
        loud = [frame.time for frame in container.decode(audio=0) if abs(frame.to_ndarray()).max() > 0.05]
    assert all(2 - 0.1 < time_s < 4.1 or 6 - 0.1 < time_s < 8.1 for time_s in loud)
    for second in (2, 3, 6, 7):
        assert sum(second <= time_s < second + 1 for time_s in loud) > 40


def test_parts_without_any_sound(tmp_path: Path):
    path, out = joined(tmp_path, ("-c:v", "libx264", "-an"), ("-c:v", "mpeg2video", "-an")), tmp_path / "out.mp4"
    run(path, out)
    goes_on(out, 100)
    assert [stream.type for stream in av.open(str(out)).streams] == ["video"]


def test_parts_that_come_through_a_pipe(tmp_path: Path):
    path, out = joined(tmp_path, FIRST, ("-c:v", "mpeg2video", "-an"), FIRST), tmp_path / "out.mp4"
    command = f'cat "{path}" | "{sys.executable}" -m stream run - -o "{out}" {" ".join(OFF)}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "(mpeg2video at 2.0 s, h264 at 4.0 s)" in done.stderr
    goes_on(out, 150)
