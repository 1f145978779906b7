"""YuNet finds what OpenCV finds with it, in bounded memory, and refuses every file that is none. Weights lie in the shared folder only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import Detections, DetectorOptions, FacestreamError, ModelError, load_detector
from models.classification.bundle import SHIPPED
from models.detection.yunet import NMS_OVERLAP, SCORE, SMALLEST_FACE_PX, YuNet
from models.imaging.boxes import iou
from models.imaging.pictures import read_picture
from models.inference.device import choose_device

FILES = ("yunet_n_640_640.onnx", "yunet_n_dynamic.onnx")


@pytest.fixture(scope="module")
def weights(data_dir: Path) -> Path:
    return data_dir / "models" / FILES[0]


@pytest.fixture(scope="module")
def detector(weights: Path) -> YuNet:
    return YuNet(weights, precision="f32")


def of_opencv(weights: Path, image: np.ndarray) -> Detections:
    peer = cv2.FaceDetectorYN.create(str(weights), "", (image.shape[1], image.shape[0]), SCORE, NMS_OVERLAP)
    rows = peer.detect(np.ascontiguousarray(image[:, :, ::-1]))[1]
    return Detections(np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1), rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2))


@pytest.mark.parametrize("photo", ["group_checked/linz_02.jpg", "dlib_faces/2007_007763.jpg"])
def test_it_finds_what_opencv_finds(detector: YuNet, weights: Path, data_dir: Path, photo: str) -> None:
    image = read_picture(data_dir / "detect" / photo)
    image = cv2.resize(image, (int(image.shape[1] * 450 / image.shape[0]), 450))  # looked at once, whole
    ours, theirs = detector.detect([image], SMALLEST_FACE_PX)[0], of_opencv(weights, image)
    assert len(ours) == len(theirs) > 2
    nearest = iou(ours.boxes, theirs.boxes).argmax(axis=1)
    assert sorted(nearest) == list(range(len(theirs)))
    assert ours.boxes == pytest.approx(theirs.boxes[nearest], abs=0.1)
    assert ours.scores == pytest.approx(theirs.scores[nearest], abs=1e-3)
    assert ours.landmarks == pytest.approx(theirs.landmarks[nearest], abs=0.1)


def test_files_of_fixed_and_of_open_size_give_the_same(data_dir: Path, portrait: np.ndarray) -> None:
    (one, its), (other, others) = (
        (found, found.check([portrait], [np.repeat(found.detect([portrait])[0].boxes, 6, axis=0)])[0])
        for found in (YuNet(data_dir / "models" / name, precision="f32") for name in FILES)
    )
    assert one.detect([portrait])[0].boxes == pytest.approx(other.detect([portrait])[0].boxes, abs=0.01)
    assert its.boxes == pytest.approx(others.boxes, abs=0.01)
    assert len(its) == 6
    assert np.ptp(its.scores) < 1e-4  # the same box six times, in one batch


def test_bfloat16_finds_the_same_faces(detector: YuNet, weights: Path, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    for rough, fine in zip(YuNet(weights).detect([portrait, astronaut]), detector.detect([portrait, astronaut]), strict=True):
        assert len(rough) == len(fine) == 1
        assert iou(rough.boxes, fine.boxes) > 0.9


@pytest.mark.skipif(choose_device()[0] == "gpu", reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_as_for_any_detector(weights: Path) -> None:
    with pytest.raises(FacestreamError, match="device gpu was asked for, but"):
        YuNet(weights, device="gpu")


def test_a_higher_score_finds_less(weights: Path, portrait: np.ndarray) -> None:
    assert len(YuNet(weights, score=0.99).detect([portrait])[0]) == 0
    assert len(YuNet(weights, score=0.02).detect([portrait])[0]) > 1


def test_faces_in_all_pieces_of_a_large_picture_are_found_once(detector: YuNet, astronaut: np.ndarray) -> None:
    image = np.full((2200, 3900, 3), 90, np.uint8)
    corners = [(x, y) for y in (10, 700, 1250, 1650) for x in (20, 900, 1270, 1700, 2500, 3300)]
    for x, y in corners:
        image[y : y + 260, x : x + 200] = astronaut[20:280, 130:330]
    (found,) = detector.detect([image])
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    wanted = np.array(corners) + np.array([94, 108])
    distances = np.linalg.norm(centres[:, None] - wanted[None], axis=2)
    assert len(found) == len(corners)
    assert distances.min(axis=0).max() < 30


def truncated(real: Path, folder: Path) -> Path:
    path = folder / "half.onnx"
    path.write_bytes(real.read_bytes()[:100_000])
    return path


def no_network(real: Path, folder: Path) -> Path:
    path = folder / "text.onnx"
    path.write_text("no network at all\n" * 9)
    return path


def empty(real: Path, folder: Path) -> Path:
    path = folder / "empty.onnx"
    path.touch()
    return path


def another_network(real: Path, folder: Path) -> Path:
    from models.inference.openvino_backend import read_openvino
    from models.inference.openvino_quiet import ov

    path = folder / "another.onnx"
    ov.save_model(read_openvino(SHIPPED / "face/model.xml"), folder / "another.xml")
    path.write_bytes((folder / "another.xml").read_bytes())
    return path


def another_yunet(real: Path, folder: Path) -> Path:
    path = folder / "renamed.onnx"
    path.write_bytes(real.read_bytes().replace(b"kps_32", b"kpt_32"))
    return path


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda real, folder: folder / "none.onnx", "there is no such file"),
        (lambda real, folder: folder, "is a folder"),
        (lambda real, folder: SHIPPED / "face/model.xml", "not an ONNX file by its name"),
        (truncated, "is damaged or no ONNX file"),
        (no_network, "is damaged or no ONNX file"),
        (empty, "is damaged or no ONNX file"),
        (another_network, "is (damaged or no ONNX file|not a YuNet)"),
        (another_yunet, "is not a YuNet .*has no output kps_32"),
    ],
)
def test_what_is_no_yunet_is_refused_in_a_sentence(weights: Path, tmp_path: Path, spoil: object, words: str) -> None:
    with pytest.raises(ModelError, match=words) as refused:
        YuNet(spoil(weights, tmp_path))  # type: ignore[operator]
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "yunet"}, "kind yunet needs weights"),
        ({"weights": Path("a.onnx")}, "weights has no meaning for kind mtcnn"),
        ({"score": 0.5}, "score has no meaning for kind mtcnn"),
        ({"kind": "yunet", "weights": Path("a.onnx"), "mirror": True}, "mirror has no meaning for kind yunet"),
        ({"kind": "yunet", "weights": Path("a.onnx"), "preset": "wider"}, "preset has no meaning for kind yunet"),
        ({"kind": "retina"}, "kind is mtcnn or yunet, not 'retina'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_detector(DetectorOptions(**options))  # type: ignore[arg-type]


def test_a_fingerprint_is_of_the_weights_not_of_their_place(weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(weights.read_bytes())
    here, there = DetectorOptions("yunet", weights), DetectorOptions("yunet", copy)
    assert here.fingerprint() == there.fingerprint()
    copy.write_bytes(weights.read_bytes() + b" ")
    assert here.fingerprint() != there.fingerprint() != DetectorOptions().fingerprint()


@pytest.mark.slow
def test_a_picture_of_108_megapixels_stays_within_memory(weights: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from models.detection.yunet import YuNet;"
        "YuNet(sys.argv[1]).detect([np.full((9000, 12000, 3), 90, np.uint8)]);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    result = subprocess.run([sys.executable, "-c", code, str(weights)], capture_output=True, text=True, check=False)
    assert int(result.stdout or -1) in range(1, int(1.5 * 2**20)), result.stderr  # KiB


@pytest.mark.slow
def test_frames_of_ever_new_sizes_leave_memory_flat(weights: Path) -> None:
    code = """
import sys
import numpy as np
from models.detection.yunet import YuNet

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

detector, rng = YuNet(sys.argv[1]), np.random.default_rng(0)
for frame in range(600):
    detector.detect([np.full((*rng.integers(50, 600, 2), 3), frame % 256, np.uint8)])
    if frame == 100:
        before = resident_mb()
print(resident_mb() - before)
"""
    result = subprocess.run([sys.executable, "-c", code, str(weights)], capture_output=True, text=True, check=False)
    assert float(result.stdout or "nan") < 50, result.stderr  # MB; 500 frames of 300 sizes for the network
