"""Choosing with few pictures: a network says of each what it says without having learnt from it.

Of a class with 30 photos, 4 or 5 are for validation. By those no epoch, no temperature and no threshold can be chosen, and they are lost to
learning. So the pictures are divided into `FOLDS` parts; as many networks each learn from all parts but one and are asked about that one.
What they said together of every picture chooses, and the network that is kept learns from all of them (Stone 1974).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.calibration import fit_temperature, logits_of, soften
from models.checkpoint import Checkpoint, begin_anew, variables_of
from models.fit import Fitted, Plan, fit, judge
from models.samples import Sample, crop_samples, labels_of
from models.split import folds

if TYPE_CHECKING:
    import keras

FOLDS = 5
FEW = 15
"""Validation pictures of a class, below which there are too few to choose by (a guess): classes of fewer than 100 photos."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What was chosen by the answers to pictures that were not learnt from."""

    epochs: int
    """How many to learn for."""
    temperature: float
    said: np.ndarray
    """(N, 1) or (N, C): the answers then, calibrated."""
    labels: np.ndarray
    """(N,) indices of the true classes."""
    history: dict[str, list[float]]
    """As of a training: the mean of all; `val_loss` is that of all answers together at the temperature that suits each epoch."""
    seconds: float
    gradient_seconds: float


def too_few(validation: Sequence[Sample]) -> bool:
    return bool(np.bincount(labels_of(validation)).min() < FEW)


def cross_validate(
    model: keras.Model,
    samples: Sequence[Sample],
    plan: Plan,
    seed: int,
    *,
    report: Callable[[str], None] = print,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
    checkpoint: Callable[[int], Checkpoint | None] = lambda fold: None,
) -> Choice:
    """Trains on all samples but a fold, for each fold; the epoch with the lowest loss on what was left out is chosen.

    Args:
        model: compiled; learns and is set back each time, and ends as it was given.
        checkpoint: the one of a fold, counted from 1.
    """
    parts, begin, trained = folds(samples, FOLDS, seed), variables_of(model), list[Fitted]()
    whole = replace(plan, patience=plan.epochs)  # every epoch of every fold is needed
    for number, held in enumerate(parts, 1):
        rest = [sample for part in parts if part is not held for sample in part]
        done = (number - 1) * plan.epochs * plan.steps
        trained.append(
            fit(
                model, rest, crop_samples(held), labels_of(held), whole, seed,
                report=lambda line, number=number: report(f"fold {number} of {FOLDS}, {line}"),  # type: ignore[misc]
                progress=lambda what, step, of, done=done: progress(what, done + step, (FOLDS + 1) * of),  # type: ignore[misc]
                checkpoint=checkpoint(number),
            )
        )  # fmt: skip
        begin_anew(model, begin)
    labels = np.concatenate([labels_of(held) for held in parts])
    by_epoch = [np.concatenate(said) for said in zip(*(fitted.said for fitted in trained), strict=True)]
    temperatures = [fit_temperature(logits_of(said), labels) for said in by_epoch]
    calibrated = [soften(said, temperature) for said, temperature in zip(by_epoch, temperatures, strict=True)]
    history = {name: np.mean([fitted.history[name] for fitted in trained], axis=0).tolist() for name in trained[0].history}
    judged = [judge(said, labels) for said in calibrated]
    history |= {"val_loss": [loss for loss, _ in judged], "val_accuracy": [right for _, right in judged]}
    best = int(np.argmin(history["val_loss"]))
    report(f"epoch {best + 1} has the lowest loss on what was left out, {judged[best][0]:.4f}; {judged[best][1]:.1%} right")
    seconds, gradients = (sum(getattr(fitted, name) for fitted in trained) for name in ("seconds", "gradient_seconds"))
    return Choice(best + 1, temperatures[best], calibrated[best], labels, history, seconds, gradients)
