"""How far a training has come, on disk after each epoch, so that an interrupted one goes on as if nothing had been."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.atomic import file_written_whole
from models.errors import ModelError

if TYPE_CHECKING:
    import keras


MOST_FOLDS = 9
"""Checkpoints are looked for under as many names."""


@dataclass(slots=True, eq=False)
class State:
    """What a training knows beside the model's own variables."""

    epoch: int = 0
    """Epochs done."""
    waited: int = 0
    """Epochs since the best one."""
    best_loss: float = float("inf")
    best_weights: list[np.ndarray] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)

    def note(self, model: keras.Model, numbers: dict[str, float], *, keep: bool) -> None:
        """An epoch is done, with these numbers for the history; `keep` the weights as the best so far."""
        for name, value in numbers.items():
            self.history.setdefault(name, []).append(value)
        self.epoch += 1
        self.waited += 1
        if keep:
            self.best_loss = numbers.get("val_loss", self.best_loss)
            self.best_weights, self.waited = [np.array(weights) for weights in model.get_weights()], 0


class Checkpoint:
    """One file of arrays and numbers: no code is in it, and none is run when it is read."""

    def __init__(self, path: Path, settings: dict[str, Any], *, resume: bool) -> None:
        """
        Args:
            settings: what the training is made of; a file of other settings is refused.
            resume: go on with what the file holds; otherwise it is written anew.
        """
        self.path = path
        self._settings = json.loads(json.dumps(settings))
        self._resume = resume
        self._told: list[str] = []

    def of_fold(self, fold: int) -> Checkpoint:
        """That of one of the trainings that go before, counted from 1."""
        other = copy.copy(self)  # what was told is told for both
        other.path = of_fold(self.path, fold)
        return other

    def begin(self, report: Callable[[str], None]) -> None:
        """Before anything is learnt: what must not be gone on with is removed, and what cannot be is refused.

        Raises:
            ModelError: a file is of another training, or damaged.
        """
        if not self._resume:
            forget(self.path)
        elif not (left := interrupted(self.path)):
            report(f"{self.path}: is not there, so there is nothing to go on with; training begins anew")
        else:
            with self._opened(left):
                pass  # opening checks it

    def read(self, model: keras.Model) -> State | None:
        """Gives the model and its optimizer the variables they had; None where there is nothing to go on with.

        Raises:
            ModelError: the file is of another training, or damaged.
        """
        if not self._resume or not self.path.exists():
            return None
        with self._opened(self.path) as (kept, about):
            for index, variable in enumerate(_variables(model)):
                variable.assign(kept[f"variable_{index}"])
            best = [kept[f"best_{index}"] for index in range(len(model.weights))]
        return State(about["epoch"], about["waited"], about["best_loss"], best, about["history"])

    def write(self, model: keras.Model, state: State, report: Callable[[str], None]) -> None:
        """Replaces what the file held, whole or not at all. A disk that is full costs the checkpoint, not the training: it is said once."""
        about: dict[str, Any] = {"settings": self._settings, "epoch": state.epoch, "waited": state.waited, "best_loss": state.best_loss}
        about["history"] = state.history
        arrays = {f"variable_{index}": np.asarray(variable) for index, variable in enumerate(_variables(model))}
        arrays |= {f"best_{index}": weights for index, weights in enumerate(state.best_weights)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with file_written_whole(self.path) as file:
                np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
        except OSError as error:
            if not self._told:
                self._told.append(
                    f"{self.path}: no checkpoint can be written ({error.strerror}); an interruption would lose what is learnt now."
                )
                report(self._told[0])

    @contextmanager
    def _opened(self, path: Path) -> Iterator[tuple[Any, Any]]:
        """The arrays and the numbers of a file of this training; damage that shows while it is read is said in a sentence."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                about = json.loads(str(kept["about"]))
                self._check(path, about["settings"])
                yield kept, about
        except ModelError:
            raise
        except Exception as error:  # fed a damaged file, zipfile and numpy raise anything from zlib.error to MemoryError
            raise ModelError(f"{path}: cannot be gone on with ({error}); --overwrite instead of --resume begins anew.") from error

    def _check(self, path: Path, settings: dict[str, Any]) -> None:
        for name, value in self._settings.items():
            if settings.get(name) != value:
                raise ModelError(
                    f"{path}: is of a training with other settings ({name}: {settings.get(name)}, now {value}); "
                    "--overwrite instead of --resume begins anew."
                )


def of_fold(path: Path, fold: int) -> Path:
    """The place of the checkpoint of one of the trainings that go before the one whose checkpoint is at `path`."""
    return path.with_name(f"{path.stem}-fold{fold}{path.suffix}")


def _places(path: Path) -> list[Path]:
    return [path, *(of_fold(path, fold) for fold in range(1, MOST_FOLDS + 1))]


def interrupted(path: Path) -> Path | None:
    """What an interrupted training has left at `path` or for one of its folds."""
    return next((place for place in _places(path) if place.exists()), None)


def forget(path: Path) -> None:
    """Removes checkpoints that nobody should go on with; one that cannot be removed costs no training, so it stays."""
    for place in _places(path):
        with suppress(OSError):
            place.unlink(missing_ok=True)


def begin_anew(model: keras.Model, variables: list[np.ndarray]) -> None:
    """Gives a model and its optimizer what `variables_of` gave: as if nothing had been learnt since."""
    for variable, value in zip(_variables(model), variables, strict=True):
        variable.assign(value)


def variables_of(model: keras.Model) -> list[np.ndarray]:
    """All that training changes, copied; the optimizer is built where it is not yet."""
    model.optimizer.build(model.trainable_variables)
    return [np.asarray(variable).copy() for variable in _variables(model)]


def _variables(model: keras.Model) -> list[Any]:
    """All that training changes: weights, running means, the state of dropout's chance, the optimizer's moments."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
