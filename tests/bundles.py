"""Bundles that no one ships."""

from __future__ import annotations

from pathlib import Path

from models import create_cnn_model
from models.classification.bundle import ModelInfo, read_bundle, write_bundle
from models.training.model_files import save_model


def three_classes(place: Path) -> Path:
    """A bundle of the classes a, b and c, the original network, that learnt nothing."""
    import keras

    keras.utils.set_random_seed(1)
    model = create_cnn_model(3)

    def describe(files: dict[str, str]) -> ModelInfo:
        changes = {"name": "three", "classes": ("a", "b", "c"), "drop": (), "threshold": None, "detector": None, "files": files}
        return read_bundle("face").info.model_copy(update=changes)

    return write_bundle(place, describe, lambda folder: save_model(model, folder), lambda info: "").folder
