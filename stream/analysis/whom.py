"""Whose faces are hidden. Whoever is not decided yet, or no longer sure, is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from models.classification.face_model import FaceModel
from stream.errors import UsageError
from stream.faces import Face

EVERYBODY, UNKNOWN, KNOWN = "everybody", "unknown", "known"


@dataclass(frozen=True, slots=True)
class Whom:
    """A choice of faces."""

    group: str = EVERYBODY
    """One of the three; KNOWN with `names`: these people alone."""
    names: frozenset[str] = frozenset()
    model: str = ""
    label: str | None = None
    """Instead: those to whom the classifier of that name gives this label."""

    @classmethod
    def of(cls, whom: str | Sequence[str]) -> Self:
        """What `hide.whom` means: "everybody", "unknown", "known", "MODEL=LABEL", or names."""
        if isinstance(whom, str):
            if whom in (EVERYBODY, UNKNOWN, KNOWN):
                return cls(whom)
            model, equals, label = whom.partition("=")
            return cls(model=model, label=label) if equals else cls(KNOWN, frozenset([whom]))
        return cls(KNOWN, frozenset(whom))

    def check(self, model: FaceModel | None, names: Sequence[str] | None) -> None:
        """Whether it can be told whom to hide.

        Args:
            model: the classifier that is in use.
            names: of the people whom faces are compared with; None: with nobody.

        Raises:
            UsageError: it cannot.
        """
        if self.label is not None:
            if model is None or model.name != self.model:
                used = "none is in use" if model is None else f"{model.name} is in use"
                raise UsageError(
                    f"hide.whom: {self.model}={self.label} asks for the classifier {self.model}, but {used}: set classifier.model."
                )
            if self.label not in model.labels:
                raise UsageError(f"hide.whom: {self.model} says {' or '.join(model.labels)}, not {self.label}.")
        elif self.group != EVERYBODY and names is None:
            whom = ", ".join(sorted(self.names)) or self.group
            raise UsageError(f"hide.whom: {whom} are told by photos of known people: name their folder with --people (identity.people).")
        elif missing := sorted(self.names - set(names or ())):
            raise UsageError(
                f"hide.whom: nobody is called {' or '.join(missing)} among the known people; facestream people list names them."
            )

    def hides(self, face: Face, known: Sequence[str]) -> bool:
        """Whether that face must not be seen.

        Args:
            known: the people whom faces are compared with now: who has gone from among them since the start could be anybody.
        """
        if self.label is not None:
            return (
                self.label in (face.label, face.newest_label) or face.label not in face.probabilities
            )  # "uncertain" is no label of the model's
        if self.group == EVERYBODY or face.person is None or face.person.doubted or not self.names <= set(known):
            return True
        if self.names:
            return face.person.name in self.names
        return (face.person.name is None) == (self.group == UNKNOWN)
