"""The symptoms on the page of troubleshooting are what the program says: provoked where that can be, else found in its code."""

from __future__ import annotations

import functools
import json
import re
import shutil
from pathlib import Path

import pytest

from models.classification.bundle import read_bundle
from tests import documentation
from tests.command import facestream
from tests.media import make_clip
from tests.paths import ROOT

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "troubleshooting.md"
RUN = "run clip.mp4 --set detector.enabled=false "
PROVOKED = {
    RUN + "--config none.yaml": "…: there is no such settings file.",
    RUN + "--set detector.min_face=40": "… is not a setting … Did you mean …?",
    RUN + "--set min_face_px=40": "…: write it as section.key=value, such as detector.min_face_px=40.",
    "run --config variable.yaml": "…: the environment variable … is not set.",
    "run clip.mp4 --model nobody": "…: there is no such model. Shipped are: …; any other is named by its folder.",
    "run clip.mp4 --model changed": "…: … is not the file that model.json describes (its sha256 differs); get the model anew.",
    "run clip.mp4 --set detector.device=gpu": "device gpu was asked for, but …: use auto or cpu",
    "run clip.mp4 --set detector.kind=yunet": "detector.kind yunet needs weights: the path of its ONNX file.",
    "run clip.mp4 --set detector.score=0.5": "… has no meaning for kind …: leave it out, or choose another kind.",
    "run 7 --set source.open_timeout_s=0.5": "camera …: cannot be opened. Is it connected, and does no other program use it?",
    "run rtsp://127.0.0.1:9/x --duration 1": "…: refused: nothing listens there; trying again until it answers.",
    "run rtsp://nowhere.invalid/x --duration 1": "…: unreachable: no host of that name is known; trying again until it answers.",
    "run rtsp://127.0.0.1:9/y --duration 1": "…: no picture ever came (…).",
    "run rtmp://host/x": "…: rtmp:// cannot be read; there are http, https, rtsp, rtsps.",
    RUN + "-o there.mp4": "…: exists already; add --overwrite to replace it.",
    RUN + "-o clip.mp4": "…: this is an input; choose another output.",
    RUN + "-o out.avi": "…: a video cannot be written as …; there are ….",
    "run clip.mp4 there.mp4 -o one.mp4": "…: there are several sources, so the output must be a folder, and this is the name of a file.",
    RUN + "--segment 10": "--segment cuts what is recorded; name a place for it with -o.",
    RUN + "--segment 10 -o out/": "…: --segment cuts recordings of cameras, and this is none; leave it out.",
    RUN + "--window": "--window: there is no display …",
    RUN + "-o notes.txt/out.mp4": "…: cannot be written (…).",
    "run nowhere.mp4": "…: there is no such file or folder.",
    "run empty": "…: there is no picture and no video in this folder.",
    "run notes.txt": "…: is not a video that can be read.",
    "draw clip.mp4 faces.jsonl -o out.mp4": "…: holds no events of a run; they are named first: facestream draw EVENTS SOURCE -o PATH.",
    "draw faces.jsonl there.mp4 -o out.mp4": "…: is not the file that the events in … are of (its fingerprint is another); name that, or "
    "run this.",
    "draw faces.jsonl clips/a.mp4 -o out.mp4": "…: there are no events of it in …; those are of ….",
    "train clips -o model": "…: needs a folder of pictures for each of two or more classes, and has ….",
    "train clips -o changed": "…: holds a model already; add --overwrite to replace it.",
    "export face --format onnx -o face.bin": "…: the name of a model in the format onnx ends in .onnx.",
}
"""Mistakes, in a folder that holds what they need, and what the page says that they are answered with."""
NOT_IN_CODE = {"libGL.so.1: cannot open shared object file"}
"""What the system says."""


@functools.cache
def symptoms() -> tuple[str, ...]:
    """The sentences in the first column."""
    return tuple(span for cell in documentation.first_cells(PAGE) for span in documentation.SPAN.findall(cell) if " " in span)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything may go wrong."""
    folder = tmp_path_factory.mktemp("wrong")
    for name in ("clip.mp4", "there.mp4", "clips/a.mp4"):
        (folder / name).parent.mkdir(exist_ok=True)
        make_clip(folder / name, times=range(5))
    (folder / "variable.yaml").write_text("sources: [{name: door, address: '${NOT_SET}'}]", encoding="utf-8")
    shutil.copytree(read_bundle("face").folder, folder / "changed")
    with (folder / "changed" / "model.bin").open("ab") as file:
        file.write(b"more")
    event = {"source": "there.mp4", "frame": 0, "time_s": 0.0, "width": 320, "height": 240, "faces": [], "fingerprint": "1-2-3"}
    (folder / "faces.jsonl").write_text(json.dumps(event) + "\n", encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("no video", encoding="utf-8")
    return folder


@pytest.mark.parametrize("words", PROVOKED)
def test_a_mistake_is_answered_as_the_page_says(words: str, folder: Path) -> None:
    symptom = PROVOKED[words]
    assert symptom in symptoms()
    done = facestream(*words.split(), cwd=folder)
    if "device=gpu" in words and done.returncode == 0:
        pytest.skip("this machine has a GPU")
    assert done.returncode in (1, 2)
    assert re.search(".+?".join(map(re.escape, symptom.split("…"))), done.stderr), done.stderr


def test_every_other_sentence_is_in_the_code() -> None:
    files = [
        path.read_text(encoding="utf-8")
        for package in ("models", "stream")
        for kind in ("*.py", "*.js")
        for path in (ROOT / package).rglob(kind)
    ]
    code = re.sub(r'"\s*\n\s*f?"', "", "\n".join(files))
    others = set(symptoms()) - set(PROVOKED.values()) - NOT_IN_CODE
    assert len(symptoms()) > len(others) > 5
    for symptom in others:
        assert all(piece.strip(" :.") in code for piece in symptom.split("…")), symptom
