"""Somebody becomes known from a frame: what `facestream people add` does with a photo, with the same checks."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.detection.detector import DetectorOptions, load_detector
from models.identity.cohort import Cohort
from models.identity.embedder import FaceEmbedder
from models.identity.network_file import NetworkFile
from models.imaging.boxes import iou
from models.people.enrolment import enrol
from models.people.folder import PeopleFolder
from models.people.gallery import Gallery
from models.people.names import checked_name
from models.people.seeing import PhotoReader, SeenFace, SeenPhoto
from stream.errors import PeopleError

SAME_FACE = 0.3
"""Overlap (IoU) of what was pointed at with what is found when the frame is looked at anew."""


class Enrolling:
    """Its networks, which describe exactly and so are slower than those of a run, are loaded when they are first needed. Any thread."""

    def __init__(self, folder: PeopleFolder, network: NetworkFile, cohort: Cohort, false_names: float) -> None:
        """
        Args:
            network: that describes faces.
            cohort, false_names: as the run uses them.
        """
        self._folder, self._network, self._cohort, self._false_names = folder, network, cohort, false_names
        self._one_by_one = threading.Lock()
        self._reader: _FrameReader | None = None

    def add(self, name: str, image: np.ndarray, box: np.ndarray, source: str) -> str:
        """One face of a frame is one more photo of a person, who may be new.

        Args:
            image: (H, W, 3) uint8 RGB.
            box: (4,) px, about where the face is.
            source: of the frame, for whoever reads the list of photos.

        Returns:
            The name as it is written.

        Raises:
            PeopleError: in a sentence why not.
        """
        name = checked_name(name)
        place = Path(f"{source.replace('/', '-')} {datetime.now(UTC):%Y-%m-%d %H.%M.%S}")
        with self._one_by_one:
            if self._reader is None:
                embedder = FaceEmbedder.load(self._network, precision="f32")
                self._reader = _FrameReader(load_detector(DetectorOptions(mirror=True)), embedder)
            self._reader.image = image
            people = Gallery(self._folder.load_or_none(), self._cohort, false_names=self._false_names)
            done = enrol(name, [place], self._reader, people, chosen=lambda seen: _pointed_at(seen, box), digest_of=self._reader.digest)
            for remark in [*done.refused, *done.skipped]:
                raise PeopleError(f"This picture {remark.why}.")
            self._folder.add(name, done.taken)
        return name


class _FrameReader(PhotoReader):
    """Sees a frame in place of a file."""

    image = np.zeros((0, 0, 3), np.uint8)

    def digest(self, path: Path) -> str:
        return hashlib.sha256(self.image.tobytes()).hexdigest()

    def look(self, path: Path, note: object = None) -> SeenPhoto:
        return SeenPhoto(path, self.digest(path), self.faces(self.image))


def _pointed_at(seen: SeenPhoto, box: np.ndarray) -> SeenFace | str:
    overlaps = iou(np.stack([face.box for face in seen.faces]), box[None])[:, 0] if seen.faces else np.zeros(1)
    return seen.faces[int(overlaps.argmax())] if overlaps.max() >= SAME_FACE else "does not show that face well enough"
