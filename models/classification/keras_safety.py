"""What a .keras file would build, looked at before Keras builds it: Keras's own safe mode has been got around more than once."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from models.errors import ModelError

SAFE: dict[str | None, frozenset[str]] = {
    None: frozenset(("__keras_tensor__", "__tuple__")),
    "keras": frozenset(("DTypePolicy",)),
    "keras.src.models.functional": frozenset(("Functional",)),
    "keras.initializers": frozenset(("GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "Ones", "Zeros", "Constant")),
    "keras.layers": frozenset(
        (
            *(
                "Activation",
                "Add",
                "Average",
                "AveragePooling2D",
                "BatchNormalization",
                "Concatenate",
                "Conv2D",
                "Dense",
                "DepthwiseConv2D",
            ),
            *("Dropout", "Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "InputLayer", "LayerNormalization", "LeakyReLU"),
            *("MaxPooling2D", "Multiply", "PReLU", "ReLU", "Rescaling", "Reshape", "SeparableConv2D", "Softmax", "SpatialDropout2D"),
            "ZeroPadding2D",
        )
    ),
}
"""By module, what the Keras model of a bundle may be made of: only what computes."""
MOST_UNPACKED_BYTES = 1 << 30
"""A guess, 70 times the original network: what unpacks to more would fill memory."""


def refuse_unsafe(path: Path) -> None:
    """Passes a .keras file of plain layers.

    Raises:
        ModelError: it asks for anything else, which could run code.
        OSError, ValueError, KeyError, zipfile.BadZipFile: it is no .keras file.
    """
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED_BYTES:
            raise ModelError(f"{path}: would unpack to more than {MOST_UNPACKED_BYTES >> 20} MiB, so it is not loaded.")
        pending: list[Any] = [json.loads(archive.read("config.json"))]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "class_name" in part and part["class_name"] not in SAFE.get(part.get("module"), ()):
                what = f"{part.get('module')}.{part['class_name']}"
                raise ModelError(f"{path}: holds {what[:80]!r}, which could run code, so it is not loaded.")
            pending += part.values()
        elif isinstance(part, list):
            pending += part
