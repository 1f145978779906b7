"""A client written from a description alone, with nothing of this project, says what is said here: of every find, in every format."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.classification.classifier import Classifier
from models.detection.mtcnn import MTCNN
from models.export.exporter import export_model
from models.export.formats import ENDINGS, Format

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::UserWarning")]

Run = Callable[[np.ndarray], np.ndarray]


class Client:
    """What somebody writes who has the model, the description and OpenCV. Imports nothing of ours; each line follows a sentence there."""

    def __init__(self, description: dict[str, Any], run: Run) -> None:
        self.said, self.run = description, run
        self.rule = description["input"]["crop"]
        assert self.rule["shape"] == "square"
        self.side = description["input"]["shape"][1]

    def crop(self, picture: np.ndarray, box: list[float]) -> np.ndarray:
        x1, y1, x2, y2 = box
        half = max(x2 - x1, y2 - y1) / 2
        left, top, side = (x1 + x2) / 2 - half, (y1 + y2) / 2 - half, 2 * half
        margin = self.rule["margin"]
        x, y = round(left - margin * side), round(top - margin * side)  # Python's round() goes to the even one
        n = max(round(side * (1 + 2 * margin)), 1)
        return self.resized(self.cut(picture, x, y, n))

    def cut(self, picture: np.ndarray, x: int, y: int, n: int) -> np.ndarray:
        height, width = picture.shape[:2]
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + n, width), min(y + n, height)
        if left >= right or top >= bottom:
            return np.full((n, n, 3), self.rule["outside"], np.uint8)
        inside = picture[top:bottom, left:right]
        if n > self.rule["largest_patch_px"] and inside.shape[:2] != (n, n):
            halved = cv2.resize(inside, (-(-(right - left) // 2), -(-(bottom - top) // 2)), interpolation=cv2.INTER_AREA)
            return self.cut(halved, round((x - left) / 2), round((y - top) / 2), n // 2)
        square = np.full((n, n, 3), self.rule["outside"], np.uint8)
        square[top - y : bottom - y, left - x : right - x] = inside
        return square

    def resized(self, square: np.ndarray) -> np.ndarray:
        n, side = len(square), self.side
        if n >= 2 * side:
            while n >= 4 * side:
                n = math.ceil(n / 2)
                square = cv2.resize(square, (n, n), interpolation=cv2.INTER_LINEAR)
            square = cv2.resize(square, (2 * side, 2 * side), interpolation=cv2.INTER_LINEAR)
        return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA if n > side else cv2.INTER_LINEAR)

    def probabilities(self, picture: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        crops = np.stack([self.crop(picture, box) for box in boxes.astype(np.float64).tolist()])
        p = self.run(crops)[:, 0].astype(np.float64)
        detector = self.said["detector"]
        if detector is None:
            return p
        clip = detector["clip"]
        s = np.where(np.isnan(scores), detector["without_score"], scores)
        p, s = np.clip(p, clip, 1 - clip), np.clip(s, clip, 1 - clip)
        z = detector["network"] * np.log(p / (1 - p)) + detector["score"] * np.log(s / (1 - s)) + detector["bias"]
        return np.asarray(1 / (1 + np.exp(-z)))

    def labels(self, probabilities: np.ndarray) -> list[str]:
        return [self.said["classes"][int(p >= self.said["threshold"])] for p in probabilities]


def onnx(path: Path, said: dict[str, Any]) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda crops: np.asarray(session.run([said["output"]["name"]], {said["input"]["name"]: crops})[0])


def litert(path: Path, said: dict[str, Any]) -> Run:
    import tensorflow as tf

    run = tf.lite.Interpreter(str(path)).get_signature_runner(said["signature"])
    return lambda crops: np.concatenate([run(**{said["input"]["name"]: crop[None]})[said["output"]["name"]] for crop in crops])


def savedmodel(path: Path, said: dict[str, Any]) -> Run:
    import tensorflow as tf

    call = tf.saved_model.load(path).signatures[said["signature"]]
    return lambda crops: np.asarray(call(**{said["input"]["name"]: tf.constant(crops)})[said["output"]["name"]])


def openvino(path: Path, said: dict[str, Any]) -> Run:
    from models.inference.openvino_quiet import ov  # only so that it reports to nobody

    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    output = compiled.output(said["output"]["name"])
    return lambda crops: np.asarray(compiled({said["input"]["name"]: crops})[output])


FORMATS: dict[Format, Callable[[Path, dict[str, Any]], Run]] = {
    "onnx": onnx,
    "tflite": litert,
    "savedmodel": savedmodel,
    "openvino": openvino,
}


@pytest.fixture(scope="module")
def finds(portrait: np.ndarray, astronaut: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pictures, large and small, with what a hesitant detector finds in them, some of it over their edges, and huge boxes."""
    detector = MTCNN(min_face_px=20, thresholds=(0.3, 0.3, 0.1), device="cpu")
    large = cv2.resize(portrait[:, 60:460], None, fx=12, fy=12, interpolation=cv2.INTER_CUBIC)
    found = []
    for picture in (portrait, astronaut, portrait[150:300, 200:330]):
        detections = detector.detect([picture])[0]
        if len(detections):
            found.append((picture, detections.boxes, detections.scores))
    height, width = large.shape[:2]
    huge = np.array([[-500, -300, width + 400, height], [900, 900, 4700, 5000], [10.5, 20.25, 700, 800]], np.float32)
    found.append((large, huge, np.array([0.9, np.nan, 0.3], np.float32)))
    rng = np.random.default_rng(7)
    corners, sides = rng.uniform(-80, 450, (60, 2)), np.exp(rng.uniform(np.log(8), np.log(700), (60, 2)))
    corners = np.maximum(corners, 2 - sides)  # of each something is to be seen
    found.append(
        (astronaut, np.concatenate([corners, corners + sides], axis=1).astype(np.float32), rng.uniform(0, 1, 60).astype(np.float32))
    )
    assert sum(len(boxes) for _, boxes, _ in found) > 70
    return found


