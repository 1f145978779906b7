"""Chips: faces cut upright and to one size by their landmarks, as the network knows them; and how much they show."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from models.imaging.crops import CROP_PX

CHIP_PX = CROP_PX
TEMPLATE_PX = np.array([[47.89, 45.80], [101.51, 45.97], [74.50, 77.74], [51.19, 104.81], [98.20, 104.75]])
"""Where MTCNN's landmarks lie, in the median, on chips that dlib cuts by its own five points, on which the network has learnt: measured on
749 faces of LFW, by people who are not those that accuracy is told of."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Template:
    """What chips of a network look like."""

    side_px: int
    landmarks: np.ndarray
    """(5, 2) px: where eyes, nose and corners of the mouth lie on each."""
    sharper: float = 1.0
    """How many times larger the variance of the Laplacian is than on ours."""


OURS = Template(CHIP_PX, TEMPLATE_PX)
ARCFACE = Template(
    112, np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]), sharper=2.7
)
"""What networks of the ArcFace kind (Deng et al. 2019) have learnt on: more around a face than on ours, in fewer pixels. Where ours have a
sharpness of 5 to 20, these have 2.7 times that in the median (LFW, blurred and not)."""


def similarity(landmarks: np.ndarray, template: Template = OURS) -> np.ndarray:
    """What turns, scales and moves five landmarks onto a template's with the least squares, without mirroring (Umeyama 1991).

    Args:
        landmarks: (5, 2) px.

    Returns:
        (2, 3) float64. Landmarks that all lie in one place give a scale of 0.
    """
    points, target = (array.astype(np.float64) @ (1, 1j) for array in (landmarks, template.landmarks))
    points_mean, target_mean = points.mean(), target.mean()
    around = points - points_mean
    spread = (np.abs(around) ** 2).sum()
    turn = (np.conj(around) * (target - target_mean)).sum() / spread if spread > 0 else 0j
    shift = target_mean - turn * points_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def cut_chips(image: np.ndarray, landmarks: np.ndarray, template: Template = OURS) -> np.ndarray:
    """The faces with those landmarks, upright, eyes and mouth always in the same places; outside the picture is black.

    A face larger than its chip is shrunk by area first: sampled as it is, noise would count as looks.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (N, 5, 2) px: left eye, right eye, nose, left and right mouth corner, as seen in the picture.

    Returns:
        (N, side, side, 3) uint8 RGB, the side being the template's.
    """
    chips = np.zeros((len(landmarks), template.side_px, template.side_px, 3), np.uint8)
    for chip, points in zip(chips, landmarks, strict=True):
        _cut(image, similarity(points, template), chip)
    return chips


def eye_distances(landmarks: np.ndarray) -> np.ndarray:
    """How far the eyes of each face are apart in the picture: (N, 5, 2) px -> (N,) px. Below 15 much of what tells people apart is gone."""
    apart = np.asarray(landmarks, np.float64)[:, 1] - np.asarray(landmarks, np.float64)[:, 0]
    return np.asarray(np.hypot(apart[:, 0], apart[:, 1]), np.float32)


def sharpness(chips: np.ndarray, template: Template = OURS) -> np.ndarray:
    """The variance of the Laplacian of each chip's grey: (N, side, side, 3) -> (N,). Of blurred or tiny faces it is below 10."""
    greys = (cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY) for chip in chips)
    return np.array([cv2.Laplacian(grey, cv2.CV_64F).var() / template.sharper for grey in greys], np.float32)


def _cut(image: np.ndarray, to_chip: np.ndarray, chip: np.ndarray) -> None:
    """Writes what the chip shows into `chip`, which is black."""
    scale = math.hypot(*to_chip[:, 0])
    if scale == 0 or not math.isfinite(scale):
        return
    side_px = len(chip)
    corners = np.array([[0, 0, 1], [side_px, 0, 1], [0, side_px, 1], [side_px, side_px, 1]])
    seen = corners @ cv2.invertAffineTransform(to_chip).T
    height, width = image.shape[:2]
    beyond = 2 + 2 / scale  # px, that the filters of shrinking and of turning see
    left, top = np.clip(np.floor(seen.min(axis=0) - beyond), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(seen.max(axis=0) + beyond), 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    patch = image[top:bottom, left:right]
    to_patch = to_chip @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    if scale < 1:
        size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
        x, y = (right - left) / size[0], (bottom - top) / size[1]
        patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
        to_patch = to_patch @ np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])  # centres of pixels, not their corners
    cv2.warpAffine(patch, to_patch, (side_px, side_px), dst=chip, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
