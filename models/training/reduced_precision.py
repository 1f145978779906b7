"""What less exact numbers would change, measured before they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from models.classification.bundle import RoundingCheck
from models.inference.openvino_backend import has_bfloat16, load_openvino

if TYPE_CHECKING:
    import keras


def halve_weights(model: keras.Model, crops: np.ndarray) -> float:
    """Rounds the weights to half precision, so that a bundle is half as large, where that moves no probability by 0.001.

    Returns:
        The largest change of a probability on `crops` ((N, size, size, 3) uint8); 0 where the weights were left alone.
    """
    before, exact = model.get_weights(), model.predict(crops, verbose=0)
    model.set_weights([weight.astype(np.float16).astype(np.float32) for weight in before])
    change = float(np.abs(model.predict(crops, verbose=0) - exact).max(initial=0))
    if change <= 1e-3:
        return change
    model.set_weights(before)
    return 0.0


def check_bfloat16(
    model: keras.Model, crops: np.ndarray, threshold: float | None, joined: Callable[[np.ndarray], np.ndarray] = lambda said: said
) -> RoundingCheck | None:
    """What a CPU that multiplies in bfloat16 would change; None on one that cannot.

    Args:
        model: as it will be saved.
        crops: (N, size, size, 3) uint8, real ones; `RoundingCheck.harmless` wants a thousand or more.
        threshold: as `Classifier` decides with it.
        joined: (N, C) answers of the network -> those that are decided on.
    """
    from models.training.model_files import openvino_model

    if not has_bfloat16() or not len(crops):
        return None
    network = openvino_model(model)
    exact, fast = (joined(load_openvino(network, precision=precision)(crops)[0]) for precision in ("f32", "auto"))
    changed = exact.argmax(axis=1) != fast.argmax(axis=1) if threshold is None else (exact >= threshold)[:, 0] != (fast >= threshold)[:, 0]
    largest = round(float(np.abs(exact - fast).max()), 4)
    return RoundingCheck(crops=len(crops), labels_changed=int(changed.sum()), largest_change=largest)
