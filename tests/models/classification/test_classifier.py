"""Crops become probabilities and names, on the CPU without Keras, equal to Keras."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.classification.bundle import SHIPPED, RoundingCheck, load_keras_model, read_bundle
from models.classification.classifier import Classifier, load_network
from models.data.layout import picture_paths
from models.detection.mtcnn import MTCNN
from models.errors import ModelError
from models.evaluation.false_positives import judge_on_labelled, judge_on_nobody
from models.inference.keras_backend import load_keras
from models.inference.openvino_backend import has_bfloat16
from models.training.reduced_precision import check_bfloat16


@pytest.fixture(scope="module")
def exact() -> Classifier:
    return Classifier.load("face", precision="f32", device="cpu")


@pytest.fixture(scope="module")
def crops(portrait: np.ndarray, astronaut: np.ndarray, exact: Classifier) -> np.ndarray:
    """Real crops, the first two of them faces: what the detector finds, and a grid over both pictures."""
    detector = MTCNN(min_face_px=40)
    found = [exact.crop(image, detector.detect([image])[0].boxes[:1]) for image in (portrait, astronaut)]
    grid = [(x, y, x + side, y + side) for side in (60, 160) for x in range(0, 400, 80) for y in range(0, 400, 80)]
    return np.concatenate([*found, *(exact.crop(image, np.array(grid, np.float32)) for image in (portrait, astronaut))])


def test_a_face_is_a_face_and_a_corner_is_none(exact: Classifier, portrait: np.ndarray, crops: np.ndarray) -> None:
    faces = exact.classify(crops[:2])
    assert [exact.label(row)[0] for row in faces] == ["face", "face"]
    corner = exact.classify(exact.crop(portrait, np.array([[0, 500, 100, 600]], np.float32)))[0]
    assert exact.label(corner)[0] == "not face" in exact.drop


def test_probabilities_have_a_column_for_each_class_and_sum_to_one(exact: Classifier, crops: np.ndarray) -> None:
    probabilities = exact.classify(crops)
    assert probabilities.shape == (len(crops), 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert exact.classify(crops[:0]).shape == (0, 2)


def test_the_label_s_probability_is_that_of_the_label(exact: Classifier) -> None:
    low = Classifier.load("face", threshold=0.2, device="cpu")
    row = np.array([0.7, 0.3], np.float32)
    assert low.label(row) == ("face", pytest.approx(0.3))
    assert Classifier.load("face", threshold=0.9, device="cpu").label(row) == ("not face", pytest.approx(0.7))
    assert exact.threshold == read_bundle("face").info.threshold


def test_a_crop_scores_the_same_alone_and_among_others(exact: Classifier, crops: np.ndarray) -> None:
    together = exact.classify(crops[:21])
    alone = np.concatenate([exact.classify(crop[None]) for crop in crops[:21]])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_scores_of_a_detector_that_the_bundle_does_not_know_are_not_weighed(
    exact: Classifier, crops: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    other = Classifier.load("face", precision="f32", device="cpu", detector="yunet")
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told.startswith("the model face weighs the scores of the detector mtcnn, not of yunet")
    low, high = (np.full(len(crops), score, np.float32) for score in (0.1, 0.99))
    assert np.array_equal(other.classify(crops, low), other.classify(crops, high))
    assert np.array_equal(other.classify(crops, low), other.classify(crops))
    assert (exact.classify(crops, high)[:, 1] > exact.classify(crops, low)[:, 1]).all()
    assert Classifier.load("smile", device="cpu", detector="yunet").name == "smile"  # it weighs no score
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


@pytest.mark.slow
def test_openvino_equals_keras_and_what_a_gpu_would_run(crops: np.ndarray) -> None:
    bundle = read_bundle("face")
    expected = np.asarray(load_keras_model(bundle)(crops.astype(np.float32), training=False))
    assert np.ptp(expected) > 0.9, "crops that all score the same prove nothing"
    np.testing.assert_allclose(load_network(bundle, "f32")(crops)[0], expected, atol=1e-5)
    np.testing.assert_allclose(load_keras(load_keras_model(bundle))(crops)[0], expected, atol=1e-5)


def test_the_default_precision_changes_no_label(exact: Classifier, crops: np.ndarray) -> None:
    fast = Classifier.load("face", device="cpu")
    assert [fast.label(row)[0] for row in fast.classify(crops)] == [exact.label(row)[0] for row in exact.classify(crops)]


def test_the_cpu_path_never_loads_keras(portrait_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from models import Classifier, MTCNN\nfrom models.imaging.pictures import read_picture\n"
        "image = read_picture(sys.argv[1])\n"
        "boxes = MTCNN(device='cpu').detect([image])[0].boxes\n"
        "classifier = Classifier.load('face', device='cpu')\n"
        "print(len(classifier.classify(classifier.crop(image, boxes))), {'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(portrait_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 set()"


@pytest.mark.parametrize(
    ("crops", "error", "message"),
    [
        (np.zeros((2, 150, 150, 3), np.float32), TypeError, "uint8 array .* not an array of float32"),
        ([[1]], TypeError, "not list"),
        (np.zeros((150, 150, 3), np.uint8), ValueError, r"\(N, 150, 150, 3\), not \(150, 150, 3\)"),
        (np.zeros((2, 64, 64, 3), np.uint8), ValueError, r"not \(2, 64, 64, 3\)"),
        (np.zeros((2, 150, 150), np.uint8), ValueError, r"not \(2, 150, 150\)"),
    ],
)
def test_what_is_no_batch_of_crops_is_refused_with_what_was_expected(
    exact: Classifier, crops: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        exact.classify(crops)


def test_a_threshold_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1, not 40"):
        Classifier.load("face", threshold=40)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="Shipped are"):
        Classifier.load("no-such-model")


@pytest.mark.slow
def test_the_second_look_removes_false_finds_and_keeps_faces(exact: Classifier, data_dir: Path) -> None:
    """A quick part of what the card says, on pictures that training never saw."""

    def score(crops: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return exact.classify(crops, scores)[:, 1]

    assert exact.threshold is not None
    assert picture_paths(data_dir / "train" / "nobody_photos")
    removed = judge_on_nobody(score, exact.threshold, exact.margin, data_dir / "train" / "nobody_photos", step=2)
    assert removed.of >= 30
    assert removed.value >= 0.7, "the card says 81.2 %; of half of those pictures, a little less may be left"
    lost, gone = judge_on_labelled(score, exact.threshold, exact.margin, data_dir / "detect" / "fddb_single", step=4)
    assert lost.of >= 60
    assert lost.value <= 0.02
    assert gone.of > 0


@pytest.mark.slow
def test_the_detectors_score_counts_where_the_bundle_weighs_it(tmp_path: Path, crops: np.ndarray) -> None:
    folder = with_info(tmp_path, detector={"network": 2.0, "score": 1.0, "bias": -0.5})
    weighing = Classifier.load(folder, precision="f32", device="cpu")
    network = np.asarray(load_keras_model(read_bundle("face"))(crops[:4].astype(np.float32)))[:, 0]
    joined = weighing.classify(crops[:4], np.array([0.3, 0.5, 0.99, np.nan], np.float32))[:, 1]
    expected = [p**2 * q / (p**2 * q + (1 - p) ** 2 * (1 - q)) for p, q in zip(network, odds_of([0.3, 0.5, 0.99, 0.7], -0.5), strict=True)]
    np.testing.assert_allclose(joined, expected, atol=1e-4)
    assert joined[3] == weighing.classify(crops[:4])[3, 1], "without a score it counts as the least that the detector lets through"
    ignoring = Classifier.load("smile", precision="f32", device="cpu")
    np.testing.assert_array_equal(ignoring.classify(crops[:4], np.full(4, 0.3)), ignoring.classify(crops[:4]))


def odds_of(scores: list[float], bias: float) -> list[float]:
    """Scores with their odds changed by a factor exp(bias)."""
    return [score * np.exp(bias) / (score * np.exp(bias) + 1 - score) for score in scores]


def with_info(tmp_path: Path, **changed: object) -> Path:
    """A copy of the bundle `face` that says this of itself."""
    folder = Path(shutil.copytree(SHIPPED / "face", tmp_path / "face"))
    info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps(info | changed), encoding="utf-8")
    return folder


def test_bfloat16_is_harmless_where_it_was_seen_to_change_no_label_in_a_thousand() -> None:
    seen = [(1200, 0), (2001, 2), (2000, 2), (900, 0)]
    checks = [RoundingCheck(crops=crops, labels_changed=changed, largest_change=0.01) for crops, changed in seen]
    assert [check.harmless for check in checks] == [True, True, False, False]


@pytest.mark.parametrize("changed", [0, 2])
def test_the_default_uses_bfloat16_only_where_it_is_harmless(tmp_path: Path, crops: np.ndarray, exact: Classifier, changed: int) -> None:
    folder = with_info(tmp_path, bfloat16={"crops": 1200, "labels_changed": changed, "largest_change": 0.01})
    fast = Classifier.load(folder, device="cpu").classify(crops[:21])
    expected = exact.classify(crops[:21])
    assert np.array_equal(fast, expected) == (changed > 0 or not has_bfloat16())
    np.testing.assert_allclose(fast, expected, atol=0.03)
    np.testing.assert_array_equal(Classifier.load(folder, device="cpu", precision="f32").classify(crops[:21]), expected)


@pytest.mark.slow
def test_what_bfloat16_changes_is_counted_on_crops(crops: np.ndarray) -> None:
    bundle = read_bundle("face")
    check = check_bfloat16(load_keras_model(bundle), crops, bundle.info.threshold)
    if not has_bfloat16():
        assert check is None
        return
    assert check is not None
    assert check.crops == len(crops)
    assert 0 < check.largest_change < 0.03
