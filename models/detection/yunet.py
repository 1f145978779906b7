"""Finds faces: YuNet (Wu, Peng, Yu, 2023), a small network that sees a whole picture at once, with weights that the user brings.

Where this differs from OpenCV's FaceDetectorYN, which runs the same network:
- The picture is scaled so that the smallest face to find has SMALLEST_FACE_PX there. OpenCV takes the picture as it is.
- YuNet misses large faces. Where a picture has room for such, it is looked at once more, smaller.
- A large picture is looked at in pieces, which bounds memory.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.detection.candidates import Candidates, answered
from models.detection.cascade import MIN_FACE_PX
from models.detection.checked_input import checked_boxes, checked_images, checked_min_face, checked_min_faces
from models.detection.detections import WEAKEST, Detections
from models.detection.pyramid import shrink
from models.detection.yunet_network import cells, load_for_crops, load_for_pictures, padded
from models.imaging.boxes import nms, overlaps
from models.imaging.checked import checked_share
from models.imaging.crops import whole_squares
from models.inference.device import Device, choose_device
from models.inference.network import Network, Precision
from models.places import at_home, checked_path

_log = logging.getLogger(__name__)

SMALLEST_FACE_PX = 20
"""As large as this the network is shown the smallest face to find. Of labelled faces of 20 to 24 px in `facemask` and `dlib_faces`, in many
sizes, it found nine in ten at a score of 0.5; of 16 to 20 px eight, of 12 to 16 px two in three, of 10 px four."""
LEAST_MIN_FACE_PX = 12
"""Smaller faces are a few grey squares to any detector; the same as MTCNN's."""
SCORE = 0.6
"""From here it finds 9 false faces on 105 photos of nobody, as MTCNN does by default (23 from 0.4, one from 0.8), and all 250 faces on 250
photos; both are training data."""
NMS_OVERLAP = 0.3
"""Largest overlap of two boxes that both stay (OpenCV's default)."""
WITHIN = 0.7
"""Largest share of a box that lies in a better one, where a picture was looked at in several sizes: parts of a large face look like
faces in the larger one. MTCNN's last step has the same."""
TOO_SMALL = 0.8
"""A find whose longer side is less than this share of the smallest face to find is left out (a guess: boxes are off by about so much)."""
LARGEST_FACE_PX = 500
"""The network found all 153 faces of 320 to 640 px, nine in ten of 39 up to 800 px, none of 29 from 1000 px on (fddb_single, enlarged)."""
COARSER = 4
"""By how much smaller a picture is looked at once more. What has LARGEST_FACE_PX there has 125 px then."""
LARGEST_PIECE_PX = 2_400_000
"""A larger picture is cut: 1080p still is in one piece."""
PIECE_PX = 1536
SIDE_BY_SIDE_PX = 600_000
"""Pictures up to this size are looked at one on each core; of larger ones two do not fit into the caches, and all cores share each."""
OVERLAP_PX = 256
"""Of two pieces: a smaller face lies wholly in one of them, a larger one has at least 64 px where the picture is looked at smaller."""
CHECK_PX, CHECK_MARGIN, AROUND_MARGIN = 96, 0.5, 1.0
"""A place is checked on a square of this side, where the face fills half of it: 48 px. Landmarks are as exact as `detect` has them in a
face of that size; in one of 250 px `detect` is a fifth closer. A crop of 128 px takes twice the time for landmarks 4 % closer."""
SAME_PLACE = 0.3
"""Least overlap (IoU) with a place that is checked for a find to be what is there."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of an image as the network sees it."""

    image: int
    """Its number in the batch."""
    scale_x: float
    scale_y: float
    """px of the image for each px of the piece."""
    x: int
    y: int
    width: int
    height: int
    """Its place in the scaled image, px."""
    cut: tuple[bool, bool, bool, bool]
    """Whether the scaled image goes on beyond its left, top, right and lower edge."""


