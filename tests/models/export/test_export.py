"""A model exported for another program says there what it says here, or it is not written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.classification.bundle import FILES, SHIPPED, load_keras_model, read_bundle, write_bundle
from models.classification.classifier import Classifier
from models.errors import ModelError
from models.export.exporter import check_export_place, export_model, real_crops
from models.export.formats import ENDINGS, Format
from models.training.model_files import save_model
from tests.bundles import three_classes
from tests.command import facestream, is_one_sentence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),  # keras.Model.save
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning"),
]


@pytest.fixture(scope="module")
def crops(portrait: np.ndarray, astronaut: np.ndarray) -> np.ndarray:
    """Real ones, of which the export saw half."""
    classifier = Classifier.load("face", precision="f32", device="cpu")
    grid = [(x, y, x + side, y + side) for side in (70, 200) for x in (0, 150, 300) for y in (0, 150, 300)]
    return np.concatenate([classifier.crop(image, np.array(grid, np.float32)) for image in (portrait, astronaut)])


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_classes(tmp_path_factory.mktemp("three") / "three")


def run_savedmodel(path: Path, crops: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return np.asarray(loaded.serve(crops)["probabilities"])


def run_tflite(path: Path, crops: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, crops.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, crops)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def run_onnx(path: Path, crops: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes())
    assert [(one.name, one.shape[1:], one.type) for one in session.get_inputs()] == [("crops", [150, 150, 3], "tensor(uint8)")]
    return np.asarray(session.run(None, {"crops": crops})[0])


def run_openvino(path: Path, crops: np.ndarray) -> np.ndarray:
    from models.inference.openvino_quiet import ov

    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(crops)[0])


RUN: dict[Format, Callable[[Path, np.ndarray], np.ndarray]] = {
    "savedmodel": run_savedmodel,
    "tflite": run_tflite,
    "onnx": run_onnx,
    "openvino": run_openvino,
}


@pytest.mark.parametrize(("name", "kind"), [*(("smile", kind) for kind in RUN), ("three", "tflite"), ("three", "onnx")])
def test_it_says_there_what_it_says_here(name: str, kind: Format, three: Path, crops: np.ndarray, tmp_path: Path) -> None:
    model = three if name == "three" else SHIPPED / name
    out = tmp_path / f"there{ENDINGS.get(kind, '')}"
    done = export_model(model, kind, out)
    assert done.crops > 50
    here = Classifier.load(model, precision="f32", device="cpu").classify(crops)
    there = RUN[kind](out, crops)
    assert there.shape[1] == (3 if name == "three" else 1)
    np.testing.assert_allclose(there, here[:, -there.shape[1] :], atol=0.001)
    assert np.ptp(there) > 0.01
    described = json.loads((out / "assets.extra" / "model.json" if kind == "savedmodel" else tmp_path / f"{out.name}.json").read_text())
    assert described["classes"] == list(read_bundle(model).info.classes)
    assert described["checked"]["largest_difference"] <= 0.001
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {"there"}, "nothing half-written is left"


def test_the_crops_it_is_checked_on_are_faces_and_others() -> None:
    crops = real_crops(read_bundle("face"))
    assert len({crop.tobytes() for crop in crops}) == len(crops) > 100
    probabilities = Classifier.load("face", device="cpu").classify(crops)[:, 1]
    assert (probabilities > 0.9).sum() > 20
    assert (probabilities < 0.1).sum() > 20


def test_the_command_says_what_it_wrote_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    out = tmp_path / "face.onnx"
    done = facestream("export", "face", "--format", "onnx", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "real crops" in done.stdout
    again = facestream("export", "face", "--format", "onnx", "-o", out)
    assert again.returncode == 2
    assert is_one_sentence(again.stderr)
    assert "--overwrite" in again.stderr


def test_a_bundle_whose_networks_disagree_is_not_exported(tmp_path: Path) -> None:
    model = load_keras_model(read_bundle("face"))
    last = model.layers[-1]
    last.set_weights([weights + 0.02 for weights in last.get_weights()])

    def save(folder: Path) -> None:
        save_model(model, folder)
        for name in FILES[1:]:
            shutil.copy(SHIPPED / "face" / name, folder / name)

    write_bundle(tmp_path / "odd", lambda files: read_bundle("face").info.model_copy(update={"files": files}), save, lambda info: "")
    with pytest.raises(ModelError, match=r"differs from the Keras model by 0\.\d+ in a probability; nothing was written"):
        export_model(tmp_path / "odd", "openvino", tmp_path / "odd.xml")
    assert [path.name for path in tmp_path.iterdir()] == ["odd"]


def test_what_cannot_be_exported_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"ends in \.tflite"):
        check_export_place("tflite", tmp_path / "model.onnx", overwrite=False)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "precious.jpg").touch()
    with pytest.raises(ModelError, match="something other than a SavedModel"):
        check_export_place("savedmodel", tmp_path / "photos", overwrite=True)
    with pytest.raises(ModelError, match="there is no such model"):
        export_model("mug", "onnx", tmp_path / "mug.onnx")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)  # as where it is not installed
    with pytest.raises(ModelError, match=r"pip install 'facestream\[export\]'"):
        export_model("face", "onnx", tmp_path / "face.onnx")


@pytest.mark.parametrize("kind", ["onnx", "savedmodel"])
def test_a_full_disk_leaves_what_was_there(kind: str, tmp_path: Path) -> None:
    """In a shell to which the system refuses files of more than 1 MB."""
    out = tmp_path / ("face.onnx" if kind == "onnx" else "face")
    command = f"ulimit -f 1000; {sys.executable} -m stream export smile --format {kind} -o {out}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert is_one_sentence(done.stderr), done.stderr
    assert list(tmp_path.iterdir()) == []
