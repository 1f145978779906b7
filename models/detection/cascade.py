"""What the cascade is, however it is run: the authors' numbers."""

from __future__ import annotations

from typing import Literal

PYRAMID_STEP = 0.709
"""Size of each pyramid level relative to the last: about sqrt(1/2), so half the pixels per level (the authors' value)."""
Preset = Literal["live", "wider"]
PRESETS: dict[str, tuple[tuple[float, float, float], float]] = {
    "live": ((0.6, 0.7, 0.7), PYRAMID_STEP),
    "wider": ((0.5, 0.5, 0.3), 0.79),
}
"""Thresholds and step of the pyramid: the authors' values to live use, and for the WIDER benchmark."""
NMS_OVERLAP = 0.7
"""Largest overlap of two boxes that both stay: across levels, after R-Net and after O-Net (the authors' value)."""
REPORTED_SHIFT_PX = 1
"""How far down and right of MTCNN's own answers its boxes are reported.

The authors' program counts pixels from 1, reports boxes so and takes 1 off the landmarks alone. A likely reason: labels counted from 0 were
set against crops counted from 1 in training. Measured in x, with mirrored pictures of `data/train`: boxes too far left by 0.8 px at faces
of 24 and 40 px, 1.2 at 80 and 2.1 at 160 (so one pixel is not all of it there), landmarks by less than 0.1. On such pictures shrunk to
faces of 16 to 40 px, AP at an overlap of 0.75 rose from 0.78 to 0.90. Crops are cut without the shift, as theirs are: with it, AP at 0.5
rose too (0.93 to 0.96), but so did the false finds, from 33 to 71.
"""
MIN_FACE_PX = 20
"""Side of the smallest face that is looked for where nothing else is said: P-Net was trained on little below."""
RNET_PX, ONET_PX = 24, 48
"""Sides of the crops that R- and O-Net look at."""