class YuNet:
    """Finds faces and their landmarks in pictures. A `Detector`; for one thread at a time."""

    name = "yunet"
    candidates_dropped = 0

    def __init__(
        self,
        weights: str | Path,
        *,
        min_face_px: int = MIN_FACE_PX,
        score: float | None = None,
        device: Device = "auto",
        precision: Precision = "auto",
        clip_boxes: bool = False,
    ) -> None:
        """Loads, compiles and warms up the network.

        Args:
            weights: the ONNX file of a YuNet.
            min_face_px: side of the smallest face to find, at least 12. Twice as large is four times as fast.
            score: lowest score, 0..1, of a find; None: SCORE.
            device: YuNet runs on the CPU also where there is a GPU, and says so if the GPU was asked for.
            precision: "auto" computes in bfloat16 where the processor has it; "f32" never.
            clip_boxes: cut boxes at the picture's edges; as found, they may reach a little out.

        Raises:
            ModelError: the file is missing, damaged, or holds another network.
        """
        self.score = SCORE if score is None else checked_share(score, "score")
        self.min_face_px = checked_min_face(min_face_px, LEAST_MIN_FACE_PX)
        self.clip_boxes = clip_boxes
        if device != "auto" and choose_device(device)[0] == "gpu":
            _log.warning("the detector yunet runs on the CPU, though device gpu was asked for")
        self._weights, self._precision = at_home(checked_path(weights, "weights")), precision
        self._pictures = load_for_pictures(self._weights, precision)
        self._crops: Network | None = None

    def detect(
        self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None, *, weak: bool = False
    ) -> list[Detections]:
        """The faces in each image.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            min_face_px: the smallest face to find, for all images or for each; the detector's own by default.
            weak: also what is hardly a face, from WEAKEST on.

        Returns:
            One answer per image, in order, each best first. A box may reach a little out of its image, except with `clip_boxes`.
        """
        images = checked_images(images)
        min_faces = checked_min_faces(min_face_px, len(images), self.min_face_px, LEAST_MIN_FACE_PX)
        found: list[list[Detections]] = [[] for _ in images]
        waiting: deque[tuple[_Piece, tuple[int, int]]] = deque()

        def samples() -> Iterator[np.ndarray]:
            for number, (image, smallest) in enumerate(zip(images, min_faces, strict=True)):
                for piece, sample in _pieces(image, number, smallest):
                    waiting.append((piece, (sample.shape[1], sample.shape[2])))
                    yield sample

        sizes = [image.shape[0] * image.shape[1] * (SMALLEST_FACE_PX / px) ** 2 for image, px in zip(images, min_faces, strict=True)]
        several = len(images) > 1 and max(sizes) <= SIDE_BY_SIDE_PX
        for (answer,) in self._pictures.each(samples(), several=several):
            piece, size = waiting.popleft()
            found[piece.image].append(self._finds(answer[0], piece, size, min(self.score, WEAKEST) if weak else self.score))
        return [self._best(parts, image, px) for parts, image, px in zip(found, images, min_faces, strict=True)]

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], *, around: bool = False) -> list[Detections]:
        """What is at given places now: the network on a small crop around each box, all crops in one chain of batches.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            boxes: for each image (N, 4) boxes, px, where a face is or was.
            around: look further around each, for a face that has moved.

        Returns:
            For each image one row for each box, in the order of the boxes: the box of the surest find that overlaps it, its score and
            landmarks. Where nothing overlaps it: the box itself, score 0, all landmarks in its middle.
        """
        images = checked_images(images)
        boxes = checked_boxes(boxes, len(images))
        if self._crops is None:
            self._crops = load_for_crops(self._weights, self._precision, CHECK_PX)
        places = (Candidates(number, whole_squares(mine, AROUND_MARGIN if around else CHECK_MARGIN)) for number, mine in enumerate(boxes))
        answers = answered(self._crops, images, places, CHECK_PX)
        found = [_at(mine, place.boxes, rows) for mine, (place, (rows,)) in zip(boxes, answers, strict=True)]
        if not self.clip_boxes:
            return found
        return [mine.clipped(image.shape[1], image.shape[0]) for mine, image in zip(found, images, strict=True)]

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        """Gets ready for frames of one size that will come again and again, so many together."""
        self.detect([np.zeros((height, width, 3), np.uint8)] * at_a_time, min_face_px)

    def _finds(self, answer: np.ndarray, piece: _Piece, size: tuple[int, int], lowest: float) -> Detections:
        """The finds of one piece in pixels of its image, before suppression. What reaches over a cut is whole elsewhere: it is left out."""
        numbers = np.flatnonzero(answer[:, 0] >= lowest)
        rows = answer[numbers]
        boxes, landmarks = _in_pixels(rows, *cells(*size, numbers))
        over = np.concatenate([boxes[:, :2] < 1, boxes[:, 2:] > np.array([piece.width, piece.height]) - 1], axis=1)
        kept = np.flatnonzero(~(over & np.array(piece.cut)).any(axis=1))
        scale = np.array([piece.scale_x, piece.scale_y], np.float32)
        landmarks = (landmarks[kept] + np.array([piece.x, piece.y], np.float32)) * scale
        boxes = (boxes[kept] + np.array([piece.x, piece.y] * 2, np.float32)) * np.tile(scale, 2)
        return Detections(boxes, rows[kept, 0], landmarks)

    def _best(self, parts: Sequence[Detections], image: np.ndarray, min_face_px: int) -> Detections:
        """What is left of the finds of all pieces of an image after suppression."""
        found = Detections(*(np.concatenate(arrays) for arrays in zip(*((p.boxes, p.scores, p.landmarks) for p in parts), strict=True)))
        found = found.take(np.flatnonzero((found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1, initial=0) >= TOO_SMALL * min_face_px))
        found = found.take(nms(found.boxes, found.scores, NMS_OVERLAP))
        if len(parts) > 1:
            found = found.take(nms(found.boxes, found.scores, WITHIN, over="smaller"))
        return found.within(image.shape[1], image.shape[0]) if self.clip_boxes else found


