"""Folders of pictures become a bundle that serves at once and says how good it is; bad folders are refused in one sentence."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.classification.bundle import SHIPPED, load_keras_model, read_bundle
from models.classification.classifier import Classifier
from models.classification.networks import ARCHITECTURES
from models.data.dataset import Progress
from models.errors import ModelError
from models.training.checkpoint import Checkpoint, State, forget, interrupted
from models.training.schedule import Plan
from models.training.train import beside, train, train_face
from models.training.trainer import Options
from tests.command import facestream, is_one_sentence
from tests.disk import full_disk
from tests.photos import make_folder

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # keras.Model.save, of its own variables
)

TINY = Plan(epochs=3, epoch_crops=32, batch_size=8)
COMPACT = Options(architecture="compact", seed=1, plan=TINY)


def quiet(line: str) -> None: ...


@pytest.fixture(scope="module")
def people(two_faces: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with 16 photos each."""
    return make_folder(tmp_path_factory.mktemp("data") / "people", two_faces, 16)


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The bundle and what was reported while it was made."""
    lines: list[str] = []
    return train(people, tmp_path_factory.mktemp("out") / "who", COMPACT, report=lines.append), lines


@pytest.mark.slow
def test_a_trained_folder_serves_at_once_and_says_how_good_it_is(trained: tuple[Path, list[str]], people: Path) -> None:
    folder, lines = trained
    info = read_bundle(folder).info
    assert info.classes == ("collins", "hopper")
    assert info.drop == ()
    assert {"accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "auc"} <= set(info.metrics)
    assert all(count == 14 for count in info.data.pictures.values()), "of 16, two are kept to judge; with so few all others are learnt from"
    classifier = Classifier.load(folder)
    crops = np.stack([np.asarray(Image.open(path).resize((150, 150))) for path in sorted(people.glob("hopper/*.png"))])
    assert classifier.classify(crops).shape == (16, 2)
    assert any("16 with one face" in line for line in lines)
    assert "facestream train people -o who --architecture compact --seed 1" in (folder / "README.md").read_text(encoding="utf-8")
    assert info.architecture == "compact"
    assert "on what was said of each picture in cross-validation (4 folds)" in info.threshold_rule
    assert "all others to learn from, and in 4 parts" in (folder / "README.md").read_text(encoding="utf-8")
    assert beside(folder, "pictures.csv").read_text(encoding="utf-8").count("with one face") == 32
    assert (beside(folder, "report") / "report.html").stat().st_size > 10_000
    assert not list(folder.parent.glob("*checkpoint*"))
    assert any("of training were gradient steps" in line for line in lines)


@pytest.mark.slow
def test_the_cpu_and_keras_say_the_same_of_a_trained_model(trained: tuple[Path, list[str]], people: Path) -> None:
    crops = np.stack([np.asarray(Image.open(path).resize((150, 150))) for path in sorted(people.glob("*/*.png"))])
    expected = np.asarray(load_keras_model(read_bundle(trained[0]))(crops.astype(np.float32)))[:, 0]
    served = Classifier.load(trained[0], precision="f32", device="cpu").classify(crops)[:, 1]
    np.testing.assert_allclose(served, expected, atol=1e-5)


@pytest.mark.slow
def test_the_same_seed_trains_the_same_model(trained: tuple[Path, list[str]], people: Path, tmp_path: Path) -> None:
    again = train(people, tmp_path / "again", COMPACT, report=quiet)
    assert_same_model(again, trained[0])
    other = train(people, tmp_path / "other", dataclasses.replace(COMPACT, seed=2), report=quiet)
    assert read_bundle(other).info.data != read_bundle(again).info.data


def assert_same_model(one: Path, other: Path) -> None:
    first, second = (load_keras_model(read_bundle(folder)).get_weights() for folder in (one, other))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert read_bundle(one).info.data == read_bundle(other).info.data


def interrupt_at(step: int) -> Progress:
    def progress(what: str, done: int, of: int) -> None:
        if what == "training" and done == step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_model(trained: tuple[Path, list[str]], people: Path, tmp_path: Path) -> None:
    """Neither Ctrl-C nor a full disk costs the model that was there before, nor more of what was learnt than an epoch."""
    out = Path(shutil.copytree(trained[0], tmp_path / "who"))
    (out / "README.md").write_text("the earlier one")
    earlier = {path.name: path.read_bytes() for path in out.iterdir()}
    begun, lines = list[str](), list[str]()
    again = dataclasses.replace(COMPACT, resume=True)
    in_second_fold, in_last_training = 12 + 6, 4 * 12 + 6
    for step in (in_second_fold, in_last_training):  # Ctrl-C, and, gone on with, once more
        with pytest.raises(KeyboardInterrupt):
            train(people, out, again, overwrite=step == in_second_fold, report=begun.append, progress=interrupt_at(step))
        assert (tmp_path / "who-checkpoint-fold1.npz").exists()
    assert beside(out, "checkpoint.npz").exists()
    assert sum("there is nothing to go on with; training begins anew" in line for line in begun) == 1
    assert [line.split(":")[0] for line in begun if line.startswith("fold 2")] == [f"fold 2 of 4, epoch {n} of 3" for n in (1, 2, 3)]
    with pytest.raises(ModelError, match=r"is of a training with other settings \(data: .*--overwrite instead of --resume begins anew"):
        train(people, out, dataclasses.replace(again, seed=2), report=quiet)
    with full_disk(1_000_000), pytest.raises(ModelError, match=r"who: the model could not be written \(.*\); nothing was changed\.$"):
        train(people, out, again, report=lines.append)
    assert sum("no checkpoint can be written" in line for line in lines) == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == earlier
    checkpoints = {"who-checkpoint.npz", *(f"who-checkpoint-fold{fold}.npz" for fold in range(1, 5))}
    assert {path.name for path in tmp_path.iterdir()} == {"who", "who-pictures.csv"} | checkpoints, "nothing half-written"
    lines.clear()
    assert_same_model(train(people, out, again, report=lines.append), trained[0])
    assert [line.split(":")[1] for line in lines if "epoch" in line] == [" epoch 2 of 3", " epoch 3 of 3"], "all else was done"
    assert {path.name for path in tmp_path.iterdir()} == {"who", "who-report", "who-pictures.csv"}


@pytest.mark.slow
def test_with_enough_pictures_a_part_of_them_chooses_and_an_interrupted_training_goes_on(
    two_faces: dict[str, Image.Image], tmp_path: Path
) -> None:
    """Also after a change of the data: said before anything is learnt."""
    data = make_folder(tmp_path / "many", two_faces, 68)
    begun = dataclasses.replace(COMPACT, resume=True)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "a", begun, report=quiet, progress=interrupt_at(6))
    lines: list[str] = []
    done = train(data, tmp_path / "a", begun, report=lines.append)
    assert [line.split(":")[0] for line in lines if line.startswith("epoch")] == [f"epoch {epoch} of at most 3" for epoch in (2, 3)]
    info = read_bundle(done).info
    assert "on the few validation pictures as they are and changed in 10 ways" in info.threshold_rule
    assert all(count == 48 for count in info.data.pictures.values())
    assert_same_model(train(data, tmp_path / "b", COMPACT, report=quiet), done)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "c", begun, report=quiet, progress=interrupt_at(6))
    for number in range(40, 68):
        (data / "hopper" / f"{number}.png").unlink()
    with pytest.raises(ModelError, match=r"c-checkpoint\.npz: is of a training with other settings"):
        train(data, tmp_path / "c", begun, report=quiet, progress=interrupt_at(1))


@pytest.mark.slow
def test_an_earlier_model_is_replaced_only_when_asked(tmp_path: Path) -> None:
    """Known before the data is looked at: there is none."""
    shutil.copytree(SHIPPED / "smile", tmp_path / "who")
    for extra in ([], ["--resume"]):
        done = facestream("train", tmp_path / "people", "-o", tmp_path / "who", *extra)
        assert done.returncode == 2
        assert is_one_sentence(done.stderr)
        assert "who: holds a model already; add --overwrite to replace it." in done.stderr
    (tmp_path / "other-report").mkdir()
    (tmp_path / "other-report" / "report.html").write_text("earlier")
    done = facestream("train", tmp_path / "people", "-o", tmp_path / "other")
    assert done.returncode == 2
    assert "other-report: holds a report already; add --overwrite" in done.stderr
    (tmp_path / "who-checkpoint.npz").touch()  # of an interrupted training that was allowed to
    done = facestream("train", tmp_path / "people", "-o", tmp_path / "who")
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "who-checkpoint.npz: holds an interrupted training; add --resume" in done.stderr
    for extra in (["--overwrite"], ["--resume"]):
        done = facestream("train", tmp_path / "people", "-o", tmp_path / "who", *extra)
        assert "there is no such folder" in done.stderr


def test_a_checkpoint_that_is_damaged_is_refused_and_a_full_disk_costs_only_the_checkpoint(tmp_path: Path) -> None:
    model = ARCHITECTURES["compact"](2)
    model.optimizer.build(model.trainable_variables)
    state, told = State(), list[str]()
    state.note(model, {"loss": 1.0, "val_loss": 1.0}, keep=True)
    checkpoint = Checkpoint(tmp_path / "c.npz", {"seed": 1}, resume=True)
    checkpoint.write(model, state, told.append)
    assert (kept := checkpoint.read(model)) is not None
    assert kept.history == state.history
    assert not told
    (tmp_path / "c.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"c\.npz: cannot be gone on with"):
        checkpoint.read(model)
    nowhere = Checkpoint(Path("/dev/null/c.npz"), {}, resume=False)
    nowhere.write(model, state, told.append)
    nowhere.write(model, state, told.append)
    assert len(told) == 1
    assert "no checkpoint can be written" in told[0]


def test_no_other_training_s_checkpoints_are_forgotten(tmp_path: Path) -> None:
    own = [tmp_path / name for name in ("who1-checkpoint.npz", "who1-checkpoint-fold1.npz", "who1-checkpoint-fold4.npz")]
    others = [tmp_path / name for name in ("who2-checkpoint.npz", "who2-checkpoint-fold1.npz", "who1-other.npz", "x2-checkpoint-fold1.npz")]
    for path in own + others:
        path.touch()
    assert interrupted(own[0]) == own[0]
    forget(own[0])
    forget(tmp_path / "x[2]-checkpoint.npz")
    assert interrupted(own[0]) is None
    assert sorted(tmp_path.iterdir()) == sorted(others)
    own[2].touch()
    assert interrupted(own[0]) == own[2]


@pytest.mark.slow
def test_a_training_can_start_from_the_features_of_a_bundle(trained: tuple[Path, list[str]], people: Path, tmp_path: Path) -> None:
    still = dataclasses.replace(TINY, epochs=1, learning_rate=1e-9)
    made = train(people, tmp_path / "more", Options(base=trained[0], plan=still, seed=5), report=quiet)
    old, new = (load_keras_model(read_bundle(folder)) for folder in (trained[0], made))
    assert read_bundle(made).info.architecture == "compact"
    assert "--from" in (made / "README.md").read_text(encoding="utf-8")
    kernels = [[layer.kernel.numpy() for layer in model.layers if layer.name.startswith("conv")] for model in (old, new)]
    assert len(kernels[0]) == 6
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(*kernels, strict=True))
    assert not np.allclose(old.layers[-1].kernel, new.layers[-1].kernel, atol=1e-2), "the last layer begins anew"
    with pytest.raises(ModelError, match="is a network of the kind compact, not original"):
        train(people, tmp_path / "no", Options(architecture="original", base=trained[0]), report=quiet)
    with pytest.raises(ModelError, match="no-such-model: there is no such model"):
        train(people, tmp_path / "no", Options(base="no-such-model"), report=quiet)


def test_the_compact_network_needs_an_eighth_of_the_work() -> None:
    original, compact = (multiplications(ARCHITECTURES[name](2)) for name in ("original", "compact"))
    assert round(2 * original / 1e6) == 472
    assert 8 * compact <= original


def multiplications(model: Any) -> int:
    """Of one face, by its layers' shapes."""
    total = 0
    for layer in model.layers:
        if layer.name.startswith(("conv", "dense", "answer")):
            total += int(np.prod(layer.output.shape[1:])) * int(np.prod(layer.kernel.shape[:-1]))
    return total


@pytest.mark.slow
def test_more_than_two_classes_end_in_the_likeliest(people: Path, two_faces: dict[str, Image.Image], tmp_path: Path) -> None:
    data = Path(shutil.copytree(people, tmp_path / "data"))
    make_folder(data, {"sepia": two_faces["hopper"].convert("L").convert("RGB")}, 12, seed=3)
    folder = train(data, tmp_path / "three", Options(plan=TINY), report=quiet)
    classifier = Classifier.load(folder)
    probabilities = classifier.classify(np.random.default_rng(3).integers(0, 255, (4, 150, 150, 3), np.uint8))
    assert probabilities.shape == (4, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-2)
    assert classifier.threshold is None
    assert classifier.label(np.array([0.2, 0.5, 0.3], np.float32)) == ("hopper", 0.5)


def test_a_place_that_is_taken_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(ModelError, match="holds something other than a model"):
        train(tmp_path / "missing", tmp_path / "out")
    with pytest.raises(ModelError, match="holds something other than a model"):
        train_face(tmp_path / "missing", tmp_path / "out")


def test_the_face_recipe_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="face_photos/ and nobody_photos/"):
        train_face(tmp_path, tmp_path / "out")
