"""One face, cut a little differently each time: what makes a few thousand crops enough to learn from."""

from __future__ import annotations

import cv2
import numpy as np

from models.boxes import square
from models.crops import crop_squares
from models.samples import Sample

# How often and how far each change goes was chosen by eye on contact sheets, to span what serving meets:
# loosely boxed finds, 20-px faces, masks and films in grey. Faces and non-faces are changed alike, or the changes would tell them apart.
MAX_SHIFT = 0.14
"""Of the box's side, in x and y: MTCNN's low-threshold finds are off by about so much."""
MAX_ZOOM = 0.28
"""Natural logarithm of the size change: 0.76 to 1.32 times."""
MAX_TURN_DEG = 25


def augment(sample: Sample, size_px: int, margin: float, rng: np.random.Generator) -> np.ndarray:
    """One randomly changed crop of the sample, cut by the serving code.

    Returns:
        (size_px, size_px, 3) uint8 RGB.
    """
    picture, box = sample.picture, sample.box
    if rng.random() < 0.5:
        picture, box = _turn(picture, box, rng.uniform(-MAX_TURN_DEG, MAX_TURN_DEG))
    crop = crop_squares(picture, _jitter(box, rng)[None], size_px, margin)[0]
    if rng.random() < 0.5:
        crop = np.ascontiguousarray(crop[:, ::-1])
    if rng.random() < 0.15:
        crop = _cover(crop, rng)
    if rng.random() < 0.15:
        crop = _mask(crop, margin, rng)
    if rng.random() < 0.6:
        crop = _light(crop, rng)
    if rng.random() < 0.2:
        crop = _blur(crop, rng)
    if rng.random() < 0.4:
        crop = coarsen(crop, int(rng.integers(11, 60)), rng)
    elif rng.random() < 0.3:
        crop = _jpeg(crop, int(rng.integers(20, 90)))
    if rng.random() < 0.2:
        crop = _noise(crop, rng)
    if rng.random() < 0.25:
        crop = grey(crop)
    return np.asarray(crop)


def grey(crop: np.ndarray) -> np.ndarray:
    """As an old film or a night camera shows it."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def coarsen(crop: np.ndarray, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """As if the face had been only `side_px` wide in its picture, sometimes in a JPEG of that size."""
    small = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        small = _jpeg(small, int(rng.integers(30, 95)))
    return cv2.resize(small, crop.shape[:2], interpolation=cv2.INTER_LINEAR)


def _jitter(box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x1, y1, x2, y2 = square(box[None])[0]
    side = x2 - x1
    centre = np.array([x1 + x2, y1 + y2]) / 2 + rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * side
    half = side / 2 * np.exp(rng.uniform(-MAX_ZOOM, MAX_ZOOM))
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def _turn(picture: np.ndarray, box: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned about the box's centre; the box, made square, stays."""
    centre = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1.0)
    height, width = picture.shape[:2]
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR), box


def _cover(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A plain rectangle over part of it: a hand, a microphone, the edge of another head."""
    size = len(crop)
    width, height = rng.integers(size // 8, size // 2, 2)
    x, y = rng.integers(0, size - width), rng.integers(0, size - height)
    covered = crop.copy()
    covered[y : y + height, x : x + width] = rng.integers(0, 256, 3)
    return covered


def _mask(crop: np.ndarray, margin: float, rng: np.random.Generator) -> np.ndarray:
    """A piece of cloth over the lower half, as a mask would cover a face that is there: the eyes must be enough."""
    outline = np.array([(0.14, 0.55), (0.5, 0.46), (0.86, 0.55), (0.84, 0.8), (0.5, 1.0), (0.16, 0.8)]) + rng.normal(0, 0.03, (6, 2))
    outline = (outline + margin) / (1 + 2 * margin)  # from shares of the box to shares of the crop
    shape: np.ndarray = np.zeros(crop.shape[:2], np.float32)
    cv2.fillPoly(shape, [(outline * len(crop)).astype(np.int32)], 1.0)
    shape = cv2.GaussianBlur(shape, (0, 0), 1.5)[..., None]
    light = rng.uniform(0.7, 1, (len(crop), 1, 1)) if rng.random() < 0.2 else np.linspace(1, rng.uniform(0.6, 1), len(crop))[:, None, None]
    colour = rng.uniform(180, 255, 3) if rng.random() < 0.4 else rng.uniform(10, 255, 3)
    return np.asarray(crop * (1 - shape) + shape * light * colour).clip(0, 255).astype(np.uint8)


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
    noise = rng.normal(0, rng.uniform(3, 15), crop.shape)
    return (crop + noise).clip(0, 255).astype(np.uint8)
