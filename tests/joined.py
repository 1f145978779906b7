"""Parts to join, the command on what was joined, and whether pictures and sound go on in what it wrote."""

from __future__ import annotations

import itertools
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.command import facestream
from tests.media import need, packets_of

OFF = ("--model", "none", "--set", "detector.enabled=false")


def ffmpeg(*words: object) -> None:
    subprocess.run([need("ffmpeg"), "-v", "error", "-y", *map(str, words)], check=True)


def part(path: Path, *words: str, codecs: tuple[str, ...] = ("-c:v", "libx264", "-bf", "2", "-c:a", "aac")) -> bytes:
    """Two seconds, 50 pictures, with a tone that rises, so that no two packets of sound are equal."""
    rising = "aevalsrc='sin(2*PI*(300+200*t)*t)':d=2:s=48000"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=25:duration=2",
        "-f",
        "lavfi",
        "-i",
        rising,
        "-pix_fmt",
        "yuv420p",
        *codecs,
        *words,
        path,
    )
    return path.read_bytes()


def packets(path: Path, stream: str) -> list[tuple[float, str]]:
    """When each packet is shown or heard, and what is in it, in the order of their times."""
    return sorted(packets_of(path, stream))


def times(path: Path) -> list[float]:
    return [time_s for time_s, _ in packets(path, "v:0")]


def run(path: Path, out: Path) -> str:
    """What the user is told; the run has succeeded."""
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    assert f"written to {out}" in done.stdout
    return done.stderr


def goes_on(out: Path, count: int) -> None:
    """So many pictures, 40 ms apart."""
    shown = times(out)
    assert len(shown) == count
    assert shown == pytest.approx([shown[0] + index / 25 for index in range(count)], abs=0.0011)


def sound_is_in_step(out: Path, parts: int) -> None:
    """The same sound comes with each part, as much later as the part's pictures do; none of it lies upon another."""
    heard = packets(out, "a:0")
    by_content = defaultdict(list)
    for time_s, content in heard:
        by_content[content].append(time_s)
    repeated = [found for found in by_content.values() if len(found) == parts]
    assert len(repeated) > 50
    assert all(found == pytest.approx([found[0] + 2 * number for number in range(parts)], abs=0.0011) for found in repeated)
    assert min(b - a for (a, _), (b, _) in itertools.pairwise(heard)) > 0.01
