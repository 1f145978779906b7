"""Where the times of a file jump or are wrong, its pictures and its sound go on as if they were not, and a note says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.joined import goes_on, packets, part, run, sound_is_in_step, times

pytestmark = pytest.mark.slow

HOUR_MS = 3_600_000


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_transport_streams_one_after_the_other(tmp_path: Path, suffix: str):
    path, out = tmp_path / "joined.ts", tmp_path / f"out{suffix}"
    path.write_bytes(4 * part(tmp_path / "part.ts"))
    told = run(path, out)
    assert f"{path}: its times jump back by 2.0 s at 2.0 s, and 2 times more; it goes on a frame later." in told
    goes_on(out, 200)
    assert times(out)[0] == 0
    sound_is_in_step(out, 4)


def test_without_sound(tmp_path: Path):
    path, out = tmp_path / "joined.ts", tmp_path / "out.mp4"
    path.write_bytes(2 * part(tmp_path / "part.ts", "-an", codecs=("-c:v", "libx264")))
    assert "jump back by 2.0 s" in run(path, out)
    goes_on(out, 100)


def test_the_parts_of_a_dvd(tmp_path: Path):
    path, out = tmp_path / "joined.vob", tmp_path / "out.mp4"
    path.write_bytes(2 * part(tmp_path / "part.vob", codecs=("-c:v", "mpeg2video", "-c:a", "ac3")))
    assert "jump back by 2.0 s" in run(path, out)
    goes_on(out, 100)
    sound_is_in_step(out, 2)


def test_a_list_of_pieces_with_discontinuities(tmp_path: Path):
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:3"]
    for number in range(3):
        part(tmp_path / f"{number}.ts")
        lines += ["#EXTINF:2.0,", f"{number}.ts", "#EXT-X-DISCONTINUITY" if number < 2 else "#EXT-X-ENDLIST"]
    path, out = tmp_path / "list.m3u8", tmp_path / "out.mp4"
    path.write_text("\n".join(lines))
    assert ", and once more; it goes on a frame later" in run(path, out)
    goes_on(out, 150)
    sound_is_in_step(out, 3)


@pytest.mark.parametrize("hours", [0.02, 7, 22])
def test_times_that_jump_ahead_do_not_abort_the_program(tmp_path: Path, hours: float):
    """MP4's muxer does, at 2^31 ticks: 6.6 hours."""
    path, out = tmp_path / "ahead.ts", tmp_path / "out.mp4"
    late = part(tmp_path / "late.ts", "-output_ts_offset", str(hours * 3600))
    path.write_bytes(part(tmp_path / "part.ts") + late)
    (ahead_s,) = re.findall(r"its times jump ahead by ([\d.]+) s at 2\.0 s; it goes on a frame later", run(path, out))
    assert float(ahead_s) == pytest.approx(hours * 3600 - 2, abs=0.2)
    goes_on(out, 100)
    sound_is_in_step(out, 2)


def retimed(path: Path, out: Path, *, pictures: Callable[[int], int] | None = None, sound: Callable[[int], int] | None = None) -> Path:
    """The FLV with its n-th picture and n-th sound `pictures(n)` and `sound(n)` ms later: what no muxer would write."""
    data, at, count = bytearray(path.read_bytes()), 13, {8: 0, 9: 0}
    while at + 11 <= len(data):
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        if kind in count and data[at + 12] == 1:  # neither a codec's header nor the end
            later = sound if kind == 8 else pictures
            ms = int.from_bytes(data[at + 4 : at + 7], "big") + (data[at + 7] << 24) + (later(count[kind]) if later else 0)
            data[at + 4 : at + 8] = (ms & 0xFFFFFF).to_bytes(3, "big") + bytes([ms >> 24])
            count[kind] += 1
        at += 11 + size + 4
    out.write_bytes(data)
    return out


@pytest.fixture(scope="module")
def flv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flv") / "clip.flv"
    part(path, "-flvflags", "no_duration_filesize")
    return path


@pytest.mark.parametrize(
    ("later", "note"),
    [
        ({25: HOUR_MS}, "a picture has a wrong time (at 1.1 s); put between those before and behind"),
        ({20: 300}, "a picture has a wrong time"),
        ({20: -700}, "a picture has a wrong time"),
        ({20: 400 * HOUR_MS}, "a picture has a wrong time"),
        ({20: HOUR_MS, 21: HOUR_MS}, "2 pictures have wrong times"),
    ],
    ids=["an hour", "a little", "too early", "over 2^31 ticks", "two"],
)
def test_a_wrong_time_is_put_into_its_place(flv: Path, tmp_path: Path, later: dict[int, int], note: str):
    path, out = retimed(flv, tmp_path / "in.flv", pictures=lambda n: later.get(n, 0)), tmp_path / "out.mp4"
    told = run(path, out)
    assert note in told
    assert told.count("\n") == 1
    goes_on(out, 50)
    assert [content for _, content in packets(out, "a:0")] == [content for _, content in packets(flv, "a:0")]


@pytest.mark.parametrize("later_ms", [400, HOUR_MS, 400 * HOUR_MS, -400], ids=["a little", "an hour", "over 2^31 ticks", "too early"])
def test_a_wrong_time_of_sound_costs_nothing_either(flv: Path, tmp_path: Path, later_ms: int):
    path, out = retimed(flv, tmp_path / "in.flv", sound=lambda n: later_ms if n == 40 else 0), tmp_path / "out.mp4"
    run(path, out)
    goes_on(out, 50)
    before, after = packets(flv, "a:0"), packets(out, "a:0")
    assert [content for _, content in after] == [content for _, content in before]
    assert [time_s for time_s, _ in after] == pytest.approx([time_s for time_s, _ in before], abs=0.0011 if abs(later_ms) > 400 else 0.5)


def test_sound_whose_times_jump_alone_goes_on(flv: Path, tmp_path: Path):
    path, out = retimed(flv, tmp_path / "in.flv", sound=lambda n: 400 * HOUR_MS if n >= 40 else 0), tmp_path / "out.mp4"
    assert "its sound's times jump alone at 0.8 s; it goes on without a gap" in run(path, out)
    before, after = packets(flv, "a:0"), packets(out, "a:0")
    assert [time_s for time_s, _ in after] == pytest.approx([time_s for time_s, _ in before], abs=0.0011)


def test_a_picture_that_stands_for_hours_is_no_jump(flv: Path, tmp_path: Path):
    path = retimed(
        flv, tmp_path / "in.flv", pictures=lambda n: 2 * HOUR_MS if n >= 25 else 0, sound=lambda n: 2 * HOUR_MS if n >= 47 else 0
    )
    out = tmp_path / "out.mp4"
    assert run(path, out) == ""
    shown = times(out)
    assert len(shown) == 50
    assert shown[-1] == pytest.approx(7200 + 49 / 25 + times(flv)[0], abs=0.01)
    assert max(time_s for time_s, _ in packets(out, "a:0")) > 7200


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_no_container_aborts(flv: Path, tmp_path: Path, suffix: str):
    """Each packet has a time of its own choosing."""
    wild = lambda n: (n * 2654435761) % (2**31 - 10_000_000)  # noqa: E731
    path, out = retimed(flv, tmp_path / "in.flv", pictures=wild, sound=wild), tmp_path / f"out{suffix}"
    run(path, out)
    assert len(times(out)) >= 50
