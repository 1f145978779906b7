"""Whose faces are hidden. Whoever is not decided yet is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from stream.faces import Face

EVERYBODY, UNKNOWN, KNOWN = "everybody", "unknown", "known"


@dataclass(frozen=True, slots=True)
class Whom:
    """A choice of faces."""

    group: str = EVERYBODY
    """One of the three; KNOWN with `names`: these people alone."""
    names: frozenset[str] = frozenset()
    label: str | None = None
    """Instead: those to whom the classifier gives this label."""

    @classmethod
    def of(cls, whom: str | Sequence[str]) -> Self:
        """What `hide.whom` means: "everybody", "unknown", "known", "MODEL=LABEL", or names."""
        if isinstance(whom, str):
            if whom in (EVERYBODY, UNKNOWN, KNOWN):
                return cls(whom)
            _, equals, label = whom.partition("=")
            return cls(label=label) if equals else cls(KNOWN, frozenset([whom]))
        return cls(KNOWN, frozenset(whom))

    def hides(self, face: Face) -> bool:
        """Whether that face must not be seen."""
        if self.label is not None:
            return face.label == self.label or face.label not in face.probabilities  # "uncertain" is no label of the model's
        if self.group == EVERYBODY or face.person is None:
            return True
        if self.names:
            return face.person.name in self.names
        return (face.person.name is None) == (self.group == UNKNOWN)
