"""Fitting a network to samples."""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.augmentation import augment
from models.data.samples import Sample, labels_of
from models.inference.openvino_backend import has_bfloat16
from models.training.calibration import fit_temperature, logits_of, soften
from models.training.checkpoint import Checkpoint, State
from models.training.schedule import Plan

if TYPE_CHECKING:
    import keras

WORKERS = 2
"""Batches that are cut at a time, beside the one that is learnt from: cutting takes about a fifth of the time of the compact network."""


@dataclass(slots=True)
class Fitted:
    """What came of it."""

    history: dict[str, list[float]]
    """By epoch: loss, accuracy, learning_rate, and val_loss, val_accuracy where there was something to validate on."""
    kept: int
    """The epoch, counted from 1, whose weights were kept."""
    seconds: float
    gradient_seconds: float
    """Of them, in gradient steps; this run's, if an earlier one was gone on with."""
    folds: int = 0
    """The history is the mean of so many trainings of cross-validation."""

    def and_then(self, last: Fitted) -> Fitted:
        """The same history, with another training's time."""
        return replace(self, seconds=self.seconds + last.seconds, gradient_seconds=self.gradient_seconds + last.gradient_seconds)


def batches(samples: Sequence[Sample], plan: Plan, seed: int, epoch: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Augmented crops (B, size, size, 3) uint8 and their labels (B, 1) float32, from an epoch to the plan's end. A seed repeats them.

    As many of each class: its samples in random order, again and again until there are enough. That is what class weights do, but a
    rare class is also seen changed in more ways. The next batches are cut while one is learnt from.
    """
    import tensorflow as tf

    labels = labels_of(samples).astype(np.float32)[:, None]
    draw = functools.lru_cache(maxsize=4)(lambda epoch: _draw(samples, plan, np.random.default_rng([seed, epoch])))

    def cut(count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        epoch, step = divmod(int(count), plan.steps)
        rng = np.random.default_rng([seed, epoch, step])
        chosen = draw(epoch)[step * plan.batch_size :][: plan.batch_size]
        return np.stack([augment(samples[i], rng, plan.recipe) for i in chosen]), labels[chosen]

    in_graph = tf.autograph.experimental.do_not_convert(lambda step: tf.numpy_function(cut, [step], (tf.uint8, tf.float32)))
    steps = tf.data.Dataset.range(epoch * plan.steps, plan.epochs * plan.steps)
    crops = steps.map(in_graph, num_parallel_calls=WORKERS, deterministic=True).prefetch(2 * WORKERS)
    return iter(crops.as_numpy_iterator())


def _draw(samples: Sequence[Sample], plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """(epoch_crops,) int: which samples an epoch shows, in order."""
    labels, weights = np.array([(sample.label, sample.weight) for sample in samples]).T
    classes = [np.repeat(members := np.flatnonzero(labels == label), weights[members]) for label in np.unique(labels)]
    share = math.ceil(plan.epoch_crops / len(classes))
    drawn = [np.concatenate([rng.permutation(members) for _ in range(math.ceil(share / len(members)))])[:share] for members in classes]
    return rng.permutation(np.concatenate(drawn))


def fit(
    model: keras.Model,
    train: Sequence[Sample],
    crops: np.ndarray,
    labels: np.ndarray,
    plan: Plan,
    seed: int,
    *,
    report: Callable[[str], None] = print,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
    checkpoint: Checkpoint | None = None,
) -> Fitted:
    """Trains a compiled model until the plan is through or validation loss stops falling; the model ends with its best weights.

    A plan without patience is run to its end, and the last weights are kept.

    Args:
        crops: (N, size, size, 3) uint8, and `labels`, (N,) int, their classes: to validate on; of none where there is
            no patience.
        progress: told after each step.
        checkpoint: gone on with where it holds something, and written after each epoch.
    """
    import keras

    keras.utils.set_random_seed(seed)
    model.optimizer.build(model.trainable_variables)
    state = (checkpoint.read(model) if checkpoint else None) or State()
    started, gradients = time.monotonic(), 0.0
    coming = batches(train, plan, seed, state.epoch)
    progress("training", state.epoch * plan.steps, plan.epochs * plan.steps)
    while state.epoch < plan.epochs and (plan.patience is None or state.waited < plan.patience):
        step = state.epoch * plan.steps
        losses = hits = 0.0
        for pictures, right in itertools.islice(coming, plan.steps):
            model.optimizer.learning_rate = rate = plan.rate(step)
            before = time.monotonic()
            model.reset_metrics()
            learnt = model.train_on_batch(pictures, right, return_dict=True)
            gradients += time.monotonic() - before
            losses, hits = losses + float(learnt["loss"]), hits + float(learnt["accuracy"])
            step += 1
            progress("training", step, plan.epochs * plan.steps)
        numbers = {"loss": losses / plan.steps, "accuracy": hits / plan.steps, "learning_rate": rate}
        if len(labels):
            numbers["val_loss"], numbers["val_accuracy"] = judge(answers(model, crops), labels)
        best = plan.patience is None or not state.best_weights or numbers["val_loss"] < state.best_loss
        state.note(model, numbers, keep=best)
        report(_epoch_in_words(state, numbers, plan))
        if checkpoint:
            checkpoint.write(model, state, report)
    model.set_weights(state.best_weights)
    return Fitted(state.history, state.epoch - state.waited, time.monotonic() - started, gradients)


def _epoch_in_words(state: State, last: dict[str, float], plan: Plan) -> str:
    words = f"epoch {state.epoch} of {'' if plan.patience is None else 'at most '}{plan.epochs}: "
    words += f"loss {last['loss']:.4f}, right {last['accuracy']:.1%}"
    if "val_loss" in last:
        words += f"; validation loss {last['val_loss']:.4f}, right {last['val_accuracy']:.1%}"
    return words if state.waited or plan.patience is None else f"{words} (best so far)"


def answers(model: keras.Model, crops: np.ndarray) -> np.ndarray:
    """What a model says of (N, size, size, 3) uint8 crops: (N, 1) or (N, C) float32."""
    if not len(crops):
        return np.zeros((0, model.output_shape[1]), np.float32)
    whole = np.resize(crops, (-(-len(crops) // 64) * 64, *crops.shape[1:]))  # repeated to whole batches: a new size would be traced anew
    parts = np.split(whole, len(whole) // 64)
    return np.concatenate([np.asarray(model.predict_on_batch(part), np.float32) for part in parts])[: len(crops)]


def judge(said: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Cross-entropy and accuracy of (N, 1) or (N, C) answers, each class counting the same.

    The cross-entropy is that of the answers once calibrated: late in training a network grows too sure of itself while it still learns to
    tell classes apart, and the temperature mends the one but not a stop that came too early (Berta, Holzmüller, Jordan and Bach 2025).
    """
    said = soften(said, fit_temperature(logits_of(said), labels))
    scores = np.concatenate([1 - said, said], axis=1) if said.shape[1] == 1 else said
    own = np.clip(scores[np.arange(len(labels)), labels], 1e-7, 1)
    weights = 1 / np.bincount(labels)[labels]
    weights = weights / weights.sum()
    return 0.0 - float((weights * np.log(own)).sum()), float((weights * (scores.argmax(axis=1) == labels)).sum())


@contextmanager
def fast_arithmetic() -> Iterator[None]:
    """Networks made inside multiply in bfloat16 where the processor can; their weights stay float32.

    Crops/s with the original network on two cores: 388 against 132 in float32 with AMX, 204 against 102 with AVX-512.
    """
    import keras

    before = keras.config.dtype_policy()
    if has_bfloat16():
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
