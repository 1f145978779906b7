"""One face, cut a little differently each time: what makes a few hundred crops enough to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.data.samples import MARGIN, Sample
from models.imaging.boxes import square
from models.imaging.crops import CROP_PX


@dataclass(frozen=True, slots=True)
class Recipe:
    """How far the cut may be off, and how often each other change is made (0..1).

    All classes are changed alike, or the changes would tell them apart.
    """

    shift: float
    """Of the box's side, in x and y."""
    zoom: float
    """Natural logarithm of the size change."""
    turn_deg: float
    light: float
    blur: float
    coarse: float
    """As a small face, sometimes in a JPEG."""
    jpeg: float
    noise: float
    grey: float
    cover: float = 0.0
    mask: float = 0.0
    edge: float = 0.0
    """Black on some sides or all around, as at the picture's edge or where a find fills its picture."""


GENTLE = Recipe(shift=0.08, zoom=0.16, turn_deg=12, light=0.6, blur=0.1, coarse=0.25, jpeg=0.2, noise=0.1, grey=0.1)
"""For anybody's classes: what happens to faces between a camera and a crop. Nothing is hidden: it may be what tells the classes apart.
Coarse and blurred often enough that a class cannot be known by how sharp its pictures are."""
ROUGH = Recipe(
    shift=0.14, zoom=0.28, turn_deg=35, light=0.6, blur=0.2, coarse=0.4, jpeg=0.18, noise=0.2, grey=0.25, cover=0.15, mask=0.2, edge=0.3
)
"""For the second look: loosely boxed finds, 20-px faces, masks, hands and films in grey. Chosen by eye on contact sheets to span what
serving meets; MTCNN's low-threshold finds are off by about so much."""


def augment(
    sample: Sample, rng: np.random.Generator, recipe: Recipe = GENTLE, *, size_px: int = CROP_PX, margin: float = MARGIN
) -> np.ndarray:
    """One randomly changed crop of the sample; half of them mirrored.

    Returns:
        (size_px, size_px, 3) uint8 RGB.
    """
    crop = _cut(sample, rng, recipe, size_px, margin)
    if rng.random() < recipe.cover:
        crop = _cover(crop, rng)
    if rng.random() < recipe.mask:
        crop = draw_mask(crop, margin, rng)
    if rng.random() < recipe.light:
        crop = _light(crop, rng)
    if rng.random() < recipe.blur:
        crop = _blur(crop, rng)
    if rng.random() < recipe.coarse:
        crop = coarsen(crop, int(rng.integers(11, 60)), rng)
    elif rng.random() < recipe.jpeg:
        crop = _jpeg(crop, int(rng.integers(20, 90)))
    if rng.random() < recipe.noise:
        crop = _noise(crop, rng)
    if rng.random() < recipe.grey:
        crop = grey(crop)
    if rng.random() < recipe.edge:
        crop = _edge(crop, rng)
    return crop


