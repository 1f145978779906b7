"""Who the faces of one source are: which are to be looked at, what is asked of the identifier, and what follows from its answers."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.detection.detections import Detections
from models.imaging.landmarks import frontality
from stream.analysis.parts import around
from stream.analysis.requests import Requests, Who
from stream.analysis.track_identity import TrackIdentity
from stream.faces import Person
from stream.frame import Frame
from stream.settings.schema import IdentitySettings

if TYPE_CHECKING:
    from stream.analysis.identifier import Identifier

FRONTAL = 0.35
"""Least frontality of a face that can be told from others: between half and full profile (a guess)."""
REACH = 0.8
"""What a chip shows lies within so many sides around a box."""


class Naming:
    """What is asked about the faces of one source. Without an identifier, nothing."""

    def __init__(self, identifier: Identifier | None) -> None:
        self._identifier = identifier
        self._asked: list[tuple[Who, list[TrackIdentity], Sequence[TrackIdentity]]] = []
        """What is asked, of whom, and who else is in the picture."""

    def on(self, options: IdentitySettings) -> bool:
        """Whether the source's faces are compared with known people."""
        return self._identifier is not None and options.people is not None

    def note(
        self,
        frame: Frame,
        faces: Detections,
        identities: Sequence[TrackIdentity],
        options: IdentitySettings,
        *,
        rarer: bool = True,
        anew: bool = False,
    ) -> None:
        """These faces are in a frame: those that are due, and show enough, are asked about.

        Args:
            identities: of each face.
            rarer: those of whom there is no doubt are asked about more seldom.
            anew: all are due.
        """
        if not (self.on(options) and len(faces)):
            return
        due = np.array([row for row, one in enumerate(identities) if anew or one.due(frame.time_s, options.every_s, rarer=rarer)], int)
        rows = due[_shows_enough(faces.landmarks[due], frame, options.min_eyes_px)] if len(due) else due
        if len(rows):
            asked = [identities[row] for row in rows.tolist()]
            for one in asked:
                one.asked(frame.time_s)
            self._asked.append((Who(frame, faces.take(rows)), asked, identities))

    def answers(self) -> Generator[Requests, None, None]:
        """Asks what was noted, and learns."""
        asked, self._asked = self._asked, []
        if not asked or self._identifier is None:
            return
        yield [who for who, _, _ in asked]
        for who, identities, there in asked:
            for identity, vector, scores in zip(identities, who.vectors, who.scores, strict=True):
                if who.gallery is not None and np.isfinite(vector).all():
                    taken = {one.name for one in there if one is not identity and one.name is not None}
                    identity.add(vector, scores, who.gallery, taken)

    def person(self, identity: TrackIdentity, options: IdentitySettings) -> Person | None:
        """Who a face is; None: that is not decided, or nobody asks."""
        return identity.person(self._identifier.gallery) if self._identifier is not None and self.on(options) else None


def _shows_enough(landmarks: np.ndarray, frame: Frame, min_eyes_px: float) -> np.ndarray:
    """(N,) bool: the eyes far enough apart, not turned away, all of it in the picture."""
    eyes = np.linalg.norm(landmarks[:, 1] - landmarks[:, 0], axis=1)
    inside = ((landmarks >= 0) & (landmarks <= (frame.width - 1, frame.height - 1))).all(axis=(1, 2))
    return np.asarray(inside & (eyes >= min_eyes_px) & (frontality(landmarks) >= FRONTAL))


def answer_whos(identifier: Identifier, asked: Sequence[Who]) -> None:
    """Has all faces of all frames described and compared in one call."""
    chips = []
    for who in asked:
        for box, landmarks in zip(who.faces.boxes, who.faces.landmarks, strict=True):
            image, corner = around(who.frame, box, REACH)
            chips.append(identifier.cut(image, landmarks[None] - corner[:2]))
    vectors, gallery = identifier.describe(np.concatenate(chips)), identifier.gallery
    scores = np.full((len(vectors), len(gallery.names)), np.nan, np.float32)
    good = np.isfinite(vectors).all(axis=1)
    scores[good] = gallery.scores(vectors[good])
    ends = np.cumsum([len(who.faces) for who in asked])[:-1]
    for who, its, rows in zip(asked, np.split(vectors, ends), np.split(scores, ends), strict=True):
        who.vectors, who.scores, who.gallery = its, rows, gallery
