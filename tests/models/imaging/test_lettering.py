"""Names in any script: Chinese and Korean are drawn, Hebrew and Arabic as they are read."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image, features

from models.evaluation.metrics import Evaluation
from models.evaluation.plots import all_plots
from models.imaging.lettering import letters, runs_right_to_left
from stream.drawing.labels import words_of
from stream.faces import Face


def ink(opacity: np.ndarray) -> np.ndarray:
    """The columns that have some."""
    columns = np.flatnonzero(opacity.any(axis=0))
    return opacity[:, columns[0] : columns[-1] + 1]


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow was built without what joins letters")
def test_hebrew_begins_on_the_right_and_what_follows_a_name_stands_after_it() -> None:
    name, first, last = ink(letters("שלום", 40)), ink(letters("ש", 40)), ink(letters("ם", 40))
    assert np.abs(name[:, -first.shape[1] :].astype(int) - first).mean() < 12
    assert np.abs(name[:, : last.shape[1]].astype(int) - last).mean() < 12
    face = Face(np.zeros(4, np.float32), 0.9, np.zeros((5, 2), np.float32), track=1, label="שלום", probability=0.98)
    shown, begun = ink(letters(words_of(face)[0], 40)), ink(letters("#1 שלום", 40))
    assert np.array_equal(shown[:, : begun.shape[1] - 2], begun[:, :-2]), "number, then name"
    assert shown.shape[1] > begun.shape[1] + 40, "and then the percentage"


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow was built without what joins letters")
def test_arabic_letters_are_joined() -> None:
    """Kept apart by a mark that forbids it they look different."""
    joined, apart = ink(letters("محمد", 40)), ink(letters("\u200c".join("محمد"), 40))
    assert joined.shape != apart.shape or np.abs(joined.astype(int) - apart).mean() > 5


def test_only_what_runs_from_right_to_left_is_set_so() -> None:
    assert not any(map(runs_right_to_left, ("collins", "José", "張三", "한국어", "12 %")))
    assert all(map(runs_right_to_left, ("שלום", "a ב", "محمد")))


def plots(*classes: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(classes), 60)
    said = rng.dirichlet(np.ones(len(classes)), 60).astype(np.float32)
    threshold = 0.4 if len(classes) == 2 else None
    evaluation = Evaluation(classes, threshold, labels, said, np.zeros((60, 1, 1, 3), np.uint8), tuple(map(str, range(60))))
    return {name: np.asarray(Image.open(io.BytesIO(png)).convert("L")) for name, png in all_plots(evaluation, None).items()}


@pytest.mark.slow
def test_plots_name_classes_in_scripts_that_matplotlib_has_no_letters_of() -> None:
    """Boxes would be the same for all three: as many letters of one width."""
    drawn = [plots("collins", name) for name in ("張三", "李四", "한국")]
    for one, other in itertools.combinations(drawn, 2):
        for name in ("confusion", "roc", "precision_recall", "reliability"):
            assert one[name].shape != other[name].shape or (one[name] != other[name]).any(), name
    assert all(np.array_equal(one, other) for one, other in zip(plots("a", "b").values(), plots("a", "b").values(), strict=True))


def test_turned_names_are_drawn_where_they_belong() -> None:
    """More than three classes: names below the matrix are turned. With Latin names the plot is as large and as full there."""
    foreign, latin = plots("張三", "李四", "王五", "趙六", "錢七")["confusion"], plots("ab", "cd", "ef", "gh", "ij")["confusion"]
    assert np.abs(np.array(foreign.shape) - latin.shape).max() < 40
    below = [(255 - one[int(0.86 * len(one)) :].astype(int)).sum() for one in (foreign, latin)]
    assert 0.4 < below[0] / below[1] < 2.5
