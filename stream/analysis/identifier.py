"""Known people: faces are described by a network, and compared with the people of a folder, which may change while a run goes on."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np

from models.identity.chips import sharpness
from models.identity.cohort import SHIPPED_COHORT, Cohort
from models.identity.embedder import FaceEmbedder
from models.identity.recogniser import Recogniser
from models.identity.weights import SHIPPED
from models.people.folder import COHORT, PeopleFolder
from stream.errors import FacestreamError
from stream.settings.schema import IdentitySettings, Settings

SHARP = 10.0
"""Sharpness of a chip from which it is good for something: of the blurred and the tiny it is below."""
LOOKED_AT_EVERY_S = 1.0
"""So often it is asked whether anything in the folder has changed."""

_log = logging.getLogger(__name__)


class Identifier:
    """Says how like each known person faces are. The worker's thread describes; who is known may be read anew by any."""

    def __init__(self, embedder: FaceEmbedder, options: IdentitySettings, folder: Path) -> None:
        """Use `load`."""
        self._embedder, self._options, self._folder = embedder, options, PeopleFolder(folder)
        self._reading = threading.Lock()
        self._looked_at, self._stamp = time.monotonic(), self._folder.stamp()
        self.gallery = self._read()
        """Who is known now. Replaced, never changed."""

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        """The network that the settings name, and the people of that folder.

        Raises:
            ModelError: the network or the cohort is missing or damaged.
            PeopleError: the folder cannot be used.
        """
        options, detector = settings.identity, settings.detector
        embedder = FaceEmbedder.load(options.network or SHIPPED, device=detector.device, precision=detector.precision)
        return cls(embedder, options, folder)

    def describe(self, chips: np.ndarray) -> np.ndarray:
        """(N, side, side, 3) uint8 RGB of aligned faces -> (N, 128) float32; NaN for those too blurred to say anything."""
        good = sharpness(chips) >= SHARP
        vectors = np.full((len(chips), 128), np.nan, np.float32)
        if good.any():
            vectors[good] = self._embedder.describe(chips[good])
        return vectors

    def cut(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The chips of faces in an RGB picture, by their (N, 5, 2) landmarks."""
        return self._embedder.cut(image, landmarks)

    @property
    def due_in_s(self) -> float:
        """When `refresh` is worth while again."""
        return self._looked_at + LOOKED_AT_EVERY_S - time.monotonic()

    def refresh(self) -> bool:
        """Whether other people are known now: the folder has changed, and was read anew."""
        with self._reading:
            self._looked_at, stamp = time.monotonic(), self._folder.stamp()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            try:
                self.gallery = self._read()
            except FacestreamError as error:
                _log.warning("%s The people known so far stay known.", error)
                return False
            return True

    def _read(self) -> Recogniser:
        options, own = self._options, self._folder.path / COHORT
        cohort = Cohort.load(options.cohort or (own if own.is_file() else SHIPPED_COHORT))
        return Recogniser([person.known() for person in self._folder.load()], cohort, false_names=options.false_names)
