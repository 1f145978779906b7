"""What the user gets of a frame whose faces are followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.classification.face_model import FaceModel
from stream.analysis.followed import Track
from stream.analysis.lookback import Entry, Seen
from stream.analysis.naming import Naming
from stream.faces import Analysis, Face, State
from stream.settings.schema import Settings

GUESSED_FOR_S = 0.5
"""For how long a live face that is gone is told of where it should be."""
UNCERTAIN = "uncertain"
"""The label of a face whose answer is less certain than the user wants it."""


class Telling:
    """Puts what is known of one source's frames into the words of `stream.faces`, and numbers its tracks as they are first told of."""

    def __init__(self, model: FaceModel | None, naming: Naming, *, live: bool) -> None:
        """
        Args:
            model: that has answered for the tracks; None: nobody has.
            naming: who they are.
            live: also finds that are not confirmed are told of: a camera's picture cannot wait for the next.
        """
        self.model, self._naming, self._live = model, naming, live
        self._numbered = 0

    def analysis(self, entry: Entry, settings: Settings, unseen: Sequence[Track] = ()) -> Analysis:
        """What the user gets of a frame, as it is known now.

        Args:
            unseen: tracks that are told of, for a while, although nobody sees them just now. In a file there are none: it is drawn where
                they were once they are seen again.
        """
        frame = entry.frame
        gone = [one for one in unseen if one.confirmed and one.time_since_update_s(frame.time_s) <= GUESSED_FOR_S]
        seen = [*entry.seen, *(_guess(one, frame.time_s) for one in gone)]
        faces = [self._face(one, frame.time_s, settings) for one in seen]
        return Analysis(
            frame.source,
            frame.index,
            frame.time_s,
            tuple(face for face in faces if face is not None),
            settings.tracker.forget_after_s,
            entry.searched_s,
            knows_people=self._naming.on(settings.identity),
        )

    def _face(self, seen: Seen, time_s: float, settings: Settings) -> Face | None:
        """None for a find that was not confirmed, and for what the model calls no face."""
        track, options = seen.track, settings.classifier
        if not (track.confirmed or self._live):
            return None
        verdict = track.answer.verdict(self.model, options.threshold) if self.model is not None else None
        if verdict is not None and not verdict.is_face and not options.keep_dropped:
            return None
        label = verdict.label if verdict else None
        if label is not None and track.answer.certainty < options.uncertain_below:
            label = UNCERTAIN
        if track.number == 0:
            self._numbered += 1
            track.number = self._numbered
        return Face(
            box=seen.box,
            score=seen.score,
            landmarks=seen.landmarks,
            track=track.number,
            velocity=seen.velocity,
            label=label,
            newest_label=track.answer.newest if verdict else None,
            probability=verdict.probability if verdict else None,
            probabilities=verdict.probabilities if verdict else {},
            certainty=track.answer.certainty if verdict else None,
            person=self._naming.person(track.identity, settings.identity),
            state=seen.state,
            age_s=max(time_s - track.born_s, 0.0),
            unseen_s=seen.unseen_s,
        )


def seen_now(track: Track) -> Seen:
    """A track that was seen in the frame that is looked at."""
    return _at(track, track.filter.box, track.landmarks, track.state, 0.0)


def _guess(track: Track, time_s: float) -> Seen:
    box = track.filter.predict(time_s)
    shift = (box[:2] + box[2:] - track.filter.box[:2] - track.filter.box[2:]) / 2
    return _at(track, box, track.landmarks + shift, "predicted", track.time_since_update_s(time_s))


def _at(track: Track, box: np.ndarray, landmarks: np.ndarray, state: State, unseen_s: float) -> Seen:
    x, y = track.filter.velocity.tolist()
    return Seen(track, box, landmarks, track.score, (x, y), state, unseen_s)
