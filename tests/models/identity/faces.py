"""Vectors of real faces, and of faces as varied as strangers' are."""

from __future__ import annotations

import cv2
import numpy as np

from models import MTCNN
from models.identity.embedder import FaceEmbedder


def looks(embedder: FaceEmbedder, detector: MTCNN, image: np.ndarray) -> np.ndarray:
    """(4, F): the one face of a picture as it is, turned, darker, and small."""
    turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 15, 0.9)
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    vectors = []
    for one in (image, cv2.warpAffine(image, turn, image.shape[1::-1]), (image * 0.6).astype(np.uint8), small):
        found = detector.detect([one])[0]
        assert len(found) == 1
        vectors.append(embedder.embed(one, found.landmarks)[0])
    return np.array(vectors)


def strangers(count: int, seed: int = 0) -> np.ndarray:
    """(count, F) of unit length, no two alike, around one face as all faces are."""
    random = np.random.default_rng(seed)
    middle = np.ones(128) / np.sqrt(128)
    vectors = middle + 0.035 * random.normal(size=(count, 128))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
