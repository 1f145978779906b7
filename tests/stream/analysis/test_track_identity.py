"""When a track gets a name, keeps it, and loses it: looks whose scores are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from stream.analysis.track_identity import KEPT, TrackIdentity


class People:
    """A gallery for which a vector holds its own scores, in its first numbers."""

    def __init__(self, *names: str, threshold: float = 2.0) -> None:
        self.names = names
        self.thresholds = np.full(len(names), threshold, np.float32)

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        return vectors[:, : len(self.names)]


ADA_AND_BOB = People("Ada", "Bob")


def look(identity: TrackIdentity, people: People, *scores: float) -> str:
    """After one look more: undecided, unknown or a name."""
    vector = np.zeros(128, np.float32)
    vector[: len(scores)] = scores
    identity.add(vector, people.scores(vector[None])[0], people)
    return told(identity, people)


def told(identity: TrackIdentity, people: People) -> str:
    person = identity.person(people)
    return "undecided" if person is None else person.name or "unknown"


def after(looks: Sequence[tuple[float, ...]], people: People = ADA_AND_BOB) -> list[str]:
    identity = TrackIdentity()
    return [look(identity, people, *scores) for scores in looks]


def test_a_name_takes_two_good_looks_or_one_that_leaves_no_doubt() -> None:
    assert after([(2.5, -0.5), (2.5, -0.5)]) == ["undecided", "Ada"]
    assert after([(3.5, -0.5)]) == ["Ada"]
    assert after([(2.5, -0.5), (0, -0.5), (2.5, -0.5)]) == ["undecided", "undecided", "Ada"]


def test_nobody_takes_two_looks_and_three_where_somebody_is_near() -> None:
    assert after([(0.5, 0)] * 2) == ["undecided", "unknown"]
    assert after([(1.5, 0)] * 3) == ["undecided", "undecided", "unknown"]


def test_one_look_is_enough_where_there_will_be_no_other() -> None:
    for scores, name in (((2.05, -0.5), "Ada"), ((1.95, -0.5), "unknown")):
        assert look(TrackIdentity(one_look=True), ADA_AND_BOB, *scores) == name


def test_a_stranger_with_one_lucky_look_in_three_stays_one() -> None:
    assert after([(0.5, 0.5), (2.75, 0.5), (0.5, 2.75)] * 8)[2:] == ["unknown"] * 22


def test_a_name_near_its_threshold_does_not_flicker() -> None:
    said = after([(2.3, -0.5), (2.3, -0.5), *[(1.75, -0.5), (2.15, -0.5), (1.6, -0.5)] * 12])
    assert said == ["undecided", *["Ada"] * 37]


def test_a_name_is_taken_away_where_the_median_leaves_its_threshold() -> None:
    said = after([(2.25, -0.5)] * 4 + [(1, -0.5)] * 8)
    assert said[:8] == ["undecided", *["Ada"] * 7]
    assert said[8:] == ["unknown"] * 4


def test_somebody_else_on_the_same_track_is_named_after_three_looks_and_a_stranger_is_unknown_after_five() -> None:
    assert after([(4.5, -0.5)] * 20 + [(-0.5, 4.5)] * 3)[-3:] == ["Ada", "Ada", "Bob"]
    assert after([(4.5, -0.5)] * 20 + [(-1, -0.5)] * 5)[-5:] == ["Ada"] * 4 + ["unknown"]
    assert after([(4.5, -0.5)] * 20 + [(-1, -0.5)] * 4 + [(4.5, -0.5)] * 5)[20:] == ["Ada"] * 9, (
        "who turned away for a moment is still there"
    )


def test_a_name_that_another_face_has_takes_one_look_more() -> None:
    first, second = TrackIdentity(), TrackIdentity()
    look(first, ADA_AND_BOB, 4.5, -0.5)
    said = []
    for _ in range(3):
        vector = np.zeros(128, np.float32)
        vector[:2] = 4.5, -0.5
        second.add(vector, vector[:2], ADA_AND_BOB, {first.name or ""})
        said.append(told(second, ADA_AND_BOB))
    assert said == ["undecided", "undecided", "Ada"]
    assert told(first, ADA_AND_BOB) == "Ada", "there are mirrors, and screens"


def test_the_newest_looks_count() -> None:
    identity = TrackIdentity()
    for _ in range(100):
        look(identity, ADA_AND_BOB, 2.5, -0.5)
    person = identity.person(ADA_AND_BOB)
    assert person is not None
    assert (person.looks, person.score) == (KEPT, 2.5)


def test_a_denied_name_is_not_given_again_and_the_next_best_may_be() -> None:
    identity = TrackIdentity()
    for _ in range(4):
        look(identity, ADA_AND_BOB, 4.5, 2.5)
    identity.deny("Ada")
    assert told(identity, ADA_AND_BOB) == "Bob"
    identity.deny("Bob")
    assert told(identity, ADA_AND_BOB) == "unknown"
    assert look(identity, ADA_AND_BOB, 6.5, 6.5) == "unknown"


def test_people_who_come_and_go_are_told_of_without_a_new_look() -> None:
    identity = TrackIdentity()
    for _ in range(4):
        look(identity, ADA_AND_BOB, 3, -0.5)
    assert told(identity, People()) == "unknown"
    assert told(identity, ADA_AND_BOB) == "Ada"
    assert told(identity, People("Ada", "Bob", threshold=3.5)) == "unknown"


def test_nothing_is_decided_before_anybody_has_looked() -> None:
    assert TrackIdentity().person(ADA_AND_BOB) is None


def gaps(*looks: tuple[float, float]) -> np.ndarray:
    """Between such looks, where one a second is asked for."""
    identity = TrackIdentity()
    times = [0.0]
    assert identity.due(0.0, 1.0)
    for scores in looks:
        identity.asked(times[-1])
        look(identity, ADA_AND_BOB, *scores)
        now = times[-1]
        while not identity.due(now, 1.0):
            now += 0.01
        times.append(now)
    return np.diff(times)


def test_it_is_looked_at_sooner_while_it_is_open_or_seems_to_be_another_and_seldom_where_there_is_no_doubt() -> None:
    assert gaps(*[(2.5, -0.5)] * 5) == pytest.approx([0.5, 1, 1, 1, 1], abs=0.02)
    assert gaps(*[(4.5, -0.5)] * 5, (-0.5, -0.5)) == pytest.approx([0.5, 2, 4, 4, 4, 0.5], abs=0.02)
    assert gaps(*[(-0.5, -0.5)] * 5) == pytest.approx([0.5, 2, 4, 4, 4], abs=0.02)


def test_who_hides_others_is_told_at_once_that_a_track_may_have_gone_on_with_another_face() -> None:
    def doubted(*looks: tuple[float, float]) -> list[bool | None]:
        identity, out = TrackIdentity(), list[bool | None]()
        for scores in looks:
            look(identity, ADA_AND_BOB, *scores)
            person = identity.person(ADA_AND_BOB)
            out.append(person.doubted if person else None)
        return out

    ada, weak, bob, stranger = (4.0, -0.5), (1.2, -0.5), (-0.5, 4.0), (-0.5, -0.5)
    assert doubted(ada, ada, weak, ada) == [False] * 4
    assert doubted(ada, ada, ada, stranger, ada) == [False, False, False, True, False]
    assert doubted(ada, ada, ada, bob, bob, bob)[3:] == [True, True, False]
    assert doubted(stranger, stranger, stranger, ada, stranger)[1:] == [False, False, True, False]


def test_who_hides_others_looks_as_often_as_is_asked_for() -> None:
    identity = TrackIdentity()
    for _ in range(5):
        identity.asked(0.0)
        look(identity, ADA_AND_BOB, 4.5, -0.5)
    assert not identity.due(2.0, 1.0)
    assert identity.due(1.0, 1.0, rarer=False)


def test_a_look_that_showed_too_little_is_followed_by_another_soon() -> None:
    identity = TrackIdentity()
    identity.asked(0.0)
    assert not identity.due(0.15, 1.0)
    assert identity.due(0.21, 1.0)
    assert identity.due(-5.0, 1.0), "time ran back"
