"""What a program must know to use an exported model, with nothing of this project at hand: written beside it as JSON."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from models.classification.bundle import Bundle, ModelInfo
from models.classification.score_fusion import CERTAIN, NO_SCORE
from models.export.formats import Format
from models.imaging.crops import LARGEST_PATCH_PX
from models.inference.openvino_backend import read_openvino

SIGNATURE = "serving_default"


def describe(bundle: Bundle, kind: Format, written: Path, crops: int, largest_difference: float) -> str:
    """The description of what was written at a path, as JSON; a test writes a client from it alone.

    Args:
        crops: on how many real ones it was compared with the original.
        largest_difference: of a probability, on these.
    """
    info = bundle.info
    side = info.input_px
    input_name, output_name = _names(kind, written)
    columns = f"probability of {info.classes[1]}" if info.columns == 1 else "probability of each class, in their order"
    said = {
        "name": info.name,
        "meaning": info.meaning,
        "classes": info.classes,
        "drop": info.drop,
        "threshold": info.threshold,
        "label": _label(info),
        "input": {
            "name": input_name,
            "shape": ["N", side, side, 3],
            "dtype": "uint8",
            "colours": info.colours,
            "crop": info.crop.model_dump() | {"outside": [0, 0, 0], "largest_patch_px": LARGEST_PATCH_PX, "steps": _steps(side)},
        },
        "output": {"name": output_name, "shape": ["N", info.columns], "dtype": "float32", "meaning": columns},
        **({"signature": SIGNATURE} if kind in ("savedmodel", "tflite") else {}),
        "detector": _detector(info),
        "format": kind,
        "checked": {"against": "the Keras model", "crops": crops, "largest_difference": largest_difference},
        "made_by": f"facestream {importlib.metadata.version('facestream')}",
        "sha256_of_original": info.files,
    }
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def _names(kind: Format, written: Path) -> tuple[str | None, str | None]:
    """Of the input and the output; None for a port that has no name, which is known by being the only one."""
    if kind != "openvino":
        return "crops", "probabilities"
    network = read_openvino(written)
    ports = (network.input(), network.output())
    source, answer = (port.any_name if port.get_names() else None for port in ports)
    return source, answer


def _label(info: ModelInfo) -> str:
    left_out = f" A find of the class {' or '.join(info.drop)} is no face: leave it out of results." if info.drop else ""
    if info.threshold is None:
        return f"The class with the highest probability.{left_out}"
    whose = "joined with the detector's score, as `detector` says" if info.detector else "as the network gives it"
    return (
        f"{info.classes[1]!r} where its probability, {whose}, is at least `threshold`; else {info.classes[0]!r}, whose probability is "
        f"1 less that.{left_out}"
    )


def _steps(side: int) -> list[str]:
    """What `models.imaging.crops` does, in the words of another program."""
    return [
        "Take the upright picture as (height, width, 3) uint8 RGB, and each box of the detector as it gives it, not cut at the picture's "
        "edge: x1, y1, x2, y2 in pixels, half-open, so that x2 - x1 is the width and the picture's first pixel reaches from 0 to 1. "
        "Compute in 64-bit floating point.",
        "Square: half = max(x2 - x1, y2 - y1) / 2; left = (x1 + x2) / 2 - half; top = (y1 + y2) / 2 - half; side = 2 * half.",
        "Grow by the margin and set on whole pixels: x = round(left - margin * side); y = round(top - margin * side); "
        "n = max(round(side * (1 + 2 * margin)), 1). A number just between two whole ones is rounded to the even one.",
        "Cut columns x to x + n - 1 and rows y to y + n - 1; what lies outside the picture has the colour `outside`. Where some of it does "
        "and n > largest_patch_px, first halve what lies inside, its sides rounded up, by area (as cv2.INTER_AREA), and go on with "
        "round(), to even as above, of half its place in the square, and with n // 2.",
        f"Resize to {side} by {side} as cv2.resize does, by these rules. If n <= {side}: INTER_LINEAR. If {side} < n < {2 * side}: "
        f"INTER_AREA. If n >= {2 * side}: while n >= {4 * side}, set n = ceil(n / 2) and resize to n by n with INTER_LINEAR; then to "
        f"{2 * side} by {2 * side} with INTER_LINEAR; then to {side} by {side} with INTER_AREA.",
        "Hand over the pixels as they are, 0 to 255: the network scales them itself.",
    ]


def _detector(info: ModelInfo) -> dict[str, Any] | None:
    """How the detector's score joins the network's answer; None where it does not."""
    if info.detector is None:
        return None
    return info.detector.model_dump() | {
        "clip": CERTAIN,
        "without_score": NO_SCORE,
        "joins": [
            "Let p be what the network gives and s the score of the find, from 0 to 1, of the detector `name`. With the finds of another "
            "detector p alone is the probability. A find without a score counts as one of s = without_score.",
            "Keep both between clip and 1 - clip. logit(q) = ln(q / (1 - q)), in 64-bit floating point.",
            "z = network * logit(p) + score * logit(s) + bias",
            f"The probability of {info.classes[1]!r} is 1 / (1 + exp(-z)).",
        ],
    }
