"""`facestream` with the other detector: the same events, told once what it means for the model, and every wrong setting in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.imaging.boxes import iou
from tests.command import facestream, is_one_sentence, usual_environment
from tests.media import make_clip
from tests.paths import TESTS
from tests.photos import make_folder

pytestmark = pytest.mark.slow  # each is a whole command

TOLD = (
    "facestream: the model face weighs the scores of the detector mtcnn, not of yunet: "
    "its network's own answer is used, with the same threshold\n"
)


@pytest.fixture(scope="module")
def yunet(data_dir: Path) -> list[str]:
    return ["--set", "detector.kind=yunet", "--set", f"detector.weights={data_dir / 'models/yunet_n_640_640.onnx'}"]


def events(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_photo_gives_the_same_events_and_one_warning(yunet: list[str], portrait_path: Path, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "yunet.jsonl", tmp_path / "mtcnn.jsonl"
    done = facestream("run", portrait_path, portrait_path, "--events", theirs, *yunet)
    assert (done.returncode, done.stderr) == (0, TOLD)
    assert facestream("run", portrait_path, portrait_path, "--events", ours).stderr == ""
    for mine, its in zip(events(ours), events(theirs), strict=True):
        ((face,), (other,)) = mine["faces"], its["faces"]  # type: ignore[misc]
        assert face.keys() == other.keys()
        assert iou(np.array([face["box"]]), np.array([other["box"]])) > 0.8
        assert face["label"] == other["label"] == "face"


def test_what_weighs_no_score_needs_no_warning(yunet: list[str], portrait_path: Path) -> None:
    for model in ("smile", "none"):
        done = facestream("run", portrait_path, "--model", model, *yunet)
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 face" in done.stdout


def test_a_face_in_a_video_is_followed(yunet: list[str], portrait: np.ndarray, tmp_path: Path) -> None:
    images = [np.ascontiguousarray(portrait[20 + index : 420 + index, 2 * index : 2 * index + 384]) for index in range(30)]
    clip = make_clip(tmp_path / "clip.mp4", times=list(range(30)), time_base=Fraction(1, 25), images=images, size=(384, 400))
    done = facestream("run", clip, "-o", tmp_path / "out.mp4", *yunet)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{clip}: 30 frames, 30 with faces, 1 face followed")


@pytest.mark.slow
def test_what_it_finds_is_learnt_from_and_judged_and_the_card_says_how(
    yunet: list[str], two_faces: dict[str, Image.Image], tmp_path: Path
) -> None:
    people = make_folder(tmp_path / "people", two_faces, 14)
    made = subprocess.run(
        [sys.executable, TESTS / "short_training.py", "train", people, "-o", tmp_path / "who", "--architecture", "compact", *yunet],
        capture_output=True, text=True, env=usual_environment(), check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert made.stderr.count("14 with one face") == 2, made.stderr
    card = (tmp_path / "who/README.md").read_text(encoding="utf-8")
    assert "--set detector.kind=yunet --set detector.weights=yunet_n_640_640.onnx" in card
    judged = facestream("evaluate", tmp_path / "who", people, *yunet)
    assert judged.returncode == 0, judged.stderr
    assert "kept apart then are judged" in judged.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "classifier.model=smile"], "here only what begins with detector. has a meaning"),
        (["--set", "detector.enabled=false"], "detector.enabled: must be true here"),
        (["--set", "detector.kind=yunet"], "detector.kind yunet needs weights"),
    ],
)
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_what_training_and_judging_cannot_use_is_refused(command: str, words: list[str], told: str, tmp_path: Path) -> None:
    done = facestream(command, *(["face", tmp_path] if command == "evaluate" else [tmp_path, "-o", tmp_path / "out"]), *words)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr), done.stderr
    assert told in done.stderr


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        (["kind=yunet"], 2, "detector.kind yunet needs weights"),
        (["weights=a.onnx"], 2, "detector.weights has no meaning for kind mtcnn"),
        (["score=0.5"], 2, "detector.score has no meaning for kind mtcnn"),
        (["kind=yunet", "weights=a.onnx", "thresholds=[0.5, 0.5, 0.5]"], 2, "detector.thresholds has no meaning for kind yunet"),
        (["kind=yunet", "weights=a.onnx", "score=2"], 2, "detector.score cannot be 2"),
        (["kind=retina"], 2, "detector.kind cannot be 'retina': it must be 'mtcnn' or 'yunet'"),
        (["kind=yunet", "weights=none.onnx"], 1, "none.onnx: there is no such file"),
        (["kind=yunet", "weights=5"], 2, "detector.weights cannot be 5: it must be the path of a file"),
        (["kind=yunet", "weights=docs"], 1, "docs: is a folder; detector.weights names the ONNX file of a YuNet"),
        (["kind=yunet", "weights=README.md"], 1, "README.md: is not an ONNX file by its name"),
    ],
)
def test_wrong_settings_get_one_sentence(settings: list[str], code: int, words: str, portrait_path: Path) -> None:
    done = facestream(
        "run", portrait_path, *(word for one in settings for word in ("--set", f"detector.{one}")), cwd=Path(__file__).parents[2]
    )
    assert done.returncode == code
    assert is_one_sentence(done.stderr), done.stderr
    assert words in done.stderr


def test_a_text_named_as_a_network_is_refused_without_anybody_else_s_words(portrait_path: Path, tmp_path: Path) -> None:
    (tmp_path / "yunet.onnx").write_text("hello\n", encoding="utf-8")
    done = facestream("run", portrait_path, "--set", "detector.kind=yunet", "--set", "detector.weights=yunet.onnx", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "facestream: yunet.onnx: is damaged or no ONNX file.\n")
