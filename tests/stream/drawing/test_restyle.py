"""The usual style with less in it, or with other words."""

from __future__ import annotations

import numpy as np
import pytest

from stream.drawing.labels import color_of, words_of
from stream.drawing.mark import painted
from stream.drawing.overlay import inked
from stream.drawing.restyle import Restyle
from stream.faces import Analysis, Face, Person

BOX = np.array([40, 40, 140, 160], np.float32)
LANDMARKS = np.array([[70, 80], [110, 80], [90, 100], [75, 130], [105, 130]], np.float32)
SMILE = {"no smile": 0.4, "smile": 0.6}


def face(**more: object) -> Face:
    return Face(BOX, 0.9, LANDMARKS, **more)  # type: ignore[arg-type]


def drawn(style: Restyle, *faces: Face) -> np.ndarray:
    image = np.full((240, 320, 3), 128, np.uint8)
    return painted(image, style(320, 240, Analysis("a", 0, 0.0, faces)))


def usual(*faces: Face) -> np.ndarray:
    return painted(np.full((240, 320, 3), 128, np.uint8), inked(320, 240, Analysis("a", 0, 0.0, faces)))


def test_by_itself_it_is_the_usual_style() -> None:
    one = face(track=1, label="smile", probability=0.6, probabilities=SMILE)
    assert np.array_equal(drawn(Restyle(), one), usual(one))


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        (face(track=3, label="smile", probability=0.6, probabilities=SMILE), {"smile": "sourire"}, "#3 sourire 60%"),
        (face(track=3, label="smile", probability=0.6, probabilities=SMILE), {"#3": "Ada", "smile": "sourire"}, "#3 Ada"),
        (face(track=3), {"#3": "Ada"}, "#3 Ada"),
        (face(track=3, person=Person("Ada", 5.0, 2)), {"Ada": "Dr. L."}, "#3 Dr. L."),
        (face(track=3, person=Person(None, 1.0, 2)), {"unknown": "a guest"}, "#3 a guest"),
        (face(track=3, person=Person("Ada", 5.0, 2)), {"Bo": "no"}, "#3 Ada"),
    ],
)
def test_words_stand_in_place_of_others(before: Face, names: dict[str, str], after: str) -> None:
    (one,) = Restyle(names=names).changed([before])
    assert words_of(one)[0] == after
    if before.label in before.probabilities:
        assert color_of(one) == color_of(before), "in the same colour"


def test_another_threshold_gives_another_label() -> None:
    one = face(label="smile", probability=0.6, probabilities=SMILE)
    (less,) = Restyle(threshold=0.7).changed([one])
    assert (less.label, less.probability) == ("no smile", 0.4)
    (same,) = Restyle(threshold=0.6).changed([one])
    assert (same.label, same.probability) == ("smile", 0.6)
    many = face(label="a", probability=0.5, probabilities={"a": 0.5, "b": 0.3, "c": 0.2})
    assert Restyle(threshold=0.9).changed([many])[0].label == "a", "of three there is none"


def test_there_can_be_less() -> None:
    one = face(track=1)
    bare, boxes = drawn(Restyle(boxes=False), one), drawn(Restyle(words=False, landmarks=False), one)
    assert (bare == 128).all()
    assert (boxes[60:140, 60:120] == 128).all(), "no landmarks"
    assert (boxes[:30] == 128).all(), "no words"
    assert (boxes[40, 60:120] != 128).any(), "but the box"
    assert (drawn(Restyle(lowest_score=0.91), one) == 128).all()
    assert np.array_equal(drawn(Restyle(lowest_score=0.9), one), usual(one))
