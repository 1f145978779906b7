"""A bundle on disk is what it says it is, or it is refused in one sentence."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from models.classification.bundle import FILES, SHIPPED, ModelInfo, check_place, load_keras_model, read_bundle, shipped_names, write_bundle
from models.classification.classifier import Classifier
from models.errors import ModelError


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A copy of the shipped bundle `face`, to be spoilt."""
    return Path(shutil.copytree(SHIPPED / "face", tmp_path / "face"))


def change_info(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_every_shipped_bundle_is_whole_small_and_has_a_card() -> None:
    assert shipped_names() == ["face", "mask", "smile"]
    for name in shipped_names():
        bundle = read_bundle(name)
        assert bundle.info.name == name
        assert bundle.info.metrics["auc"] > 0.96
        card = (bundle.folder / "README.md").read_text(encoding="utf-8")
        assert all(word in card for word in (*bundle.info.classes, "95 % interval", "seed", "Limits"))
        assert all((bundle.folder / file).stat().st_size < 20 * 2**20 for file in FILES)


def test_a_folder_is_read_like_a_shipped_name(face: Path) -> None:
    assert read_bundle(face).info == read_bundle("face").info == read_bundle(str(face)).info


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"mug: there is no such model\. Shipped are: .*face"):
        read_bundle("mug")


@pytest.mark.parametrize("file", FILES)
def test_a_changed_file_is_refused(face: Path, file: str) -> None:
    content = bytearray((face / file).read_bytes())
    content[len(content) // 2] ^= 1
    (face / file).write_bytes(content)
    with pytest.raises(ModelError, match=f"{file} is not the file that model.json describes"):
        read_bundle(face)


@pytest.mark.parametrize("file", ["model.json", *FILES])
def test_a_missing_file_is_named(face: Path, file: str) -> None:
    (face / file).unlink()
    with pytest.raises(ModelError, match=f"there is no {file}"):
        read_bundle(face)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"classes": ["face"]}, "classes"),
        ({"classes": ["face", "face"]}, "same name"),
        ({"drop": ["mug"]}, "drop"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": None}, "threshold"),
        ({"files": {"../../etc/passwd": "0" * 64}}, "files"),
        ({"files": {}}, "files"),
        ({"metrics": {"accuracy": "good"}}, "metrics"),
    ],
)
def test_a_foreign_description_is_refused_with_its_reason(face: Path, changes: dict[str, object], reason: str) -> None:
    change_info(face, **changes)
    with pytest.raises(ModelError, match=reason):
        read_bundle(face)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_description_that_is_no_json_object_is_refused(face: Path, content: bytes) -> None:
    (face / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match="not a model description"):
        read_bundle(face)


def info_like_face(files: dict[str, str]) -> ModelInfo:
    return read_bundle("face").info.model_copy(update={"files": files})


def copy_face_into(folder: Path) -> None:
    for file in FILES:
        shutil.copy(SHIPPED / "face" / file, folder / file)


def test_what_is_written_can_be_read_and_replaces_an_earlier_bundle(face: Path) -> None:
    written = write_bundle(face, info_like_face, copy_face_into, lambda info: f"# {info.name}\n")
    assert written.info == read_bundle("face").info
    assert (face / "README.md").read_text(encoding="utf-8") == "# face\n"
    assert [path.name for path in face.parent.iterdir()] == ["face"], "something half-written was left"


def test_a_bundle_that_is_named_like_a_shipped_one_is_the_one_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_bundle(Path("smile"), info_like_face, copy_face_into, lambda info: "").folder == tmp_path / "smile"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_what_was_there(face: Path, error: BaseException) -> None:
    def fail(folder: Path) -> None:
        (folder / FILES[0]).write_bytes(b"half")
        raise error

    expected = ModelError if isinstance(error, OSError) else KeyboardInterrupt
    for place in (face, face.parent / "new"):
        with pytest.raises(expected):
            write_bundle(place, info_like_face, fail, lambda info: "")
    assert read_bundle(face).info == read_bundle("face").info
    assert [path.name for path in face.parent.iterdir()] == ["face"]


def a_file(path: Path) -> None:
    path.write_text("precious")


def a_folder_of_photos(path: Path) -> None:
    path.mkdir()
    (path / "photo.jpg").write_bytes(b"precious")


