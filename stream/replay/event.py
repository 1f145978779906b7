"""One event: what a run has told of a frame, as `sinks.events.event_of` writes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from stream.faces import Face, Hidden, HideShape, HideStyle, Person, State

FURTHEST = 1e6
"""No place lies so many pixels from a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """What was found in a frame."""

    index: int
    time_s: float
    width: int
    height: int
    faces: tuple[Face, ...]
    hidden: Hidden | None
    knows_people: bool
    """Faces were compared with known people."""


def event_in(said: dict[str, Any]) -> Event:
    """What an object of the file says.

    Raises:
        one of `saved.DAMAGED`: it is none that a run wrote.
    """
    faces = tuple(map(_face, said["faces"]))
    knows_people = any("person" in one for one in said["faces"])
    hidden = _hidden(said["hidden"]) if said.get("hidden") is not None else None
    size = int(said["width"]), int(said["height"])
    return Event(int(said["frame"]), _number(said["time_s"]), *size, faces, hidden, knows_people)


def style_in(said: dict[str, Any]) -> HideStyle | None:
    """How faces were hidden in that frame; None: they were not."""
    hidden = said.get("hidden")
    return None if hidden is None else _choice(hidden["style"], HideStyle)


def _face(said: dict[str, Any]) -> Face:
    person, label, probability = said.get("person"), said.get("label"), said.get("probability")
    return Face(
        box=_area(said["box"]),
        score=_number(said["score"]),
        landmarks=_places(said["landmarks"], (5, 2)),
        track=int(said["track"] or 0),
        label=None if label is None else _one_of(label, str),
        probability=None if probability is None else _number(probability),
        probabilities={name: _number(value) for name, value in said.get("probabilities", {}).items()},
        certainty=_number(said["certainty"]) if "certainty" in said else None,
        person=None if person is None else _person(person),
        state=_choice(said["state"], State),
        age_s=_number(said["age_s"]),
        hidden=bool(said.get("hidden", False)),
    )


def _person(said: dict[str, Any]) -> Person:
    name = said["name"]
    return Person(None if name is None else _one_of(name, str), _number(said["score"]), int(said["looks"]))


def _hidden(said: dict[str, Any]) -> Hidden:
    areas = [_area(area) for area in said["areas"]]
    stacked = np.array(areas, np.float32).reshape(-1, 4)
    return Hidden(_choice(said["style"], HideStyle), _choice(said["shape"], HideShape), stacked, whole=bool(said["whole"]))


def _area(said: Any) -> np.ndarray:
    area = _places(said, (4,))
    if (area[2:] < area[:2]).any():
        raise ValueError("a box whose sides are exchanged")
    return area


def _places(said: Any, shape: tuple[int, ...]) -> np.ndarray:
    places = np.array(said, np.float32)
    if places.shape != shape or not (np.abs(places) < FURTHEST).all():
        raise ValueError("no places in a picture")
    return places


def _number(said: Any) -> float:
    number = float(_one_of(said, (int, float)))
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _one_of(said: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(said, kind):
        raise TypeError("of another kind")
    return said


def _choice(said: Any, choices: Any) -> Any:
    if said not in get_args(choices):
        raise ValueError("a word that is none of those there are")
    return said