def _pieces(image: np.ndarray, number: int, min_face_px: int) -> Iterator[tuple[_Piece, np.ndarray]]:
    """What the network is to look at: each piece and its pixels, (1, H, W, 3) uint8, black below and right to make the sides fit."""
    scale = SMALLEST_FACE_PX / min_face_px
    while True:
        height, width = (max(round(side * scale), 1) for side in image.shape[:2])
        scaled = _scaled(image, height, width)
        for y, piece_height in _spans(height, whole=height * width <= LARGEST_PIECE_PX):
            for x, piece_width in _spans(width, whole=height * width <= LARGEST_PIECE_PX):
                cut = (x > 0, y > 0, x + piece_width < width, y + piece_height < height)
                piece = _Piece(number, image.shape[1] / width, image.shape[0] / height, x, y, piece_width, piece_height, cut)
                yield piece, _on_canvas(scaled[y : y + piece_height, x : x + piece_width])
        if min(height, width) <= LARGEST_FACE_PX:
            return
        scale /= COARSER


def _scaled(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if height > image.shape[0] // 2:  # nothing aliases yet, and this is several times as fast
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR) if image.shape[:2] != (height, width) else image
    return next(shrink(image, [(height, width)]))


def _spans(side: int, *, whole: bool) -> list[tuple[int, int]]:
    """(start, length) of parts of about PIECE_PX that cover a side, each sharing OVERLAP_PX with the next."""
    count = 1 if whole else max(-(-(side - OVERLAP_PX) // (PIECE_PX - OVERLAP_PX)), 1)
    length = -(-(side + (count - 1) * OVERLAP_PX) // count)
    return [(start, min(length, side - start)) for start in (i * (length - OVERLAP_PX) for i in range(count))]


def _on_canvas(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if (height, width) == (padded(height), padded(width)) and picture.flags.c_contiguous and picture.flags.writeable:
        return picture[None]  # OpenVINO takes no memory that it might not write to
    canvas = np.zeros((1, padded(height), padded(width), 3), np.uint8)
    canvas[0, :height, :width] = picture
    return canvas


def _in_pixels(rows: np.ndarray, corners: np.ndarray, strides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (..., 4) and landmarks (..., 5, 2) out of the network's answers (..., COLUMNS) for cells at `corners` (..., 2)."""
    strides = strides[..., None]
    centres = corners + rows[..., 1:3] * strides
    half = np.exp(np.minimum(rows[..., 3:5], 10)) * strides / 2  # 10: no float32 overflows, whatever the weights say
    landmarks = corners[..., None, :] + rows[..., 5:].reshape(*rows.shape[:-1], 5, 2) * strides[..., None]
    return np.concatenate([centres - half, centres + half], axis=-1), landmarks


def _at(boxes: np.ndarray, squares: np.ndarray, rows: np.ndarray) -> Detections:
    """What the network's answers (N, cells, COLUMNS) to crops of `squares` (N, 4) say of the `boxes` (N, 4) in them."""
    scale = (squares[:, 2] - squares[:, 0])[:, None, None] / CHECK_PX
    found, points = _in_pixels(rows, *cells(CHECK_PX, CHECK_PX, np.arange(rows.shape[1])))
    found = found * scale + np.tile(squares[:, :2], 2)[:, None]
    points = points * scale[..., None] + squares[:, None, None, :2]
    out = Detections(boxes.copy(), np.zeros(len(boxes), np.float32), np.repeat((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, 5, axis=1))
    for index, box in enumerate(boxes):
        there = np.flatnonzero(overlaps(found[index], box[None], "union")[:, 0] >= SAME_PLACE)
        if len(there):
            best = there[rows[index, there, 0].argmax()]
            out.boxes[index], out.scores[index], out.landmarks[index] = found[index, best], rows[index, best, 0], points[index, best]
    return out
