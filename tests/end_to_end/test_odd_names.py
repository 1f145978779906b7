"""A file may have any name that the system takes: what is no text, what looks like a protocol, an option or a pattern."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.command import facestream, running
from tests.media import ffprobe_times, make_clip, need
from tests.monitor import comes, scraped
from tests.paths import ROOT
from tests.ports import free_port
from tests.screen import press, screenshot
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

BLIND = ("--set", "detector.enabled=false")
LATIN = os.fsdecode("latin\N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"))
"""A name from an old disk: not UTF-8."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", times=range(10))


def with_sound(path: Path) -> Path:
    """Ten pictures and a tone."""
    command = [need("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=0.4", "-f", "lavfi"]
    subprocess.run([*command, "-i", "sine=duration=0.4", "-c:v", "libx264", "-c:a", "aac", path], check=True)
    return path


@pytest.mark.parametrize(
    "name", ["12:30:45.mp4", "concat:a|b.mp4", "data:x.mp4", "camera:0.mp4", "100%.mp4", "img%03d.mp4", "a[1].mp4", " .mp4"]
)
def test_a_file_is_read_by_itself_and_by_its_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    original = with_sound(tmp_path / "original.mp4")
    (tmp_path / "in").mkdir()
    shutil.move(original, tmp_path / "in" / name)
    for number, source in enumerate([name, f"./{name}", "."]):
        done = facestream("run", source, "-o", f"../out{number}/", *BLIND, cwd=tmp_path / "in")
        assert done.returncode == 0, done.stderr
        (out,) = (tmp_path / f"out{number}").iterdir()
        assert out.name == name
        assert len(ffprobe_times(f"file:{out}")) == 10
        probe = [need("ffprobe"), "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", f"file:{out}"]
        assert subprocess.run(probe, capture_output=True, text=True, check=True).stdout.split() == ["video", "audio"]


def test_a_name_that_begins_like_an_option(tmp_path: Path, clip: Path) -> None:
    shutil.copy(clip, tmp_path / "-x.mp4")
    for words in (["./-x.mp4"], ["--", "-x.mp4"]):
        done = facestream("run", "--events", "-", *BLIND, *words, cwd=tmp_path)
        assert len(done.stdout.splitlines()) == 10, done.stderr


def test_a_name_that_is_no_text_is_read_written_and_told(tmp_path: Path, clip: Path) -> None:
    folder = tmp_path / LATIN
    folder.mkdir()
    shutil.copy(clip, folder / f"{LATIN}.mp4")
    Image.new("RGB", (64, 48)).save(folder / f"{LATIN}.png")
    for words in ([], ["--log-format", "json"]):
        out = tmp_path / f"{LATIN}-out"
        done = facestream("run", folder, "-o", out, "--events", tmp_path / f"{LATIN}.jsonl", "--overwrite", *BLIND, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert sorted(path.name for path in out.iterdir()) == [f"{LATIN}.mp4", f"{LATIN}.png"]
        events = [json.loads(line) for line in (tmp_path / f"{LATIN}.jsonl").read_text(encoding="utf-8").splitlines()]
        assert {event["source"] for event in events} == {str(folder / f"{LATIN}.mp4"), str(folder / f"{LATIN}.png")}
    missing = facestream("run", f"none-{LATIN}.mp4", cwd=tmp_path)
    assert missing.stderr == "facestream: none-latin\\udce9.mp4: there is no such file or folder.\n"


def test_a_name_that_is_no_text_is_in_the_numbers_and_the_health(tmp_path: Path, clip: Path) -> None:
    name, port = f"{LATIN}.mp4", free_port()
    shutil.copy(clip, tmp_path / name)
    words = (name, "--set", "source.loop=true", "--events", "events.jsonl", "--metrics-port", str(port), "--duration", "60", *BLIND)
    with running("run", *words, cwd=tmp_path):
        comes(port, "/readyz", lambda status, _: status == 200)
        assert "latin\\udce9.mp4" in comes(port, "/healthz", lambda status, text: status == 200 and "capture" in text)
        assert scraped(port)["facestream_source_up"] == {("latin\\udce9.mp4",): 1.0}


def test_a_name_that_is_no_text_in_windows(tmp_path: Path, clip: Path, screen: str) -> None:
    for number in range(2):
        shutil.copy(clip, tmp_path / f"{LATIN}{number}.mp4")
    for names in ([f"{LATIN}0.mp4"], [f"{LATIN}0.mp4", f"{LATIN}1.mp4"]):
        with running("run", *names, "--set", "source.loop=true", *BLIND, cwd=tmp_path, environment={"DISPLAY": screen}) as process:
            wait_for(lambda: screenshot(screen, tmp_path / "screen.png").std() > 20, but=lambda process=process: process.poll())
            press(screen, "q")
            assert process.wait(timeout=20) == 0


def test_no_path_goes_to_ffmpeg_as_it_is() -> None:
    bare = re.compile(r"av\.open\((str\(|\w*path\b)")
    assert not [str(path) for path in (ROOT / "stream").rglob("*.py") if bare.search(path.read_text(encoding="utf-8"))], "use ffmpeg_name"
