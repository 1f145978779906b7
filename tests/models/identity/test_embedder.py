"""Faces as vectors: dlib's own numbers, the same on both engines, and chips that show the face however it lies in the picture."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import MTCNN
from models.errors import ModelError
from models.identity.chips import CHIP_PX, TEMPLATE_PX, cut_chips, eye_distances, sharpness
from models.identity.embedder import FaceEmbedder, load_as_keras, load_on_openvino
from models.identity.weights import DLIB_SHA256, SHIPPED, convert, main, read_weights

OF_DLIB = [-0.09386, 0.1113, 0.0602, -0.05246, -0.10032, -0.05123, -0.08075, -0.03956, 0.08445, -0.08762, 0.22281, -0.14881, -0.26128,
           0.01749, -0.02236, 0.16686, -0.18938, -0.0946, -0.09692, -0.07455, 0.08477, -0.01096, -0.06867, 0.07103, -0.09249, -0.30681,
           -0.08526, -0.07566, 0.02312, -0.1281, 0.01244, 0.05887]  # fmt: skip
"""The first numbers that dlib 20.0.1 gives for `pattern()`."""


def pattern() -> np.ndarray:
    """A chip that any machine makes alike."""
    y, x = np.mgrid[0:CHIP_PX, 0:CHIP_PX]
    return np.stack([(x * 7 + y * 3) % 256, (x * x // 40 + y * 5) % 256, (x * y // 60) % 256], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def embedder() -> FaceEmbedder:
    return FaceEmbedder.load(device="cpu", precision="f32")


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.fixture(scope="module")
def dlib_file() -> Path:
    path = Path(os.environ.get("FACESTREAM_DLIB_WEIGHTS", ""))
    if not path.is_file():
        pytest.skip("FACESTREAM_DLIB_WEIGHTS names no dlib_face_recognition_resnet_model_v1.dat")
    return path


def landmarks(detector: MTCNN, image: np.ndarray) -> np.ndarray:
    found = detector.detect([image])[0]
    assert len(found) == 1
    return found.landmarks


def test_the_shipped_weights_say_what_dlib_says() -> None:
    answer = load_on_openvino(read_weights(), "f32")(pattern()[None])[0]
    assert answer.shape == (1, 128)
    assert answer[0, : len(OF_DLIB)] == pytest.approx(np.array(OF_DLIB), abs=1e-3)  # kernels in half precision


def test_dlib_s_own_file_says_the_same_to_the_last_digits(dlib_file: Path) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib is not installed")
    chips = np.stack([pattern(), pattern()[::-1], np.roll(pattern(), 40, axis=1)])
    theirs = np.array(
        dlib.face_recognition_model_v1(str(dlib_file)).compute_face_descriptor([np.ascontiguousarray(chip) for chip in chips])
    )
    assert load_on_openvino(read_weights(dlib_file), "f32")(chips)[0] == pytest.approx(theirs, abs=1e-5)


def test_converting_dlib_s_file_gives_the_one_that_ships(dlib_file: Path, tmp_path: Path) -> None:
    convert(dlib_file, tmp_path / "own.npz")
    ours, shipped = read_weights(tmp_path / "own.npz"), read_weights()
    assert all(np.array_equal(a, b) for a, b in zip(ours.kernels, shipped.kernels, strict=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # keras.Model.save, of its own variables
def test_keras_and_openvino_are_the_same_network_also_once_saved(tmp_path: Path) -> None:
    import keras

    from models.classification.keras_safety import refuse_unsafe
    from models.identity.keras_network import create_descriptor_model, set_weights

    weights = read_weights()
    chips = np.stack([pattern(), pattern()[:, ::-1], np.zeros_like(pattern())])
    wanted = load_on_openvino(weights, "f32")(chips)[0]
    assert load_as_keras(weights)(chips)[0] == pytest.approx(wanted, abs=1e-5)
    model = create_descriptor_model()
    set_weights(model, weights)
    model.save(tmp_path / "descriptor.keras")
    refuse_unsafe(tmp_path / "descriptor.keras")
    again = keras.saving.load_model(tmp_path / "descriptor.keras", safe_mode=True)
    assert again.predict(chips.astype(np.float32), verbose=0) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("spoil", [b"", b"\x00", b"PK\x03\x04"])
def test_a_damaged_or_foreign_file_is_refused_in_one_sentence(spoil: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(SHIPPED.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "spoilt.npz"
    path.write_bytes(spoil or bytes(content))
    with pytest.raises(ModelError, match=r"spoilt\.npz: is damaged, or neither dlib_face") as caught:
        FaceEmbedder.load(path)
    assert "\n" not in str(caught.value)
    assert main([str(path), str(tmp_path / "new.npz")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["spoilt.npz"]
    for place, why in ((tmp_path, "is a folder"), (tmp_path / "none", "there is no such file")):
        with pytest.raises(ModelError, match=why):
            read_weights(place)


def test_one_person_is_closer_than_another_however_the_picture_lies(
    embedder: FaceEmbedder, detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray
) -> None:
    points = landmarks(detector, portrait)
    own = embedder.embed(portrait, points)
    assert own.shape == (1, 128)
    assert own.dtype == np.float32
    assert np.linalg.norm(own, axis=1) == pytest.approx(1, abs=1e-5)
    middle = (portrait.shape[1] / 2, portrait.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, 30, 0.8)
    turned = embedder.embed(cv2.warpAffine(portrait, turn, portrait.shape[1::-1]), points @ turn[:, :2].T + turn[:, 2])
    large = embedder.embed(cv2.resize(portrait, None, fx=4, fy=4), (points + 0.5) * 4 - 0.5)
    assert np.linalg.norm(own - turned) < 0.15
    assert np.linalg.norm(own - large) < 0.1
    assert np.linalg.norm(own - embedder.embed(portrait[:, ::-1], _mirrored(points, portrait.shape[1]))) < 0.1
    assert np.linalg.norm(own - embedder.embed(astronaut, landmarks(detector, astronaut))) > 0.4


def _mirrored(points: np.ndarray, width: int) -> np.ndarray:
    return (points * (-1, 1) + (width - 1, 0))[:, [1, 0, 2, 4, 3]]


def test_a_batch_says_what_each_face_alone_says(embedder: FaceEmbedder) -> None:
    chips = np.stack([np.roll(pattern(), 9 * number, axis=0) for number in range(11)])
    together = embedder.describe(chips)
    assert together.shape == (11, 128)
    for number in (0, 10):
        assert together[number] == pytest.approx(embedder.describe(chips[number : number + 1])[0], abs=1e-5)
    assert embedder.describe(chips[:0]).shape == (0, 128)


def test_noise_on_a_large_face_does_not_count_as_looks(embedder: FaceEmbedder, detector: MTCNN, portrait: np.ndarray) -> None:
    points = landmarks(detector, portrait)
    large = cv2.resize(portrait, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noisy = np.clip(large + np.random.default_rng(0).normal(0, 25, large.shape), 0, 255).astype(np.uint8)
    assert np.linalg.norm(embedder.embed(portrait, points) - embedder.embed(noisy, (points + 0.5) * 4 - 0.5)) < 0.1


def test_a_chip_shows_the_landmarks_where_they_belong() -> None:
    image = np.zeros((900, 900, 3), np.uint8)
    points = (TEMPLATE_PX + 20) * 5
    for x, y in np.rint(points).astype(int).tolist():
        cv2.circle(image, (x, y), 12, (255, 255, 255), -1)
    (chip,) = cut_chips(image, points[None])
    _, _, _, centres = cv2.connectedComponentsWithStats((chip[..., 0] > 127).astype(np.uint8))
    found = centres[1:]
    assert len(found) == 5
    assert np.linalg.norm(found[:, None] - TEMPLATE_PX[None], axis=2).min(axis=1).max() < 0.8


@pytest.mark.parametrize("points", [np.zeros((5, 2)), TEMPLATE_PX + 5000, TEMPLATE_PX * 1e6, TEMPLATE_PX * 1e-9])
def test_landmarks_that_show_nothing_give_a_vector_and_no_error(embedder: FaceEmbedder, portrait: np.ndarray, points: np.ndarray) -> None:
    (vector,) = embedder.embed(portrait, points[None])
    assert np.isfinite(vector).all()


def test_what_is_no_picture_or_no_landmarks_is_refused_in_words(embedder: FaceEmbedder, portrait: np.ndarray) -> None:
    assert embedder.embed(portrait, []).shape == (0, 128)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"landmarks have shape \(N, 5, 2\)"):
        embedder.embed(portrait, TEMPLATE_PX)
    with pytest.raises(ValueError, match="finite"):
        embedder.embed(portrait, np.full((1, 5, 2), np.nan))
    with pytest.raises(TypeError, match="uint8"):
        embedder.embed(portrait / 255, TEMPLATE_PX[None])
    with pytest.raises(ValueError, match=r"FaceEmbedder\.cut makes them"):
        embedder.describe(portrait[None])


def test_small_and_blurred_faces_are_known_by_their_measures(detector: MTCNN, portrait: np.ndarray) -> None:
    points = landmarks(detector, portrait)
    apart = eye_distances(points)
    assert apart == pytest.approx(np.linalg.norm(points[:, 1] - points[:, 0], axis=1))
    sharp = sharpness(cut_chips(portrait, points))
    blurred = sharpness(cut_chips(cv2.GaussianBlur(portrait, None, apart[0] / 41 * 3), points))
    assert sharp[0] > 10 > blurred[0]


def test_the_file_s_card_names_it_and_its_origin() -> None:
    import hashlib

    card = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(SHIPPED.read_bytes()).hexdigest() in card
    assert DLIB_SHA256 in card
