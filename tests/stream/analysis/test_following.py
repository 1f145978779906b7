"""Faces followed over time, on films whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from models import Classifier
from models.detection.detections import Detections
from models.detection.mtcnn import MTCNN
from stream.analysis.analyser import Analyser
from stream.frame import Frame, SourceInfo
from stream.settings.loading import load_settings
from tests.moving_faces import Actor, Counting, Film, at_rate, face_at, followed, head, overlap

Place = Callable[[float], tuple[float, float, float] | None]


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.fixture(scope="module")
def hopper(portrait: np.ndarray) -> Callable[[Place], Actor]:
    return lambda place: Actor(head(portrait, "hopper"), place)


@pytest.fixture(scope="module")
def astronaut_head(astronaut: np.ndarray) -> Callable[[Place], Actor]:
    return lambda place: Actor(head(astronaut, "astronaut"), place)


def sway(time_s: float) -> tuple[float, float, float]:
    return 240 + 120 * np.sin(time_s * 2), 180 + 40 * np.sin(time_s * 3), 110


def test_a_face_is_found_in_every_frame_with_few_searches(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    counting, times = Counting(detector), at_rate(4)
    analyses = followed(Film([hopper(sway)]).frames(times), counting)
    assert [[face.track for face in analysis.faces] for analysis in analyses] == [[1]] * 100
    for analysis, time_s in zip(analyses, times, strict=True):
        assert face_at(analysis, sway(time_s)) is not None
    assert sum(counting.searches) <= 11, "every half second"
    assert {face.state for analysis in analyses for face in analysis.faces} == {"found", "checked"}
    assert [analysis.faces[0].age_s for analysis in analyses] == pytest.approx(times)


def test_where_nothing_changes_the_picture_is_searched_once_a_second_and_whoever_comes_is_found(
    detector: MTCNN, hopper: Callable[[Place], Actor], astronaut_head: Callable[[Place], Actor]
) -> None:
    sits: Place = lambda time_s: (120, 180, 100 + 2 * np.sin(time_s))  # noqa: E731
    comes: Place = lambda time_s: (360, 180, 100) if time_s >= 3.3 else None  # noqa: E731
    for live in (False, True):
        counting = Counting(detector)
        film = Film([hopper(sits), astronaut_head(comes)])
        analyses = followed(film.frames(at_rate(3.2)), counting, live=live)
        assert sum(counting.searches) <= 4
        analyses = followed(film.frames(at_rate(5)), detector, live=live)
        seen = next(analysis.time_s for analysis in analyses if len(analysis.faces) == 2)
        assert seen == pytest.approx(3.32, abs=0.25 + 1e-3 if live else 1e-3)


def test_its_boxes_are_those_of_a_search_of_every_frame(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    frames = Film([hopper(sway)]).frames(at_rate(2))
    whole = followed(frames, detector, "tracker.search_every_s=0")
    for one, other in zip(followed(frames, detector), whole, strict=True):
        assert overlap(one.faces[0].box, other.faces[0].box) > 0.75
        assert np.linalg.norm(one.faces[0].landmarks - other.faces[0].landmarks, axis=1).max() < 12


@pytest.mark.parametrize("live", [False, True])
def test_a_live_face_waits_a_quarter_of_a_second_at_most_and_one_in_a_file_not_at_all(
    detector: MTCNN, hopper: Callable[[Place], Actor], live: bool
) -> None:
    times = at_rate(2, 30)
    for begin_s in (0.5, 0.77, 0.93):
        film = Film([hopper(lambda time_s, begin_s=begin_s: sway(time_s) if time_s >= begin_s else None)])
        analyses = followed(film.frames(times), detector, live=live)
        first = next(analysis.time_s for analysis in analyses if analysis.faces)
        there = next(time_s for time_s in times if time_s >= begin_s)
        assert first == pytest.approx(there, abs=0.25 + 1e-3 if live else 1e-3)
        assert all(analysis.faces for analysis in analyses if analysis.time_s >= first)


def test_what_one_frame_alone_shows_is_no_face_in_a_file(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    flash = Film([hopper(lambda time_s: (240, 180, 110) if abs(time_s - 0.48) < 0.01 else None)])
    frames = flash.frames(at_rate(2))
    assert sum(len(analysis.faces) for analysis in followed(frames, detector, "tracker.search_every_s=0")) == 1
    assert not any(analysis.faces for analysis in followed(frames, detector, "tracker.search_every_s=0.02"))
    assert sum(len(one.faces) for one in followed(frames, detector, "tracker.search_every_s=0.02", "tracker.confirm=[1, 1]")) == 1


def test_a_film_of_one_frame_shows_its_face(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    (analysis,) = followed(Film([hopper(sway)]).frames([0.0]), detector)
    assert len(analysis.faces) == 1


def test_a_face_hidden_for_a_moment_is_drawn_all_the_same_in_a_file(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    film = Film([hopper(lambda time_s: None if 1 <= time_s < 1.4 else sway(time_s))])
    analyses = followed(film.frames(at_rate(3)), detector)
    hidden = [analysis for analysis in analyses if 1 <= analysis.time_s < 1.4]
    assert len(hidden) == 10
    for analysis in hidden:
        (face,) = analysis.faces
        assert (face.state, face.track) == ("predicted", 1)
        assert face.unseen_s == pytest.approx(analysis.time_s - 0.96, abs=1e-3)
        assert face_at(analysis, sway(analysis.time_s)) is face
    assert {face.track for analysis in analyses for face in analysis.faces} == {1}


def test_a_live_face_that_goes_is_predicted_for_half_a_second_and_forgotten_after_one(
    detector: MTCNN, hopper: Callable[[Place], Actor]
) -> None:
    film = Film([hopper(lambda time_s: sway(time_s) if time_s < 1 or time_s >= 2.5 else None)])
    analyses = followed(film.frames(at_rate(3.5)), detector, live=True)
    states = {analysis.time_s: [face.state for face in analysis.faces] for analysis in analyses}
    assert states[1.2] == ["predicted"]
    assert states[1.6] == []
    assert analyses[-1].faces[0].track == 2, "it was gone for longer than tracker.forget_after_s"
    shown = analyses[20].at(analyses[20].time_s + 0.7)
    assert [face.state for face in shown.faces] == ["predicted"]
    assert analyses[20].at(analyses[20].time_s + 1.1).faces == ()


def test_two_who_cross_keep_their_numbers(
    detector: MTCNN, hopper: Callable[[Place], Actor], astronaut_head: Callable[[Place], Actor]
) -> None:
    left: Place = lambda time_s: (80 + 80 * time_s, 110, 90)  # noqa: E731
    right: Place = lambda time_s: (400 - 80 * time_s, 250, 90)  # noqa: E731
    analyses = followed(Film([hopper(left), astronaut_head(right)]).frames(at_rate(4)), detector)
    for place in (left, right):
        numbers = {face.track for one in analyses if (face := face_at(one, place(one.time_s) or (0, 0, 0))) is not None}
        assert len(numbers) == 1
    assert all(len(analysis.faces) == 2 for analysis in analyses)


def test_faces_leave_at_the_edge_and_nothing_stays_behind(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    walk: Place = lambda time_s: (240 + 160 * time_s, 180, 110)  # noqa: E731
    analyses = followed(Film([hopper(walk)]).frames(at_rate(4)), detector)
    assert analyses[0].faces
    assert analyses[25].faces
    assert not any(analysis.faces for analysis in analyses if analysis.time_s > 2.2)
    assert np.isfinite([face.box for analysis in analyses for face in analysis.faces]).all()


def test_after_a_cut_nobody_goes_on_and_everybody_is_found_at_once(
    detector: MTCNN, hopper: Callable[[Place], Actor], astronaut_head: Callable[[Place], Actor]
) -> None:
    def in_turn(number: int) -> Place:
        return lambda time_s: (150 + 180 * number, 180, 120) if int(time_s) % 2 == number else None

    film = Film([hopper(in_turn(0)), astronaut_head(in_turn(1))], wall=lambda time_s: 60 + 90 * (int(time_s) % 2))
    scenes = Film(film.actors, wall=film.wall)
    frames = scenes.frames(at_rate(4))
    for analysis in followed(frames, detector):
        scene = int(analysis.time_s)
        assert [face.track for face in analysis.faces] == [scene + 1]
        assert face_at(analysis, (150 + 180 * (scene % 2), 180, 120)) is not None


def test_a_flash_is_no_cut(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    frames = Film([hopper(sway)]).frames(at_rate(2))
    lit = np.clip(frames[26].image.astype(int) + 70, 0, 255).astype(np.uint8)
    old = frames[26]
    frames[26] = Frame.of_image(lit, source="film", captured_at=0.0, index=26, pts=old.pts, time_base=old.time_base)
    assert {face.track for analysis in followed(frames, detector) for face in analysis.faces} == {1}


def test_the_model_is_asked_seldom_and_its_answer_stays(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    calls: list[int] = []

    class Asked(Classifier):
        def classify(self, crops: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
            calls.append(len(crops))
            return super().classify(crops, scores)

    analyses = followed(Film([hopper(sway)]).frames(at_rate(4)), detector, model=Asked.load("smile"))
    assert 3 <= sum(calls) <= 10
    labels = [face.label for analysis in analyses for face in analysis.faces]
    assert len(labels) == 100
    assert len(set(labels)) == 1
    assert all(0.5 <= (face.certainty or 0) <= 1 for analysis in analyses for face in analysis.faces)


def test_checks_of_several_cameras_are_one_call(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    counting = Counting(detector)
    analyser, settings = Analyser(counting, None), load_settings(None, [])
    managers = [analyser.follow(SourceInfo(f"camera {number}", live=True), settings) for number in range(4)]
    films = [Film([hopper(sway)]).frames(at_rate(1, 15), name=f"camera {number}") for number in range(4)]
    for frames in zip(*films, strict=True):
        for analysis in analyser.look(frames, managers):
            assert len(analysis.faces) == 1
    assert max(counting.checks) == 4
    assert len(counting.checks) <= 15 + 2, "one for each round"
    assert counting.searches[0] == 4, "at first all of them"
    assert max(counting.searches[1:]) < 4, "later not all at once"


@pytest.mark.parametrize("live", [False, True])
def test_forgetting_at_once_forgets_nobody_who_stays(detector: MTCNN, hopper: Callable[[Place], Actor], live: bool) -> None:
    analyses = followed(Film([hopper(sway)]).frames(at_rate(1)), detector, "tracker.forget_after_s=0", live=live)
    assert all(analysis.faces for analysis in analyses)
    assert analyses[3].at(analyses[3].time_s + 0.1).faces


def test_with_lower_thresholds_what_scores_low_is_followed_too(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    class Low(Counting):
        def detect(self, images, min_face_px=None):  # type: ignore[no-untyped-def]
            return [replace(found, scores=found.scores * np.float32(0.45)) for found in super().detect(images, min_face_px)]

        def check(self, images, boxes, *, around=False):  # type: ignore[no-untyped-def]
            return [replace(found, scores=found.scores * np.float32(0.45)) for found in super().check(images, boxes, around=around)]

    frames = Film([hopper(sway)]).frames(at_rate(2))
    assert all(analysis.faces for analysis in followed(frames, Low(detector), "detector.preset=wider"))
    assert not any(analysis.faces for analysis in followed(frames, Low(detector))), "where .7 was asked for .45 is no face"


@pytest.mark.parametrize("count", [1, 2, 30])
def test_what_the_model_calls_no_face_is_told_in_no_scene_however_short(
    detector: MTCNN, hopper: Callable[[Place], Actor], count: int
) -> None:
    frames = Film([hopper(sway)]).frames(at_rate(count / 25))
    no_face = Classifier.load("face", threshold=1.0)
    assert not any(analysis.faces for analysis in followed(frames, detector, model=no_face))
    told = followed(frames, detector, "classifier.keep_dropped=true", model=no_face)
    assert [[face.label for face in analysis.faces] for analysis in told] == [["not face"]] * count


def test_boxes_that_are_none_end_nothing(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    class Broken(Counting):
        def detect(self, images, min_face_px=None):  # type: ignore[no-untyped-def]
            odd = np.array([[np.nan] * 4, [-3e5, -3e5, 3e5, 3e5], [9, 9, 5, 5]], np.float32)
            more = Detections(odd, np.full(3, 0.99, np.float32), np.zeros((3, 5, 2), np.float32))
            return [Detections.joined([more, found]) for found in super().detect(images, min_face_px)]

    analyses = followed(Film([hopper(sway)]).frames(at_rate(1)), Broken(detector))
    assert [len(analysis.faces) for analysis in analyses] == [1] * 25


def test_another_threshold_counts_at_once(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    analyser = Analyser(detector, Classifier.load("smile"))
    manager = analyser.follow(SourceInfo("camera", live=True), load_settings(None, ["classifier.threshold=0.0"]))
    said = []
    for number, frame in enumerate(Film([hopper(sway)]).frames(at_rate(1))):
        if number == 12:
            manager.settings = load_settings(None, ["classifier.threshold=1.0"])
        (analysis,) = analyser.look([frame], [manager])
        said.append(analysis.faces[0].label)
    assert len(set(said[:12])) == len(set(said[12:])) == 1
    assert said[11] != said[12]


def test_a_face_may_be_uncertain_until_enough_looks_agree(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    frames, smile = Film([hopper(sway)]).frames(at_rate(2)), Classifier.load("smile")
    usual = [analysis.faces[0] for analysis in followed(frames, detector, model=smile, live=True)]
    assert "uncertain" not in {face.label for face in usual}
    strict = [analysis.faces[0] for analysis in followed(frames, detector, "classifier.uncertain_below=1.0", model=smile, live=True)]
    for one, other in zip(usual, strict, strict=True):
        assert other.label == ("uncertain" if (one.certainty or 0) < 1 else one.label)
        assert other.probabilities == one.probabilities
    assert "uncertain" in {face.label for face in strict}