@pytest.mark.parametrize("make", [a_file, a_folder_of_photos])
def test_a_place_that_holds_something_else_is_refused_before_any_work(tmp_path: Path, make: Callable[[Path], None]) -> None:
    place = tmp_path / "place"
    make(place)
    with pytest.raises(ModelError, match="holds something other than a model"):
        check_place(place)


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """As somebody would who wants it to be taken for the original: the checksum in model.json fits."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / "model.json").read_text(encoding="utf-8"))["files"]
    change_info(folder, files=files | {name: hashlib.sha256(content).hexdigest()})


def with_config(folder: Path, change: Callable[[str], str]) -> bytes:
    """The .keras file of the bundle, its description changed."""
    with zipfile.ZipFile(folder / "model.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = change(parts["config.json"].decode()).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("layer", ["Lambda", "TorchModuleWrapper", "TFSMLayer"])
def test_a_layer_that_could_run_code_is_refused_although_the_checksums_fit(face: Path, layer: str) -> None:
    swap = ('"class_name": "Flatten"', f'"class_name": "{layer}"')
    replace_file(face, "model.keras", with_config(face, lambda config: config.replace(*swap)))
    with pytest.raises(ModelError, match=rf"keras\.layers\.{layer}', which could run code"):
        load_keras_model(read_bundle(face))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # keras.Model.save, of its own variables
def test_a_lambda_of_keras_s_own_making_never_runs(face: Path, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((150, 150, 3))
    trap = keras.layers.Lambda(lambda x: (open("/dev/null").close(), x)[1])(inputs)  # noqa: PTH123
    keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(trap))).save(tmp_path / "trap.keras")
    replace_file(face, "model.keras", (tmp_path / "trap.keras").read_bytes())
    with pytest.raises(ModelError, match="Lambda"):
        load_keras_model(read_bundle(face))


def test_an_object_from_another_module_is_refused(face: Path) -> None:
    swap = ('"module": "keras.initializers", "class_name": "Zeros"', '"module": "os", "class_name": "system"')
    replace_file(face, "model.keras", with_config(face, lambda config: config.replace(*swap, 1)))
    with pytest.raises(ModelError, match=r"os\.system"):
        load_keras_model(read_bundle(face))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"not a zip"])
def test_what_is_no_keras_file_is_refused(face: Path, content: bytes) -> None:
    replace_file(face, "model.keras", content)
    with pytest.raises(ModelError, match="cannot be read as a Keras model"):
        load_keras_model(read_bundle(face))


@pytest.mark.parametrize(
    "config", [b"{no json", b"[]", b"null", b"{}", b"\xff\xfe\x00", b"[" * 100_000, b'{"class_name": 5, "config": {"layers": 3}}', None]
)
def test_a_keras_file_whose_json_is_wrong_is_refused(face: Path, config: bytes | None) -> None:
    """With the right sum in `model.json`: it is not the damage that gives it away."""
    with zipfile.ZipFile(face / "model.keras") as before:
        files = {name: before.read(name) for name in before.namelist()}
    del files["config.json"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as after:
        for name, content in (files | ({"config.json": config} if config is not None else {})).items():
            after.writestr(name, content)
    replace_file(face, "model.keras", packed.getvalue())
    with pytest.raises(
        ModelError, match=r"model\.keras: (cannot be read as a Keras model|holds 'None\.5', which could run code)"
    ) as refused:
        load_keras_model(read_bundle(face))
    assert "\n" not in str(refused.value)


def test_a_network_that_is_not_the_one_described_is_refused(face: Path) -> None:
    change_info(face, input_px=64)
    with pytest.raises(ModelError, match="is not a network that takes pictures of 64×64 px"):
        Classifier.load(face, device="cpu")
    with pytest.raises(ModelError, match=r"which model\.json does not describe"):
        load_keras_model(read_bundle(face))
    change_info(face, input_px=150, classes=["a", "b", "c"], drop=[], threshold=None, detector=None)
    with pytest.raises(ModelError, match="does not give one answer for each class"):
        Classifier.load(face, device="cpu")


@pytest.mark.parametrize("content", [b"", b"<net>", b'<?xml version="1.0"?><net name="x" version="11"><layers/><edges/></net>'])
def test_a_network_file_that_is_none_is_refused(face: Path, content: bytes) -> None:
    replace_file(face, "model.xml", content)
    with pytest.raises(ModelError, match=r"model\.xml"):
        Classifier.load(face, device="cpu")


def test_a_file_is_no_bundle(face: Path) -> None:
    with pytest.raises(ModelError, match="is a file; a model is named by its folder"):
        read_bundle(face / "model.keras")


FULL_DISK = """
import resource, sys
from models.classification.bundle import load_keras_model, read_bundle, write_bundle
from models.errors import ModelError
from models.training.model_files import save_model

bundle = read_bundle(sys.argv[1])
model = load_keras_model(bundle)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
for place in (bundle.folder, bundle.folder.parent / "new"):
    try:
        write_bundle(
            place, lambda files: bundle.info.model_copy(update={"files": files}), lambda folder: save_model(model, folder), lambda info: ""
        )
    except ModelError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_leaves_the_earlier_bundle_and_no_rest(face: Path) -> None:
    """In a process of its own, to which the system refuses files of more than 1 MB."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(face)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stdout
    assert all("could not be written" in line and line.endswith("nothing was changed.") for line in lines), lines
    assert read_bundle(face).info == read_bundle("face").info
    assert [path.name for path in face.parent.iterdir()] == ["face"]
