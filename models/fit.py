"""Fitting a network to samples, and writing it down in the forms that serving reads."""

from __future__ import annotations

import math
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from models.augment import augment
from models.bundle import KERAS, OPENVINO
from models.samples import Sample


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn."""

    epochs: int
    epoch_crops: int
    """Crops drawn in each epoch, as many of each class."""
    patience: int = 4
    """Epochs without a lower validation loss before it ends; the best weights are kept."""
    batch_size: int = 32
    learning_rate: float = 1e-3
    """At first; falls to nearly 0 along half a cosine."""


class Crops(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Augmented crops, drawn anew in each epoch, as many of each class. The same seed draws the same."""

    def __init__(self, samples: Sequence[Sample], size_px: int, margin: float, plan: Plan, seed: int) -> None:
        super().__init__()
        labels = np.array([sample.label for sample in samples])
        self._of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self._samples, self._size_px, self._margin, self._plan, self._seed = samples, size_px, margin, plan, seed
        self._epoch = -1
        self.on_epoch_begin()

    def on_epoch_begin(self) -> None:
        """Draws the epoch: each class's samples in random order, again and again until there are enough."""
        self._epoch += 1
        rng = np.random.default_rng([self._seed, self._epoch])
        share = math.ceil(self._plan.epoch_crops / len(self._of_class))
        drawn = [np.concatenate([rng.permutation(of) for _ in range(math.ceil(share / len(of)))])[:share] for of in self._of_class]
        self._order = rng.permutation(np.concatenate(drawn))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._plan.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self._seed, self._epoch, index])
        batch = [self._samples[i] for i in self._order[index * self._plan.batch_size :][: self._plan.batch_size]]
        crops = np.stack([augment(sample, self._size_px, self._margin, rng) for sample in batch])
        return crops, np.array([sample.label for sample in batch], np.float32)[:, None]


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """A line after each epoch, and one a minute within."""

    def __init__(self, report: Callable[[str], None], epochs: int) -> None:
        super().__init__()
        self._report, self._epochs, self._epoch = report, epochs, 0
        self._started = self._spoke = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if time.monotonic() - self._spoke > 60:
            self._say(f"epoch {self._epoch + 1} of {self._epochs}, batch {batch + 1}", logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._say(f"epoch {epoch + 1} of {self._epochs}", logs)

    def _say(self, where: str, logs: dict[str, float] | None) -> None:
        self._spoke = time.monotonic()
        values = ", ".join(
            f"{name.replace('val_', 'validation ')} {value:.4f}" for name, value in (logs or {}).items() if "rate" not in name
        )
        self._report(f"{where}: {values} ({self._spoke - self._started:.0f} s)")


def fit(
    model: keras.Model,
    train: Sequence[Sample],
    validation: tuple[np.ndarray, np.ndarray],
    margin: float,
    plan: Plan,
    seed: int,
    report: Callable[[str], None],
) -> None:
    """Trains a compiled model until the plan is through or validation loss stops falling; the model ends with its best weights.

    Args:
        validation: (N, size, size, 3) uint8 crops and their (N,) labels.
    """
    keras.utils.set_random_seed(seed)
    crops = Crops(train, model.input_shape[1], margin, plan, seed)
    model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, plan.epochs * len(crops), alpha=0.01)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=plan.patience, restore_best_weights=True)
    model.fit(
        crops,
        validation_data=(validation[0], validation[1].astype(np.float32)[:, None]),
        epochs=plan.epochs,
        callbacks=[stop, _Progress(report, plan.epochs)],
        verbose=0,
    )


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


def save_model(model: keras.Model, folder: Path) -> None:
    """Writes `model.keras`, `model.xml` and `model.bin`."""
    _save_keras(model, folder / KERAS)
    _save_openvino(model, folder / OPENVINO)


def _save_keras(model: keras.Model, path: Path) -> None:
    """As `model.save`, without the optimizer's state, and compressed: half the size where the weights are rounded; `load_model` reads both."""
    plain = path.with_suffix(".plain.keras")
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    plain.unlink()


def _save_openvino(model: keras.Model, path: Path) -> None:
    """For CPUs: uint8 in. Numbers that half precision holds exactly are written so; `compress_to_fp16` would round the scaling to [0, 1] too."""
    import openvino as ov
    from openvino import opset13 as ops
    from openvino.preprocess import PrePostProcessor

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)  # OpenVINO calls the model with a list of one input
        network = ov.convert_model(model)
    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(ov.Type.u8)
    network = steps.build()
    for constant in [node for node in network.get_ops() if node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.f32]:
        half = constant.data.astype(np.float16)
        if np.array_equal(half.astype(np.float32), constant.data):
            constant.output(0).replace(ops.convert(ops.constant(half), "f32").output(0))
    ov.save_model(network, path, compress_to_fp16=False)
