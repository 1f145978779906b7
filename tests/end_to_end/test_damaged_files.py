"""A file that was cut off, or whose bits were flipped, comes out as far as FFmpeg can decode it, with a note, and plays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.command import facestream
from tests.media import ffprobe, make_clip, need, picture

pytestmark = pytest.mark.slow

OFF = ("--model", "none", "--set", "detector.enabled=false")
KINDS = {
    ".mp4": ["-c:v", "copy", "-c:a", "aac", "-movflags", "faststart"],
    ".mov": ["-c:v", "copy", "-c:a", "aac", "-movflags", "faststart"],
    ".mkv": ["-c:v", "copy", "-c:a", "aac"],
    ".ts": ["-c:v", "copy", "-c:a", "aac"],
    ".webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "25", "-c:a", "libopus"],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Four seconds, 100 frames, with sound, in each container."""
    folder = tmp_path_factory.mktemp("whole")
    noise = np.random.default_rng(0).integers(0, 40, (240, 320, 1), np.uint8)
    images = (picture(number) // 2 + np.roll(noise, number, axis=1) for number in range(100))
    clip = make_clip(folder / "clip.mp4", times=range(100), images=images, options={"preset": "veryfast", "g": "25"})
    for suffix, codecs in KINDS.items():
        sound = ["-f", "lavfi", "-i", "sine=duration=4"]
        subprocess.run([need("ffmpeg"), "-v", "error", "-i", clip, *sound, *codecs, folder / f"whole{suffix}"], check=True)
    return {suffix: (folder / f"whole{suffix}").read_bytes() for suffix in KINDS}


def frames_of(path: Path) -> int:
    return len(ffprobe(path, "-show_entries", "frame=pict_type").get("frames", []))


def check(path: Path, out: Path, least: int) -> str:
    """Run it; what the user is told."""
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert frames_of(out) >= max(least, frames_of(path) - 2), "FFmpeg's own program may count a broken picture or two more"
    strict = [need("ffmpeg"), "-v", "error", "-xerror", "-i", str(out), "-map", "0:v", "-f", "null", "-"]  # sound is copied as it is
    assert subprocess.run(strict, capture_output=True, text=True, check=False).stderr == "", "the pictures that came out are whole"
    return done.stdout + done.stderr


@pytest.mark.parametrize("suffix", KINDS)
def test_what_was_cut_off_comes_out_to_its_end(whole: dict[str, bytes], tmp_path: Path, suffix: str):
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[suffix][: len(whole[suffix]) * 6 // 10])
    told = check(path, tmp_path / "out.mp4", least=45)
    assert f"{path}: is cut off" in told or f"{path}: is damaged or cut off" in told


@pytest.mark.parametrize("suffix", KINDS)
def test_flipped_bits_cost_some_pictures_and_a_note(whole: dict[str, bytes], tmp_path: Path, suffix: str):
    path, data = tmp_path / f"flipped{suffix}", bytearray(whole[suffix])
    for place in range(len(data) // 4, len(data) * 3 // 4, len(data) // 20):  # its index, wherever it lies, stays whole
        data[place] ^= 0x5A
    path.write_bytes(data)
    told = check(path, tmp_path / "out.mp4", least=60)
    if suffix != ".webm" or frames_of(tmp_path / "out.mp4") < 100:  # libvpx cannot tell a wrong bit from a right one
        assert f"{path}: is damaged or cut off; what could be decoded was used" in told
