"""Known people: faces are described by a network, and compared with the people of a folder, which may change while a run goes on."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from models.identity.cohort import Cohort
from models.identity.embedder import FaceEmbedder
from models.identity.recogniser import Recogniser
from models.people.folder import PeopleFolder
from models.people.seeing import LOWEST_SHARPNESS
from stream.errors import FacestreamError
from stream.settings.schema import IdentitySettings, Settings

if TYPE_CHECKING:
    from stream.analysis.enrolling import Enrolling

LOOKED_AT_EVERY_S = 1.0
"""So often it is asked whether anything in the folder has changed."""

_log = logging.getLogger(__name__)


class Identifier:
    """Says how like each known person faces are. The worker's thread describes; who is known may be read anew by any."""

    def __init__(self, embedder: FaceEmbedder, options: IdentitySettings, folder: Path) -> None:
        """Use `load`."""
        self._embedder, self._options, self._folder = embedder, options, PeopleFolder(folder, network=options.network_file.id)
        self._reading, self._enrolling_first = threading.Lock(), threading.Lock()
        self._enrolling: Enrolling | None = None
        self._failed = False
        """The folder could not be read last, and that was told."""
        self._looked_at, self._stamp = time.monotonic(), self._folder.stamp()
        self.gallery = self._read()
        if not self.gallery.names:
            _log.warning("%s: nobody is enrolled in it yet; everybody is unknown.", folder)
        """Who is known now. Replaced, never changed."""

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        """The network that the settings name, and the people of that folder.

        Raises:
            ModelError: the network or the cohort is missing or damaged.
            PeopleError: the folder cannot be used.
        """
        options, detector = settings.identity, settings.detector
        embedder = FaceEmbedder.load(options.network_file, device=detector.device, precision=detector.precision)
        return cls(embedder, options, folder)

    def describe(self, chips: np.ndarray) -> np.ndarray:
        """(N, side, side, 3) uint8 RGB of aligned faces -> (N, F) float32; NaN for those too blurred to say anything."""
        good = self._embedder.sharpness(chips) >= LOWEST_SHARPNESS
        vectors = np.full((len(chips), self._embedder.features), np.nan, np.float32)
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
            self._looked_at = time.monotonic()
            try:
                before, self._stamp = self._stamp, self._folder.stamp()
                if self._stamp != before:
                    self.gallery = self._read()
                self._failed = False
            except FacestreamError:  # what it says may name somebody
                if not self._failed:
                    _log.warning(
                        "%s: cannot be used any more: facestream people list says why. The people known so far stay known.",
                        self._folder.path,
                    )
                self._failed = True
                return False
            return self._stamp != before

    def enrol(self, name: str, image: np.ndarray, box: np.ndarray, source: str) -> str:
        """One more photo of a person, who may be new, known from now on. Any thread; takes seconds the first time.

        Args:
            image: (H, W, 3) uint8 RGB.
            box: (4,) px, about where the face is.
            source: of the picture.

        Returns:
            The name as it is written.

        Raises:
            PeopleError: in a sentence why not.
        """
        with self._enrolling_first:
            if self._enrolling is None:
                from stream.analysis.enrolling import Enrolling  # most runs enrol nobody

                folder = PeopleFolder(self._folder.path, network=self._folder.network)
                self._enrolling = Enrolling(folder, self._options.network_file, self._cohort(), self._options.false_names)
        name = self._enrolling.add(name, image, box, source)
        self.refresh()
        return name

    def _cohort(self) -> Cohort:
        own = self._options.cohort
        return self._folder.cohort() if own is None else Cohort.load(own, self._folder.network)

    def _read(self) -> Recogniser:
        return Recogniser([person.known() for person in self._folder.load()], self._cohort(), false_names=self._options.false_names)
