"""The usual style with less in it, or with other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stream.drawing.mark import Mark
from stream.drawing.overlay import inked
from stream.faces import UNKNOWN, Analysis, Face


@dataclass(frozen=True, slots=True)
class Restyle:
    """A `Style`. What is hidden is no matter of it."""

    boxes: bool = True
    """False: nothing is drawn at all."""
    words: bool = True
    landmarks: bool = True
    lowest_score: float = 0.0
    """Of a face that is drawn, the detector's."""
    threshold: float | None = None
    """Lowest probability of the second of two classes to be called so; None: as it was."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Words in place of others: those of a track ("#3"), of a person, or of a label."""

    def __call__(self, width: int, height: int, analysis: Analysis, status_line: str = "", /) -> Sequence[Mark]:
        if not self.boxes:
            return ()
        told = replace(analysis, faces=self.changed(analysis.faces))
        return inked(width, height, told, status_line, words=self.words, landmarks=self.landmarks)

    def changed(self, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Those that are drawn, with the words that they get."""
        return tuple(self._renamed(self._relabelled(face)) for face in faces if face.score >= self.lowest_score)

    def _relabelled(self, face: Face) -> Face:
        if self.threshold is None or len(face.probabilities) != 2 or face.label not in face.probabilities:
            return face
        first, second = face.probabilities
        label = second if face.probabilities[second] >= self.threshold else first
        return replace(face, label=label, probability=face.probabilities[label])

    def _renamed(self, face: Face) -> Face:
        if (name := self.names.get(f"#{face.track}")) is not None:
            return _called(replace(face, person=None, probability=None), name)
        if (person := face.person) is not None:
            return replace(face, person=replace(person, name=self.names.get(person.name or UNKNOWN, person.name)))
        return face if face.label is None else _called(face, self.names.get(face.label, face.label))


def _called(face: Face, label: str) -> Face:
    """Labelled so, in the same colour, which is that of the label's place among all."""
    others = {label if word == face.label else word: value for word, value in face.probabilities.items()}
    return replace(face, label=label, probabilities=others)
