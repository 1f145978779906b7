"""Galleries drawn from people of whom there are photos, and what becomes of those people and of strangers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from identity_faces import Faces, seed

from models.identity.cohort import Cohort
from models.identity.recogniser import KnownPerson, Recogniser

LOOKS = 5
"""Photos of a known person, beside the enrolled ones, that are asked for at most."""


@dataclass
class Outcome:
    """Of several galleries."""

    identified: list[float] = field(default_factory=list)
    """Share of looks at known people that get the right name."""
    mistaken: list[float] = field(default_factory=list)
    """Share of looks at known people that get another one's."""
    named: list[float] = field(default_factory=list)
    """Share of strangers that get a name."""

    def sentence(self) -> str:
        spread = f" (galleries {np.min(self.named):.1%} to {np.max(self.named):.1%})" if len(self.named) > 1 else ""
        known = f"identified {np.mean(self.identified):.4f}, mistaken {np.mean(self.mistaken):.4f}, " if self.identified else ""
        return f"{known}strangers named {np.mean(self.named):.2%}{spread}"


def galleries(
    faces: Faces, people: int, photos: int, draws: int, among: Sequence[str] | None = None, spare: int = 1
) -> Iterator[tuple[list[KnownPerson], dict[str, np.ndarray]]]:
    """Known people, and the photos of each that are not enrolled.

    Args:
        among: whom to draw from; all by default.
        spare: photos that must be left.
    """
    random, own = seed(people, photos, spare), faces.by_person()
    able = [name for name in (own if among is None else among) if name in own and len(own[name]) >= photos + spare]
    for _ in range(draws):
        known, rest = list[KnownPerson](), dict[str, np.ndarray]()
        for name in random.permutation(able)[:people]:
            order = random.permutation(own[name])
            known.append(KnownPerson(str(name), faces.vectors[order[:photos]]))
            rest[str(name)] = order[photos:]
        yield known, rest


def judge(
    faces: Faces,
    people: int,
    photos: int,
    *,
    cohort: Cohort,
    draws: int = 20,
    false_names: float = 0.01,
    among: Sequence[str] | None = None,
    strangers: np.ndarray | None = None,
) -> Outcome:
    """
    Args:
        among: whom galleries, and strangers, are drawn from; all by default.
        strangers: their vectors; by default one photo of everybody who is not in the gallery.
    """
    outcome, own = Outcome(), faces.by_person()
    random = seed("strangers", people, photos)
    for known, rest in galleries(faces, people, photos, draws, among, spare=1 if among is None else 0):
        recogniser = Recogniser(known, cohort, false_names=false_names)
        others = [name for name in (own if among is None else among) if name in own and name not in rest]
        passing = faces.vectors[[random.choice(own[name]) for name in others]] if strangers is None else strangers
        outcome.named.append(float((names(recogniser, passing) >= 0).mean()))
        looks, who = list[int](), list[int]()
        for number, left in enumerate(rest.values()):
            looks += list(left[:LOOKS])
            who += [number] * len(left[:LOOKS])
        if looks:
            answers = names(recogniser, faces.vectors[looks])
            outcome.identified.append(float((answers == who).mean()))
            outcome.mistaken.append(float(((answers >= 0) & (answers != who)).mean()))
    return outcome


def names(recogniser: Recogniser, vectors: np.ndarray) -> np.ndarray:
    """(N,) the number of the person that each face is, or -1."""
    return decide(recogniser.scores(vectors), recogniser.thresholds)


def decide(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(N, P) -> (N,) the number of the person, or -1."""
    best = scores.argmax(axis=1)
    return np.where(scores[np.arange(len(scores)), best] >= thresholds[best], best, -1)
