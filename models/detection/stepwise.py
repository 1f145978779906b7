"""The cascade network by network: pictures of any sizes, each network going on with one while the one before has the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from models.detection.candidates import Candidates, answered
from models.detection.cascade import NMS_OVERLAP, ONET_PX, REPORTED_SHIFT_PX, RNET_PX
from models.detection.cascade_networks import CascadeNetworks
from models.detection.detections import Detections
from models.detection.proposals import Proposer
from models.imaging.boxes import nms, regress
from models.imaging.crops import whole_squares


class StepwiseCascade:
    """Finds faces in pictures of any sizes. For one thread at a time."""

    def __init__(self, networks: CascadeNetworks, thresholds: tuple[float, float, float], pyramid_step: float) -> None:
        """
        Args:
            networks: P-, R- and O-Net.
            thresholds: lowest scores, 0..1, to pass each of them.
            pyramid_step: size of each pyramid level relative to the last, between 0 and 1.
        """
        self._networks = networks
        self.thresholds = thresholds
        self._proposer = Proposer(thresholds[0], pyramid_step)

    def detect(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> list[Detections]:
        """The faces in each image.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            min_faces: the smallest face to find in each, px.
        """
        proposed = self._propose(images, min_faces)
        refined = self._refine(images, proposed)
        found = dict(self._output(images, refined))
        return [found[number] for number in range(len(images))]

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Detections]:
        """What O-Net says to the square around each of (N, 4) boxes per image, as `detect` gives them: a row for each, in their order."""
        places = (Candidates(number, whole_squares(mine - REPORTED_SHIFT_PX)) for number, mine in enumerate(boxes))
        answers = answered(self._networks.output, images, places, ONET_PX)
        return [_reported(found.boxes, scores, offsets, landmarks) for found, (scores, offsets, landmarks) in answers]

    def _propose(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> Iterator[Candidates]:
        """P-Net over each image's pyramid: squares of whole pixels that may hold a face."""
        proposals = self._proposer(images, min_faces, self._networks.propose, self._networks.propose_strips)
        for number, (boxes, scores, offsets) in proposals:
            best = nms(boxes, scores, NMS_OVERLAP)
            yield Candidates(number, whole_squares(regress(boxes[best], offsets[best])))

    def _refine(self, images: Sequence[np.ndarray], proposed: Iterable[Candidates]) -> Iterator[Candidates]:
        """R-Net on what P-Net proposed: fewer, better squares of whole pixels."""
        for found, (scores, offsets) in answered(self._networks.refine, images, proposed, RNET_PX):
            passing = np.flatnonzero(scores > self.thresholds[1])
            kept = passing[nms(found.boxes[passing], scores[passing], NMS_OVERLAP)]
            yield Candidates(found.image, whole_squares(regress(found.boxes[kept], offsets[kept])))

    def _output(self, images: Sequence[np.ndarray], refined: Iterable[Candidates]) -> Iterator[tuple[int, Detections]]:
        """O-Net on what R-Net left: the number of each image and its faces."""
        for found, (scores, offsets, landmarks) in answered(self._networks.output, images, refined, ONET_PX):
            passing = np.flatnonzero(scores > self.thresholds[2])
            faces = _reported(found.boxes[passing], scores[passing], offsets[passing], landmarks[passing])
            yield found.image, faces.take(nms(faces.boxes, faces.scores, NMS_OVERLAP, over="smaller"))


def _reported(squares: np.ndarray, scores: np.ndarray, offsets: np.ndarray, landmarks: np.ndarray) -> Detections:
    """O-Net's answers, which are in sides of the `squares` it looked at, in pixels of the image."""
    boxes = regress(squares, offsets) + np.float32(REPORTED_SHIFT_PX)
    return Detections(boxes, scores, squares[:, None, :2] + landmarks * (squares[:, None, 2:] - squares[:, None, :2]))
