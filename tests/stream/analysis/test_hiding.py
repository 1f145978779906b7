"""Who must not be seen is seen in no frame: before a face is found, after it is lost, where it is weak, where nobody looked."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from models.detection.detections import Detections
from models.detection.detector import Detector, load_detector
from stream.analysis.heads import head as head_area
from stream.analysis.veils import Veils
from stream.analysis.whom import Whom
from stream.errors import SettingsError
from stream.faces import Analysis, Face, Person
from stream.frame import Frame
from stream.media import av
from stream.settings.loading import load_settings
from stream.settings.schema import HideSettings, Settings
from stream.sources.pyav_frame import frame_of
from tests.moving_faces import Actor, Film, at_rate, followed, head

HIDE = HideSettings(style="fill", hold_s=0.41)
BOX = np.array([100, 80, 160, 160], np.float32)
POINTS = np.array([[118, 110], [142, 110], [130, 125], [120, 140], [140, 140]], np.float32)
NOBODY = Detections.none()


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector()


def found(*boxes: np.ndarray, score: float = 1.0) -> Detections:
    points = np.stack([POINTS + (box[:2] - BOX[:2]) for box in boxes])
    return Detections(np.stack(boxes), np.full(len(boxes), score, np.float32), points.astype(np.float32))


def veiled(times: list[float], finds: list[Detections], *, live: bool = False, pictures: list[np.ndarray] | None = None) -> list[Analysis]:
    """What is hidden in each frame, in order."""
    veils, out = Veils(live=live), []
    pictures = pictures or [np.full((240, 320, 3), 90, np.uint8)] * len(times)
    for index, (time_s, detections) in enumerate(zip(times, finds, strict=True)):
        frame = Frame.of_image(pictures[index], source="x", captured_at=0.0, index=index, pts=round(time_s * 1000))
        object.__setattr__(frame, "time_base", frame.time_base.__class__(1, 1000))
        out += veils.add(frame, Analysis("x", index, time_s), (), detections, HIDE)
        if live:
            assert len(out) == index + 1, "a camera's picture does not wait"
    out += veils.rest()
    assert [one.frame.index for one in out] == list(range(len(times))), "each frame once, in order"
    return [one.hidden for one in out]


def covers(analysis: Analysis, box: np.ndarray = BOX) -> bool:
    """Whether all of a box is."""
    assert analysis.hidden is not None
    return any((area[:2] <= box[:2]).all() and (area[2:] >= box[2:]).all() for area in analysis.hidden.areas)


def test_a_file_is_covered_before_the_first_find_and_after_the_last() -> None:
    times = [index / 10 for index in range(20)]
    told = veiled(times, [found(BOX) if 8 <= index <= 11 else NOBODY for index in range(20)])
    assert [covers(one) for one in told] == [4 <= index <= 15 for index in range(20)]  # hold_s is .41


def test_a_camera_is_covered_from_the_first_find_on() -> None:
    times = [index / 10 for index in range(20)]
    told = veiled(times, [found(BOX) if 8 <= index <= 11 else NOBODY for index in range(20)], live=True)
    assert [covers(one) for one in told] == [8 <= index <= 15 for index in range(20)]


def test_what_nobody_sees_grows() -> None:
    told = veiled([index / 10 for index in range(10)], [found(BOX), *[NOBODY] * 9], live=True)
    widths = [float(one.hidden.areas[0][2] - one.hidden.areas[0][0]) for one in told[:5] if one.hidden]
    assert widths == sorted(widths)
    assert widths[4] > 1.3 * widths[0]


def test_between_two_finds_it_is_covered_on_its_way() -> None:
    shift = np.array([6, 0, 6, 0], np.float32)  # px a frame
    finds = [found(BOX + index * shift) if index < 5 or index > 8 else NOBODY for index in range(14)]
    told = veiled([index / 25 for index in range(14)], finds)
    assert all(covers(one, BOX + index * shift) for index, one in enumerate(told))


def test_one_face_keeps_its_key() -> None:
    shift = np.array([4, 0, 4, 0], np.float32)
    told = veiled([index / 25 for index in range(10)], [found(BOX + index * shift) for index in range(10)], live=True)
    (keys,) = {one.hidden.keys for one in told if one.hidden}
    (others,) = {one.hidden.keys for one in veiled([0.0], [found(BOX)]) if one.hidden}
    assert len(keys) == len(others) == 1
    assert keys != others, "nor does any other face of a run share it: the noise of one says nothing of another's"


def test_a_weak_find_is_covered_and_held_less_long_until_there_are_more_of_it() -> None:
    times = [index / 10 for index in range(20)]
    once = veiled(times, [found(BOX, score=0.5) if index == 8 else NOBODY for index in range(20)])
    assert [covers(one) for one in once] == [6 <= index <= 10 for index in range(20)]  # half of it
    often = veiled(times, [found(BOX, score=0.5) if 8 <= index <= 11 else NOBODY for index in range(20)])
    assert [covers(one) for one in often] == [4 <= index <= 15 for index in range(20)]


def test_nothing_is_held_over_a_cut() -> None:
    one, other = np.full((240, 320, 3), 90, np.uint8), np.zeros((240, 320, 3), np.uint8)
    other[:, ::40] = other[:, 1::40] = other[120:, 160:] = 255
    told = veiled([0.0, 0.1, 0.2, 0.3], [found(BOX), found(BOX), NOBODY, NOBODY], pictures=[one, one, other, other])
    assert [covers(analysis) for analysis in told] == [True, True, False, False]


@pytest.mark.parametrize("lasts", [1, 3])
def test_what_passes_before_the_camera_is_no_cut(lasts: int) -> None:
    one, other = np.full((240, 320, 3), 90, np.uint8), np.zeros((240, 320, 3), np.uint8)
    one[::30] = one[1::30] = other[:, ::40] = other[:, 1::40] = other[120:, 160:] = 255
    passes = range(3, 3 + lasts)
    pictures = [other if index in passes else one for index in range(12)]
    shift = np.array([6, 0, 6, 0], np.float32)
    finds = [found(BOX + index * shift) if index < 3 or index > 7 else NOBODY for index in range(12)]
    told = veiled([index / 25 for index in range(12)], finds, pictures=pictures)
    assert all(covers(analysis, BOX + index * shift) for index, analysis in enumerate(told))
    gone = veiled([index / 10 for index in range(12)], [found(BOX)] * 3 + [NOBODY] * 9, pictures=pictures)
    assert [covers(analysis) for analysis in gone[3 + lasts :]] == [index <= 6 for index in range(3 + lasts, 12)]


def test_nor_is_light_that_goes_on_and_off() -> None:
    one, other = np.full((240, 320, 3), 90, np.uint8), np.zeros((240, 320, 3), np.uint8)
    one[::30] = one[1::30] = other[:, ::40] = other[:, 1::40] = other[120:, 160:] = 255
    pictures = [other if index % 2 else one for index in range(12)]
    told = veiled([index / 25 for index in range(12)], [found(BOX)] * 4 + [NOBODY] * 8, pictures=pictures)
    assert all(covers(analysis) for analysis in told)


def test_a_camera_knows_no_cuts() -> None:
    one, other = np.full((240, 320, 3), 90, np.uint8), np.zeros((240, 320, 3), np.uint8)
    other[:, ::40] = other[:, 1::40] = other[120:, 160:] = 255
    told = veiled([0.0, 0.1, 0.2, 0.3], [found(BOX), found(BOX), NOBODY, NOBODY], pictures=[one, one, other, other], live=True)
    assert all(covers(analysis) for analysis in told)


@pytest.mark.parametrize("live", [False, True])
def test_a_long_pause_of_the_clock_holds_no_place_for_ever(live: bool) -> None:
    told = veiled([0.0, 5.0, 5.1], [found(BOX), NOBODY, NOBODY], live=live)
    assert [covers(one) for one in told] == [True, False, False]


def test_a_head_is_more_than_its_face_and_in_profile_it_goes_on_behind() -> None:
    ahead = head_area(BOX, POINTS, 1.0)
    assert ahead[0] < 90
    assert ahead[1] < 50
    assert ahead[3] > 175
    left = POINTS.copy()
    left[2, 0] = 112  # the nose is left of both eyes' middle: the back of the head is right
    assert head_area(BOX, left, 1.0)[2] > ahead[2] + 10
    assert head_area(BOX, POINTS, 2.0)[0] < ahead[0]


def face(label: str | None = None, person: Person | None = None, *labels: str) -> Face:
    return Face(BOX, 0.9, POINTS, label=label, probabilities=dict.fromkeys(labels, 0.5), person=person)


def test_whoever_is_not_decided_is_hidden() -> None:
    ada, bo, stranger = (Person(name, 1.0, 3) for name in ("Ada", "Bo", None))
    for whom, hidden in (
        ("everybody", [True, True, True, True]),
        ("unknown", [False, False, True, True]),
        ("known", [True, True, False, True]),
        ("Ada", [True, False, False, True]),
        (("Ada", "Bo"), [True, True, False, True]),
    ):
        assert [Whom.of(whom).hides(face(person=one), ("Ada", "Bo")) for one in (ada, bo, stranger, None)] == hidden, whom
        assert all(Whom.of(whom).hides(face(person=replace(one, doubted=True)), ("Ada", "Bo")) for one in (ada, bo, stranger)), whom
    mask = Whom.of("mask=without_mask")
    labels = ("with_mask", "without_mask")
    assert [mask.hides(face(one, None, *labels), ()) for one in ("with_mask", "without_mask", "uncertain")] == [False, True, True]
    assert mask.hides(face(None), ())
    assert mask.hides(replace(face("with_mask", None, *labels), newest_label="without_mask"), ())


@pytest.mark.parametrize("unseen_s", [0.0, 0.1])
def test_only_a_shown_face_that_is_seen_keeps_its_place_free(unseen_s: float) -> None:
    frame = Frame.of_image(np.full((240, 320, 3), 90, np.uint8), source="x", captured_at=0.0)
    ada = replace(face(person=Person("Ada", 5.0, 3)), unseen_s=unseen_s)
    (one,) = Veils(live=True).add(frame, Analysis("x", 0, 0.0, (ada,)), (ada,), found(BOX, score=0.4), HIDE)
    assert covers(one.hidden) == (unseen_s > 0)
    assert not one.hidden.faces[0].hidden


@pytest.mark.parametrize("live", [False, True])
def test_a_face_that_comes_and_goes_is_in_no_frame(detector: Detector, portrait: np.ndarray, live: bool) -> None:
    def place(time_s: float) -> tuple[float, float, float] | None:
        return (120 + 90 * time_s, 180, 90) if 0.5 <= time_s <= 2.2 else None

    frames = Film([Actor(head(portrait, "hopper"), place)]).frames(at_rate(3.0))
    told = followed(frames, detector, "hide.style=blur", live=live)
    for frame, analysis in zip(frames, told, strict=True):
        if (there := place(frame.time_s)) is not None:
            x, y, wide = there
            assert covers(analysis, np.array([x - wide / 4, y - wide / 3, x + wide / 4, y + wide / 3])), frame.index
            assert all(one.hidden for one in analysis.faces)
    assert sum(bool(analysis.hidden and len(analysis.hidden.areas)) for analysis in told) < 0.95 * len(told), "and not all the time"


def test_a_face_that_comes_back_is_told_of_at_once(detector: Detector, portrait: np.ndarray) -> None:
    def place(time_s: float) -> tuple[float, float, float] | None:
        return None if 1.0 <= time_s < 1.3 else (200, 180, 90)

    frames = Film([Actor(head(portrait, "hopper"), place)]).frames(at_rate(1.8))
    told = followed(frames, detector, "hide.style=blur")
    assert [bool(analysis.faces) for analysis in told][-10:] == [True] * 10
    assert {face.track for analysis in told for face in analysis.faces} == {1}


def test_a_frame_that_nobody_looks_at_is_hidden_whole(detector: Detector, portrait: np.ndarray) -> None:
    frames = Film([Actor(head(portrait, "hopper"), lambda _: (200, 180, 90))]).frames(at_rate(0.4))
    told = followed(frames, detector, "hide.style=blur", "detector.enabled=false")
    assert all(analysis.hidden is not None and analysis.hidden.whole for analysis in told)


class _Broken:
    """A detector that finds one face nowhere."""

    name, candidates_dropped = "broken", 0

    def detect(self, images: Sequence[np.ndarray], min_face_px: object = None, *, weak: bool = False) -> list[Detections]:
        del min_face_px, weak
        return [found(np.full(4, np.nan, np.float32)) for _ in images]

    def refine(self, image: np.ndarray, boxes: np.ndarray) -> Detections:
        raise AssertionError("nothing is followed")


@pytest.mark.parametrize("live", [False, True])
def test_where_a_face_is_nowhere_all_is_hidden(portrait: np.ndarray, live: bool) -> None:
    frames = Film([Actor(head(portrait, "hopper"), lambda _: (200, 180, 90))]).frames(at_rate(0.2))
    told = followed(frames, _Broken(), "hide.style=blur", live=live)  # type: ignore[arg-type]
    assert all(analysis.hidden is not None and analysis.hidden.whole for analysis in told)


def test_of_large_frames_that_are_held_only_the_decoders_own_pictures_stay() -> None:
    seen: list[weakref.ref[np.ndarray]] = []

    class Seeing(_Broken):
        def detect(self, images: Sequence[np.ndarray], min_face_px: object = None, *, weak: bool = False) -> list[Detections]:
            seen.extend(weakref.ref(image) for image in images)
            return [NOBODY for _ in images]

    picture = av.VideoFrame.from_ndarray(np.full((960, 1280, 3), 90, np.uint8), format="rgb24").reformat(format="yuv420p")
    made = {"source": "film", "time_base": Fraction(1, 25), "captured_at": 0.0}
    frames = [frame_of(picture, (0, False), index=index, pts=index, **made) for index in range(12)]  # type: ignore[arg-type]
    followed(frames, Seeing(), "hide.style=blur")  # type: ignore[arg-type]
    assert len(seen) == 12
    assert not any(one() is not None for one in seen)
    assert frames[0].image.shape == (960, 1280, 3), "and it is made again where it is wanted"


def test_nothing_is_hidden_by_default(detector: Detector, portrait: np.ndarray) -> None:
    frames = Film([Actor(head(portrait, "hopper"), lambda _: (200, 180, 90))]).frames(at_rate(0.4))
    assert all(analysis.hidden is None for analysis in followed(frames, detector))
    assert not Settings().hide.on


def test_what_cannot_be_is_refused() -> None:
    for wrong in ("hide.style=smear", "hide.margin=0", "hide.hold_s=-1", "hide.shape=star"):
        with pytest.raises(SettingsError):
            load_settings(overrides=[wrong])


def test_hidden_areas_scale_with_their_picture() -> None:
    analysis = veiled([0.0], [found(BOX)])[0]
    assert analysis.hidden is not None
    half = replace(analysis.hidden).scaled(0.5, 0.25)
    assert np.allclose(half.areas, analysis.hidden.areas * [0.5, 0.25, 0.5, 0.25])