@pytest.mark.parametrize(("kind", "model"), [*((kind, "face") for kind in FORMATS), ("openvino", "smile")])
def test_a_client_written_from_the_description_says_the_same_of_every_find(
    kind: Format, model: str, finds: list[tuple[np.ndarray, np.ndarray, np.ndarray]], tmp_path: Path
) -> None:
    out = tmp_path / f"model{ENDINGS.get(kind, '')}"
    export_model(model, kind, out)
    place = out / "assets.extra/model.json" if kind == "savedmodel" else out.with_name(f"{out.name}.json")
    said = json.loads(place.read_text(encoding="utf-8"))
    client, ours = Client(said, FORMATS[kind](out, said)), Classifier.load(model, precision="f32", device="cpu")
    for picture, boxes, scores in finds:
        for box, crop in zip(boxes.tolist(), ours.crop(picture, boxes), strict=True):
            np.testing.assert_array_equal(client.crop(picture, box), crop)
        expected = ours.classify(ours.crop(picture, boxes), scores)
        told = client.probabilities(picture, boxes, scores)
        np.testing.assert_allclose(told, expected[:, 1], atol=1e-4)
        assert client.labels(told) == [ours.label(row)[0] for row in expected]
    assert (said["detector"] is not None) == (model == "face")
    if model == "face":
        assert said["drop"] == ["not face"]
        assert "leave it out of results" in said["label"]


def test_the_ports_of_an_openvino_model_are_those_that_are_told(tmp_path: Path) -> None:
    from models.inference.openvino_quiet import ov

    export_model("smile", "openvino", tmp_path / "smile.xml")
    said = json.loads((tmp_path / "smile.xml.json").read_text(encoding="utf-8"))
    network = ov.Core().read_model(tmp_path / "smile.xml")
    assert said["input"]["name"] in network.input().names
    assert said["output"]["name"] in network.output().names
