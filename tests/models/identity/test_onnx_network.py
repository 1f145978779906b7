"""Networks that users bring: each kind of ONNX file that describes faces of 112 px, and what is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models import MTCNN
from models.errors import ModelError
from models.identity.chips import ARCFACE, cut_chips, sharpness
from models.identity.embedder import FaceEmbedder
from models.identity.network_file import NetworkFile
from models.identity.weights import SHIPPED_SHA256
from tests.identity_onnx import projection, write_network


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "usual.onnx")


@pytest.fixture(scope="module")
def usual_embedder(usual: Path) -> FaceEmbedder:
    return FaceEmbedder.load(usual, precision="f32")


def landmarks(detector: MTCNN, image: np.ndarray) -> np.ndarray:
    (found,) = detector.detect([image])
    assert len(found) == 1
    return found.landmarks


def test_the_same_network_says_the_same_through_its_onnx_file(
    usual_embedder: FaceEmbedder, detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray
) -> None:
    shipped = FaceEmbedder.load(device="cpu", precision="f32")
    for image in (portrait, astronaut):
        points = landmarks(detector, image)
        (own,), (through,) = shipped.embed(image, points), usual_embedder.embed(image, points)
        assert through.shape == (128,)
        assert np.linalg.norm(through) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(own - through) < 0.2  # fewer pixels, and a chin cut off
    (other,) = usual_embedder.embed(portrait, landmarks(detector, portrait))
    assert np.linalg.norm(through - other) > 0.4


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"bgr": True}, {"channels": "bgr"}),
        ({"nhwc": True}, {}),
        ({"mean": 0.0, "scale": 1.0}, {"mean": 0.0, "scale": 1.0}),
        ({"mean": 100.0, "scale": 50.0, "bgr": True, "nhwc": True}, {"mean": (100.0,) * 3, "scale": (50.0,) * 3, "channels": "bgr"}),
        ({"batch": 1}, {}),
        ({"projection": np.eye(128)}, {}),
    ],
)
def test_pixels_come_as_the_settings_say(
    written: dict[str, object], said: dict[str, object], usual_embedder: FaceEmbedder, tmp_path: Path, portrait: np.ndarray
) -> None:
    chips = cut_chips(portrait, ARCFACE.landmarks[None] * 2 + 130, ARCFACE)
    path = write_network(tmp_path / "other.onnx", **written)  # type: ignore[arg-type]
    found = FaceEmbedder.load(NetworkFile(path, **said), precision="f32").describe(chips)  # type: ignore[arg-type]
    assert found == pytest.approx(usual_embedder.describe(chips), abs=2e-4)
    if said:
        assert np.abs(FaceEmbedder.load(path, precision="f32").describe(chips) - found).max() > 0.01


def test_any_number_of_numbers_and_of_faces(tmp_path: Path, portrait: np.ndarray) -> None:
    embedder = FaceEmbedder.load(write_network(tmp_path / "short.onnx", projection=projection(64)), precision="f32")
    assert embedder.features == 64
    chips = np.stack([np.roll(portrait[:112, :112], 5 * number, axis=0) for number in range(5)])
    together = embedder.describe(chips)
    assert together.shape == (5, 64)
    assert embedder.describe(chips[3:4])[0] == pytest.approx(together[3], abs=1e-5)
    assert embedder.describe(chips[:0]).shape == (0, 64)
    assert embedder.embed(portrait, np.zeros((0, 5, 2))).shape == (0, 64)


def test_a_network_that_was_written_for_one_face_at_a_time_takes_several(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    flat = numpy_helper.from_array(np.array([1, 3 * 112 * 112]), "flat")
    weights = numpy_helper.from_array(random.normal(size=(3 * 112 * 112, 16)).astype(np.float32), "weights")
    nodes = [helper.make_node("Reshape", ["faces", "flat"], ["row"]), helper.make_node("MatMul", ["row", "weights"], ["vectors"])]
    embedder = FaceEmbedder.load(saved(tmp_path / "one.onnx", nodes, [flat, weights], [1, 16], batch=1), precision="f32")
    chips = random.integers(0, 256, (3, 112, 112, 3), np.uint8)
    found = embedder.describe(chips)
    assert found.shape == (3, 16)
    assert found[2] == pytest.approx(embedder.describe(chips[2:])[0], abs=1e-5)


def test_a_network_is_known_by_its_file_and_by_how_it_takes_pixels(usual: Path, tmp_path: Path) -> None:
    import hashlib

    assert NetworkFile().id == SHIPPED_SHA256
    assert NetworkFile(usual).id == hashlib.sha256(usual.read_bytes()).hexdigest()
    assert NetworkFile(usual, mean=(127.5, 127.5, 127.5)).id == NetworkFile(usual).id
    others = [NetworkFile(usual, mean=0.0), NetworkFile(usual, channels="bgr"), NetworkFile(usual, scale=(1.0, 2.0, 3.0))]
    assert len({NetworkFile(usual).id, *(one.id for one in others)}) == 4
    with pytest.raises(ModelError, match="there is no such file"):
        _ = NetworkFile(tmp_path / "none.onnx").id


def test_sharpness_means_the_same_on_chips_of_both_sizes(detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    import cv2

    for image in (portrait, astronaut):
        points = landmarks(detector, image)
        for times in (2, 3):  # px at eyes 41 px apart
            sigma = times * float(np.linalg.norm(points[0, 1] - points[0, 0])) / 41
            blurred = cv2.GaussianBlur(image, None, sigma)
            usual, small = sharpness(cut_chips(blurred, points))[0], sharpness(cut_chips(blurred, points, ARCFACE), ARCFACE)[0]
            assert 0.4 < small / usual < 2.5


def saved(
    place: Path,
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto] | None = None,
    answer: list[int | str] | None = None,
    *,
    shape: list[int] | None = None,
    batch: int | str = "N",
    outputs: tuple[str, ...] = ("vectors",),
) -> Path:
    """A network that takes `faces`."""
    graph = helper.make_graph(
        nodes,
        "some",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, [batch, *(shape or [3, 112, 112])])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, answer) for name in outputs],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), place)
    return place


def node(operation: str, *inputs: str, to: str = "vectors", **attributes: object) -> onnx.NodeProto:
    return helper.make_node(operation, list(inputs), [to], **attributes)


MEANS = node("GlobalAveragePool", "faces", to="means")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda place: saved(place, [node("Flatten", "faces")], shape=[3, 224, 224]), "its input is"),
        (lambda place: saved(place, [node("Flatten", "faces")], shape=[1, 112, 112]), "its input is"),
        (lambda place: saved(place, [MEANS, node("Identity", "means")]), "its output for one face is"),
        (lambda place: saved(place, [node("ReduceMean", "faces", axes=[1, 2, 3], keepdims=0)]), "its output for one face is"),
        (
            lambda place: saved(place, [node("Flatten", "faces"), node("Flatten", "faces", to="more")], outputs=("vectors", "more")),
            "1 inputs and 2 outputs",
        ),
        (lambda place: saved(place, [node("Flatten", "faces", to="flat"), node("Log", "flat")]), "are not finite"),
        (lambda place: saved(place, [node("Flatten", "faces", to="flat"), node("Sub", "flat", "flat")]), "says the same of everything"),
    ],
)
def test_a_network_of_another_kind_is_refused_in_one_sentence(make: object, why: str, tmp_path: Path) -> None:
    path = make(tmp_path / "some.onnx")  # type: ignore[operator]
    with pytest.raises(ModelError, match=why) as caught:
        FaceEmbedder.load(path)
    assert str(caught.value).startswith(f"{path}: describes no faces of 112 px (")
    assert "\n" not in str(caught.value)


def test_what_is_no_network_is_refused_in_one_sentence(usual: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello\n", encoding="utf-8")
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "half.onnx").write_bytes(usual.read_bytes()[:1_000_000])
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "other.bin").write_bytes(usual.read_bytes())
    for name, why in {
        "text.onnx": "is damaged or no ONNX file",
        "empty.onnx": "is damaged or no ONNX file",
        "half.onnx": "is damaged or no ONNX file",
        "folder.onnx": "is a folder",
        "none.onnx": "there is no such file",
        "other.bin": r"is damaged, or neither .* nor an ONNX file by its name \(\.onnx\)",
    }.items():
        with pytest.raises(ModelError, match=why) as caught:
            FaceEmbedder.load(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_weights_in_another_file_are_refused_as_they_are_not_in_what_the_network_is_known_by(usual: Path, tmp_path: Path) -> None:
    onnx.save(onnx.load(usual), tmp_path / "split.onnx", save_as_external_data=True, location="weights.bin")
    with pytest.raises(ModelError, match="has its weights in another file; save the network as one file"):
        FaceEmbedder.load(tmp_path / "split.onnx")


def test_numbers_that_are_none_are_told_when_they_come(tmp_path: Path) -> None:
    """Finite for what is tried first, but not for a white face."""
    nodes = [
        node("Flatten", "faces", to="flat"),
        node("ReduceMean", "flat", to="middle", axes=[1], keepdims=1),
        node("Sub", "limit", "middle", to="left"),
        node("Sqrt", "left", to="root"),
        node("Add", "flat", "root"),
    ]
    path = saved(tmp_path / "some.onnx", nodes, [numpy_helper.from_array(np.float32(0.9), "limit")])
    embedder = FaceEmbedder.load(path, precision="f32")
    with pytest.raises(ModelError, match="no number"):
        embedder.describe(np.full((1, 112, 112, 3), 255, np.uint8))


@pytest.mark.parametrize("said", [{"scale": 0.0}, {"scale": (1.0, -1.0, 1.0)}, {"mean": float("nan")}, {"channels": "rgba"}])
def test_what_no_pixels_can_be_taken_as_is_refused_in_words(said: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"scale|mean|channels"):
        NetworkFile(Path("x.onnx"), **said)  # type: ignore[arg-type]
