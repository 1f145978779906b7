"""`facestream evaluate` tells the truth about any bundle on any folder, in numbers, pictures and plots that need nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.classification.bundle import FILES, SHIPPED, load_keras_model, read_bundle, write_bundle
from models.classification.classifier import Classifier
from models.data.dataset import load_dataset
from models.data.samples import scores_of
from models.data.split import fingerprint, split_samples
from models.errors import ModelError
from models.evaluation.evaluate import judge_folder
from models.evaluation.metrics import Evaluation
from models.evaluation.plots import History
from models.evaluation.report import check_report_place, write_report
from models.inference.keras_backend import load_keras
from tests.command import facestream, is_one_sentence
from tests.photos import photo


@pytest.fixture(scope="module")
def folder(two_faces: dict[str, Image.Image], portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photos with a face, of 120 to 1200 px, and eight pieces of a flag and a dress: right for the bundle `face`, but for one."""
    folder = tmp_path_factory.mktemp("judged")
    rng = np.random.default_rng(4)
    (folder / "face").mkdir()
    (folder / "not face").mkdir()
    for i, side in enumerate((120, 160, 200, 300, 400, 600, 900, 1200)):
        face = list(two_faces.values())[i % 2]
        photo(face, rng, side).save(folder / "face" / f"{i}.{'png' if i % 2 else 'jpg'}")
        x, y = int(rng.integers(0, 60)), int(rng.integers(0, 400))
        Image.fromarray(portrait[y : y + 100, x : x + 100]).save(folder / "not face" / f"{i}.png")
    shutil.copy(folder / "face" / "3.png", folder / "not face" / "a mistake.png")
    (folder / "face" / "3.png").unlink()
    (folder / "face" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    return folder


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The report's folder and what was printed."""
    out = tmp_path_factory.mktemp("out") / "report"
    done = facestream("evaluate", "face", folder, "-o", out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def predictions(report: Path) -> dict[str, dict[str, str]]:
    with (report / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return {row["picture"]: row for row in csv.DictReader(file)}


class Outside(HTMLParser):
    """Collects what a page would fetch from elsewhere, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe", "object")
        for name, value in attributes:
            if name in ("src", "href") and not (value or "").startswith("data:image/"):
                self.outside.append(f"{tag} {name}={value}")
            self.pictures += name == "src"


def test_the_page_holds_all_it_shows(report: tuple[Path, str]) -> None:
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    parser = Outside()
    parser.feed(page)
    assert parser.outside == []
    assert "url(" not in page
    wrong = sum(row["is"] != row["called"] for row in predictions(report[0]).values())
    assert parser.pictures == 4 + wrong, "confusion matrix, ROC, precision and recall, reliability; and the mistakes"
    assert "not face/a mistake.png" in page
    assert "broken.jpg" in page


def test_each_plot_is_a_picture_with_something_on_it(report: tuple[Path, str]) -> None:
    plots = sorted((report[0] / "plots").iterdir())
    assert [path.stem for path in plots] == ["confusion", "precision_recall", "reliability", "roc"]
    for path in plots:
        image = np.asarray(Image.open(path).convert("L"))
        assert min(image.shape) > 200
        assert 0.02 < (image < 250).mean() < 0.9


def test_the_numbers_are_those_of_the_pictures(report: tuple[Path, str]) -> None:
    rows = predictions(report[0])
    assert len(rows) == 16
    right = sum(row["is"] == row["called"] for row in rows.values())
    metrics = json.loads((report[0] / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] == pytest.approx(right / 16)
    assert all(isinstance(value, float) for value in metrics.values())
    assert metrics["accuracy_low"] < metrics["accuracy"] < metrics["accuracy_high"]
    assert 12 <= right <= 15
    assert rows["not face/a mistake.png"]["called"] == "face"
    assert f"Right: {right} of 16." in report[1]


def test_a_served_probability_is_the_evaluated_one(report: tuple[Path, str], folder: Path) -> None:
    rows = predictions(report[0])
    done = facestream("run", folder / "face", "--events", "-", "--no-window", "--set", "classifier.keep_dropped=true")
    served = {Path(event["source"]).name: event["faces"] for event in map(json.loads, done.stdout.splitlines())}
    compared = 0
    for name, faces in served.items():
        row = rows[f"face/{name}"]
        for face in faces[:1]:
            assert face["probabilities"]["face"] == pytest.approx(float(row["probability of face"]), abs=0.001)
            compared += 1
    assert compared == 7, "one face in each photo"


@pytest.mark.slow
def test_what_a_gpu_would_run_says_what_was_evaluated(folder: Path) -> None:
    judged = judge_folder("face", folder, report=lambda line: None, precision="f32")
    network = load_keras(load_keras_model(read_bundle("face")), batch_sizes=(8,))
    said = Classifier(judged.bundle, network).classify(judged.evaluation.crops, scores_of(judged.dataset.samples))
    assert np.ptp(said[:, 1]) > 0.9
    np.testing.assert_allclose(said, judged.evaluation.probabilities, atol=0.001)


def test_without_a_place_for_the_report_only_numbers_come_out(folder: Path, tmp_path: Path) -> None:
    done = facestream("evaluate", SHIPPED / "face", folder, cwd=tmp_path)
    assert done.returncode == 0
    assert "Balanced accuracy" in done.stdout
    assert "95 % interval" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_on_the_folder_it_learnt_from_only_what_was_kept_apart_is_judged(folder: Path, tmp_path: Path) -> None:
    dataset = load_dataset(folder, classes=read_bundle("face").info.classes, least=1, report=lambda line: None)
    split = split_samples(dataset.samples, seed=0)

    def describe(files: dict[str, str]):  # type: ignore[no-untyped-def]
        info = read_bundle("face").info
        data = info.data.model_copy(update={"fingerprint": fingerprint(split)})
        return info.model_copy(update={"files": files, "data": data, "seed": 0})

    def copy(into: Path) -> None:
        for name in FILES:
            shutil.copy(SHIPPED / "face" / name, into / name)

    write_bundle(tmp_path / "mine", describe, copy, lambda info: "")
    judged = judge_folder(tmp_path / "mine", folder, report=lambda line: None)
    assert list(judged.evaluation.origins) == [sample.origin for sample in split["test"]]
    assert "was trained on this folder" in judged.part


def test_a_folder_with_test_pictures_is_judged_on_those(folder: Path, tmp_path: Path) -> None:
    for side in ("train", "test"):
        for name in ("face", "not face"):
            (tmp_path / side / name).mkdir(parents=True)
    for i, path in enumerate(sorted(path for path in folder.rglob("*.png"))):
        shutil.copy(path, tmp_path / ("train" if i % 2 else "test") / path.parent.name / path.name)
    judged = judge_folder("face", tmp_path, report=lambda line: None)
    assert judged.part == "Judged on the folder test/."
    assert all(origin.startswith("test/") for origin in judged.evaluation.origins)


def no_folder(place: Path) -> None:
    pass


def other_classes(place: Path) -> None:
    for name in ("cats", "dogs"):
        (place / name).mkdir(parents=True)
        Image.new("RGB", (90, 90)).save(place / name / "a.png")


@pytest.mark.parametrize(("make", "reason"), [(no_folder, "no such folder"), (other_classes, "not face, face are needed")])
def test_what_cannot_be_judged_is_refused_in_a_sentence(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "data")
    done = facestream("evaluate", "face", tmp_path / "data", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert reason in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def small() -> Evaluation:
    """Two classes with names that mean something to HTML and to matplotlib."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    scores = np.clip(labels * 0.4 + rng.random(40) * 0.6, 0, 1)
    crops = rng.integers(0, 255, (40, 150, 150, 3), np.uint8)
    probabilities = np.stack([1 - scores, scores], axis=1).astype(np.float32)
    return Evaluation(("_<b>&", "$x_1$ 猫"), 0.5, labels, probabilities, crops, tuple(f"<i>{i}</i>.png" for i in range(40)))


def test_a_training_s_history_is_drawn_and_names_are_only_names(small: Evaluation, tmp_path: Path) -> None:
    info = read_bundle("face").info.model_copy(update={"classes": small.classes, "drop": ()})
    values = {"loss": [0.7, 0.4, 0.3], "val_loss": [0.6, 0.5, 0.55], "accuracy": [0.5, 0.8, 0.9], "val_accuracy": [0.6, 0.8, 0.7]}
    history = History(values, kept=2)
    page = write_report(tmp_path / "r", info, small, title="<script>", history=history, data_report=[("What & why", ["<u>"])])
    text = page.read_text(encoding="utf-8")
    assert not re.search("<script>|<u>|<i>|_<b>", text)
    assert "What &amp; why" in text
    with Image.open(io.BytesIO((tmp_path / "r" / "plots" / "learning.png").read_bytes())) as picture:
        assert picture.width > 600


def test_many_classes_get_a_report_too(small: Evaluation, tmp_path: Path) -> None:
    three = replace(
        small,
        classes=("a", "b", "c"),
        threshold=None,
        labels=np.arange(40) % 3,
        probabilities=np.random.default_rng(0).dirichlet((1, 1, 1), 40).astype(np.float32),
    )
    info = read_bundle("face").info.model_copy(update={"classes": three.classes, "drop": (), "threshold": None})
    write_report(tmp_path / "r", info, three, title="three")
    assert {path.stem for path in (tmp_path / "r" / "plots").iterdir()} == {"confusion", "roc", "precision_recall", "reliability"}


def test_a_report_replaces_only_a_report_and_never_lies_among_the_shipped_models(small: Evaluation, tmp_path: Path) -> None:
    info = read_bundle("face").info.model_copy(update={"classes": small.classes, "drop": ()})
    for _ in range(2):
        write_report(tmp_path / "r", info, small, title="again")
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    with pytest.raises(ModelError, match="add --overwrite"):
        check_report_place(tmp_path / "r", overwrite=False)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "precious.jpg").touch()
    with pytest.raises(ModelError, match="something other than a report"):
        write_report(tmp_path / "photos", info, small, title="no")
    with pytest.raises(ModelError, match="among the models that ship"):
        write_report(SHIPPED / "face" / "report", info, small, title="no")
