"""What is said of a track, from looks that are made up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from models import Classifier
from stream.analysis.track_answer import TrackAnswer


@pytest.fixture(scope="module")
def model() -> Classifier:
    return Classifier.load("smile", threshold=0.5)


def row(smiling: float) -> np.ndarray:
    return np.array([1 - smiling, smiling], np.float32)


def labels(model: Classifier, looks: list[float], weights: list[float] | None = None) -> list[str]:
    answer, said = TrackAnswer(), []
    for number, smiling in enumerate(looks):
        answer.add(row(smiling), weights[number] if weights else 1.0, model, None)
        verdict = answer.verdict(model, None)
        assert verdict is not None
        assert verdict.probability == verdict.probabilities[verdict.label]
        said.append(verdict.label)
    return said


def changes(said: list[str]) -> int:
    return sum(one != other for one, other in pairwise(said))


def test_nobody_has_looked_yet(model: Classifier) -> None:
    assert TrackAnswer().verdict(model, None) is None
    assert TrackAnswer().due(0.0, 50.0, 0.5)


def test_one_bad_look_changes_nothing(model: Classifier) -> None:
    assert changes(labels(model, [0.9, 0.85, 0.1, 0.9, 0.88])) == 0


def test_answers_around_the_threshold_do_not_flicker(model: Classifier) -> None:
    for seed in range(20):
        looks = np.clip(np.random.default_rng(seed).normal(0.5, 0.15, 40), 0, 1).tolist()  # 20 s at two looks a second
        assert changes(labels(model, looks)) <= 3


def test_who_begins_to_smile_is_told_within_a_few_looks(model: Classifier) -> None:
    said = labels(model, [0.1] * 20 + [0.95] * 8)
    assert said[19] == model.classes[0]
    assert said[-1] == model.classes[1]
    assert changes(said) == 1


def test_a_good_look_counts_for_more(model: Classifier) -> None:
    assert labels(model, [0.8, 0.3, 0.3, 0.3], [1.0, 0.1, 0.1, 0.1])[-1] == model.classes[1]


def test_a_sure_answer_is_asked_for_more_seldom_than_a_doubtful_one(model: Classifier) -> None:
    def asked(smiling: list[float], every_s: float = 0.5) -> int:
        answer, count = TrackAnswer(), 0
        for tick in range(250):  # ten seconds
            if answer.due(tick / 25, 50.0, every_s):
                answer.asked(tick / 25, 50.0)
                answer.add(row(smiling[count % len(smiling)]), 1.0, model, None)
                count += 1
        return count

    assert asked([0.98]) <= 8
    assert asked([0.45, 0.6]) == pytest.approx(20, abs=1)
    assert asked([0.98], every_s=0) == 250


def test_a_face_that_has_grown_is_looked_at_again(model: Classifier) -> None:
    answer = TrackAnswer()
    answer.asked(0.0, 40.0)
    answer.add(row(0.9), 1.0, model, None)
    assert not answer.due(0.3, 45.0, 0.5)
    assert answer.due(0.3, 60.0, 0.5)


def test_certainty_grows_with_looks_that_agree(model: Classifier) -> None:
    answer, seen = TrackAnswer(), []
    for _ in range(6):
        answer.add(row(0.7), 1.0, model, None)
        seen.append(answer.certainty)
    assert seen == sorted(seen)
    assert 0.8 < seen[0] < seen[-1] <= 1


def test_who_hides_others_is_told_what_the_newest_look_says_and_looks_as_often_as_is_asked_for(model: Classifier) -> None:
    answer = TrackAnswer()
    for _ in range(20):
        answer.asked(0.0, 50.0)
        answer.add(row(0.02), 1.0, model, None)
    assert answer.newest == model.classes[0]
    assert not answer.due(1.0, 50.0, 0.5)
    assert answer.due(0.5, 50.0, 0.5, rarer=False)
    answer.add(row(0.95), 1.0, model, None)
    verdict = answer.verdict(model, None)
    assert verdict is not None
    assert (verdict.label, answer.newest) == (model.classes[0], model.classes[1])