def grey(crop: np.ndarray) -> np.ndarray:
    """As an old film or a night camera shows it."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def coarsen(crop: np.ndarray, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """As if the face had been only `side_px` wide in its picture, sometimes in a JPEG of that size."""
    small = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        small = _jpeg(small, int(rng.integers(30, 95)))
    return cv2.resize(small, crop.shape[:2], interpolation=cv2.INTER_LINEAR)


def _cut(sample: Sample, rng: np.random.Generator, recipe: Recipe, size_px: int, margin: float) -> np.ndarray:
    """The square around the face, moved, zoomed, turned and mirrored in one step (several would blur it); black outside the picture."""
    x1, y1, x2, y2 = square(sample.box[None])[0]
    picture, side = sample.picture, float(x2 - x1)
    x, y = np.array([x1 + x2, y1 + y2]) / 2 + rng.uniform(-recipe.shift, recipe.shift, 2) * side
    step = side * (1 + 2 * margin) * np.exp(rng.uniform(-recipe.zoom, recipe.zoom)) / size_px  # pixels of the picture in one of the crop
    if step > 1.5:  # a linear warp would alias
        height, width = picture.shape[:2]
        picture = cv2.resize(picture, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
        x, y, step = x * picture.shape[1] / width, y * picture.shape[0] / height, step / 2
    angle = np.deg2rad(rng.uniform(-recipe.turn_deg, recipe.turn_deg)) if rng.random() < 0.7 else 0.0
    across = np.array([np.cos(angle), np.sin(angle)]) * step
    down = np.array([-across[1], across[0]])
    if rng.random() < 0.5:
        across = -across
    corner = np.array([x, y]) - 0.5 - (across + down) * (size_px - 1) / 2  # pixel centres, as OpenCV counts
    matrix = np.stack([across, down, corner], axis=1)
    return np.asarray(cv2.warpAffine(picture, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def _cover(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A plain rectangle over part of it: a hand, a microphone, the edge of another head."""
    size = len(crop)
    width, height = rng.integers(size // 8, size // 2, 2)
    x, y = rng.integers(0, size - width), rng.integers(0, size - height)
    covered = crop.copy()
    covered[y : y + height, x : x + width] = rng.integers(0, 256, 3)
    return covered


def draw_mask(crop: np.ndarray, margin: float, rng: np.random.Generator) -> np.ndarray:
    """A piece of cloth over the lower half, as a mask would cover a face that is there: the eyes must be enough."""
    outline = np.array([(0.14, 0.55), (0.5, 0.46), (0.86, 0.55), (0.84, 0.8), (0.5, 1.0), (0.16, 0.8)]) + rng.normal(0, 0.03, (6, 2))
    outline = (outline + margin) / (1 + 2 * margin)  # from shares of the box to shares of the crop
    shape: np.ndarray = np.zeros(crop.shape[:2], np.float32)
    cv2.fillPoly(shape, [(outline * len(crop)).astype(np.int32)], 1.0)
    shape = cv2.GaussianBlur(shape, (0, 0), 1.5)[..., None]
    light = rng.uniform(0.7, 1, (len(crop), 1, 1)) if rng.random() < 0.2 else np.linspace(1, rng.uniform(0.6, 1), len(crop))[:, None, None]
    colour = rng.uniform(180, 255, 3) if rng.random() < 0.4 else rng.uniform(10, 255, 3)
    return np.asarray(crop * (1 - shape) + shape * light * colour).clip(0, 255).astype(np.uint8)


def _edge(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As if the picture ended there. Faces fill their pictures more often than what is none: black must not be what tells them apart."""
    around = rng.random() < 0.4
    for turns in range(4) if around else rng.integers(0, 4, int(rng.integers(1, 3))):
        width = int(rng.integers(len(crop) // 15 if around else 1, len(crop) // 4))  # the margin is a sixth
        crop = np.rot90(crop, turns).copy()
        crop[:width] = 0
        crop = np.rot90(crop, -turns)
    return np.ascontiguousarray(crop)


def _light(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma, contrast, brightness and a colour cast, as one table for each channel."""
    levels = np.arange(256) / 255
    gamma, contrast, brightness = np.exp(rng.uniform(-0.5, 0.5)), rng.uniform(0.5, 1.3), rng.uniform(-0.2, 0.2)
    cast = rng.uniform(0.88, 1.12, (3, 1))
    table = ((levels**gamma - 0.5) * contrast + 0.5 + brightness) * cast
    return cv2.LUT(crop, np.ascontiguousarray((table * 255).clip(0, 255).astype(np.uint8).T[None]))


def _blur(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus, or moved along a line."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(crop, (0, 0), rng.uniform(1, 4))
    length = int(rng.integers(5, 19))
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1 / length
    turned = cv2.warpAffine(line, cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), rng.uniform(0, 180), 1), (length, length))
    kernel = np.asarray(turned / max(float(turned.sum()), 1e-3), np.float32)
    return np.asarray(cv2.filter2D(crop, -1, kernel))


def _jpeg(crop: np.ndarray, quality: int) -> np.ndarray:
    _, coded = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def _noise(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grain, the same in all three channels."""
    grain = rng.standard_normal((*crop.shape[:2], 1), np.float32) * np.float32(rng.uniform(3, 15))
    return np.asarray((crop + grain).clip(0, 255).astype(np.uint8))
