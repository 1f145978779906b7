"""Choosing with few pictures: a network says of each what it says without having learnt from it.

Of a class with 30 photos, 4 or 5 are for validation. By those neither epoch nor temperature nor threshold can be chosen, and they are lost
to learning. So the pictures are divided into `FOLDS` parts; as many networks each learn from all parts but one and are asked about that.
What they said together of every picture chooses temperature and threshold (Stone 1974); the network that is kept learns from all of them,
for as long as each of the others did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.data.samples import Sample, crop_samples, labels_of
from models.data.split import folds
from models.training.checkpoint import Checkpoint, begin_anew, variables_of
from models.training.fit import Fitted, answers, fit
from models.training.schedule import Plan

if TYPE_CHECKING:
    import keras

FOLDS = 4
"""A compromise (a guess): each learns from three quarters, and all takes five times as long."""
TOO_FEW = 10
"""Validation pictures of a class, below which there are too few to choose by (a guess): classes of fewer than 64 photos."""
EPOCH_CROPS = 2048
"""Drawn in an epoch, at most: the few are shown dozens of times in it already, and there are five trainings (a guess)."""


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """What was said of pictures by networks that did not learn from them."""

    said: np.ndarray
    """(N, 1) or (N, C) float32 answers."""
    labels: np.ndarray
    """(N,) int: indices of the true classes."""
    fitted: Fitted
    """Of all trainings: mean history, times in sum."""


def too_few(validation: Sequence[Sample]) -> bool:
    return bool(np.bincount(labels_of(validation)).min() < TOO_FEW)


def cross_validate(
    model: keras.Model,
    samples: Sequence[Sample],
    plan: Plan,
    seed: int,
    *,
    report: Callable[[str], None] = print,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
    checkpoint: Checkpoint | None = None,
) -> OutOfFold:
    """Trains on all samples but a fold, for each fold, and asks about that fold.

    Args:
        model: compiled; learns and is set back each time, and ends as it was given.
        plan: without patience: what is left out must not choose when to end.
        checkpoint: of the training that comes after these.
    """
    parts, begin = [part for part in folds(samples, FOLDS, seed) if part], variables_of(model)
    said, trained = list[np.ndarray](), list[Fitted]()
    for number, held in enumerate(parts, 1):
        rest = [sample for part in parts if part is not held for sample in part]
        crops, done = crop_samples(held), (number - 1) * plan.epochs * plan.steps
        fitted = fit(
            model, rest, crops, labels_of(held), plan, seed,
            report=lambda line, number=number: report(f"fold {number} of {len(parts)}, {line}"),  # type: ignore[misc]
            progress=lambda what, step, of, done=done: progress(what, done + step, (FOLDS + 1) * of),  # type: ignore[misc]
            checkpoint=checkpoint and checkpoint.of_fold(number),
        )  # fmt: skip
        trained.append(fitted)
        said.append(answers(model, crops))
        begin_anew(model, begin)
    history = {name: np.mean([fitted.history[name] for fitted in trained], axis=0).tolist() for name in trained[0].history}
    seconds, gradients = (sum(getattr(fitted, name) for fitted in trained) for name in ("seconds", "gradient_seconds"))
    labels = np.concatenate([labels_of(held) for held in parts])
    return OutOfFold(np.concatenate(said), labels, Fitted(history, plan.epochs, seconds, gradients, len(parts)))
