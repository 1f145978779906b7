"""Scores that mean what they say: of the pictures called something with 0.8, four in five are it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.classification.score_fusion import CERTAIN, logit

if TYPE_CHECKING:
    import keras

TEMPERATURES = (0.2, 10.0)
"""The range that is searched (a guess): what leaves it is a model that learnt nothing, or too few pictures."""


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """By what a network's last sums must be divided for its probabilities to fit what is true (Guo et al. 2017, temperature scaling).

    The targets are softened as Platt (1999) did: n pictures of a class all right do not make it certain that the next one is. Without
    that, a model that makes no mistake on them would be called infinitely sure.

    Args:
        logits: (N, 1) before a sigmoid, or (N, C) before a softmax.
        labels: (N,) indices of the classes.
    """
    if not len(labels):
        return 1.0
    if logits.shape[1] == 1:  # a sigmoid is the softmax over (0, logit)
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    logits = logits.astype(np.float64)
    counts = np.bincount(labels, minlength=logits.shape[1])
    missed = 1 / (counts[labels] + 2)
    targets = np.repeat(missed[:, None] / (logits.shape[1] - 1), logits.shape[1], axis=1)
    targets[np.arange(len(labels)), labels] = 1 - missed

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        log_probabilities = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(targets * log_probabilities).sum())

    # the loss is convex in the inverse temperature: it falls and then rises, and the grid is halved until the place is found; to 0.5 %
    grid = np.geomspace(*TEMPERATURES, 801)
    low, high = 0, len(grid) - 1
    while low < high:
        middle = (low + high) // 2
        if loss(grid[middle]) <= loss(grid[middle + 1]):
            high = middle
        else:
            low = middle + 1
    return float(grid[low])


def logits_of(said: np.ndarray) -> np.ndarray:
    """A network's last sums, up to what a softmax does not see, from (N, 1) or (N, C) answers; float64."""
    return logit(said) if said.shape[1] == 1 else np.log(np.clip(said.astype(np.float64), CERTAIN, 1))


def soften(said: np.ndarray, temperature: float) -> np.ndarray:
    """Answers as they would be had the last sums been divided by that temperature: the same shape, float32."""
    scaled = logits_of(said) / temperature
    if said.shape[1] == 1:
        return np.asarray(1 / (1 + np.exp(-scaled)), np.float32)
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def build_in(model: keras.Model, temperature: float) -> None:
    """Divides the last sums of a model that ends in a `Dense` layer, in place, so that every runtime has it.

    Which of two scores is higher never changes.
    """
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])


def calibrate(model: keras.Model, crops: np.ndarray, labels: np.ndarray) -> float:
    """Fits the temperature on pictures that were not learnt from, and builds it in.

    Args:
        model: ends in a `Dense` layer with a sigmoid or softmax; changed in place.
        crops: (N, size, size, 3) uint8.
        labels: (N,) indices of the classes.

    Returns:
        The temperature: above 1 the network was too sure of itself.
    """
    import keras

    last = model.layers[-1]
    kernel, bias = last.get_weights()
    features = keras.Model(model.inputs, last.input).predict(crops, verbose=0) if len(crops) else np.zeros((0, len(kernel)))
    temperature = fit_temperature(np.asarray(features, np.float64) @ kernel + bias, np.asarray(labels, int))
    build_in(model, temperature)
    return temperature
