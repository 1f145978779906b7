"""Who the faces of films are, whose truth is known: real portraits, the real network, real people on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.detection.detector import Detector, load_detector
from models.people.folder import PeopleFolder
from stream.analysis.analyser import Analyser
from stream.analysis.identifier import Identifier
from stream.analysis.naming import answer_whos
from stream.analysis.requests import Who
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from tests.enrolled import COLLINS, HOPPER, enrolled
from tests.moving_faces import Actor, Film, at_rate, face_at, followed, head


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector()


@pytest.fixture(scope="module")
def people(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of the two is known."""
    return enrolled(tmp_path_factory.mktemp("known") / "people", {COLLINS: astronaut})


def settings(people: Path, *changes: str) -> Settings:
    return load_settings(None, [f"identity.people={people}", *changes])


def identifier(people: Path, *changes: str) -> Identifier:
    return Identifier.load(settings(people, *changes), people)


def collins_at(time_s: float) -> tuple[float, float, float]:
    return 120 + 20 * time_s, 150, 110


def hopper_at(time_s: float) -> tuple[float, float, float]:
    return 360 - 10 * time_s, 180, 120


@pytest.fixture(scope="module")
def film(astronaut: np.ndarray, portrait: np.ndarray) -> Film:
    return Film([Actor(head(astronaut, "astronaut"), collins_at), Actor(head(portrait, "hopper"), hopper_at)])


def told(face: Face | None) -> str | None:
    """undecided, unknown, or a name."""
    assert face is not None
    return "undecided" if face.person is None else face.person.name or "unknown"


def runs(words: list[str | None]) -> list[str | None]:
    """Without what is said again."""
    return [word for place, word in enumerate(words) if place == 0 or words[place - 1] != word]


def test_in_a_file_the_known_one_is_named_from_the_beginning_and_the_other_is_unknown(film: Film, detector: Detector, people: Path) -> None:
    times = at_rate(4)
    analyses = followed(film.frames(times), detector, f"identity.people={people}", identifier=identifier(people))
    known = [told(face_at(one, collins_at(time_s))) for one, time_s in zip(analyses, times, strict=True)]
    other = [told(face_at(one, hopper_at(time_s))) for one, time_s in zip(analyses, times, strict=True)]
    assert runs(known) == [COLLINS]
    assert runs(other)[-1] == "unknown"
    assert set(other) <= {"undecided", "unknown"}
    assert other.count("undecided") <= 5
    person = face_at(analyses[-1], collins_at(times[-1])).person
    assert person is not None
    assert person.score > 2
    assert person.looks >= 2
    assert all(one.knows_people for one in analyses)


def test_a_live_face_is_named_within_half_a_second_and_its_name_does_not_flicker(film: Film, detector: Detector, people: Path) -> None:
    times = at_rate(4)
    analyses = followed(film.frames(times), detector, f"identity.people={people}", identifier=identifier(people), live=True)
    known = [told(face_at(one, collins_at(time_s))) for one, time_s in zip(analyses, times, strict=True)]
    other = [told(face_at(one, hopper_at(time_s))) for one, time_s in zip(analyses, times, strict=True)]
    assert runs(known) in (["undecided", COLLINS], [COLLINS])
    assert known.index(COLLINS) <= 13
    assert runs(other) == ["undecided", "unknown"]
    assert other.index("unknown") <= 25


def test_every_frame_searched_names_them_too(film: Film, detector: Detector, people: Path) -> None:
    times = at_rate(1.5)
    changes = f"identity.people={people}", "tracker.search_every_s=0"
    analyses = followed(film.frames(times), detector, *changes, identifier=identifier(people))
    assert told(face_at(analyses[-1], collins_at(times[-1]))) == COLLINS
    assert told(face_at(analyses[-1], hopper_at(times[-1]))) == "unknown"


def photo_of(film: Film, analyser: Analyser, wanted: Settings, picture: np.ndarray | None = None) -> Analysis:
    frame = Frame.of_image(film.picture(0) if picture is None else picture, source="photo", captured_at=0.0)
    manager = analyser.follow(SourceInfo("photo", still=True), wanted)
    (analysis,) = analyser.look([frame], [manager])
    return analysis


def test_one_look_decides_on_a_photo(film: Film, detector: Detector, people: Path) -> None:
    analysis = photo_of(film, Analyser(detector, None, identifier(people)), settings(people))
    assert told(face_at(analysis, collins_at(0))) == COLLINS
    assert told(face_at(analysis, hopper_at(0))) == "unknown"


def test_what_shows_too_little_is_not_decided(film: Film, detector: Detector, people: Path) -> None:
    import cv2

    analyser = Analyser(detector, None, identifier(people))
    assert {told(one) for one in photo_of(film, analyser, settings(people, "identity.min_eyes_px=200")).faces} == {"undecided"}
    blurred = cv2.GaussianBlur(film.picture(0), (0, 0), 5)
    faces = photo_of(film, analyser, settings(people), blurred).faces
    assert faces
    assert {told(one) for one in faces} == {"undecided"}


def test_with_nobody_in_the_folder_everybody_is_unknown(film: Film, detector: Detector, tmp_path: Path) -> None:
    nobody = enrolled(tmp_path / "people", {})
    nobody.mkdir(mode=0o700, exist_ok=True)
    analysis = photo_of(film, Analyser(detector, None, identifier(nobody)), settings(nobody))
    assert len(analysis.faces) == 2
    assert {told(one) for one in analysis.faces} == {"unknown"}


def test_who_is_enrolled_while_it_runs_is_named_on_the_tracks_that_are_there(
    film: Film, detector: Detector, astronaut: np.ndarray, portrait: np.ndarray, tmp_path: Path
) -> None:
    people = enrolled(tmp_path / "people", {COLLINS: astronaut})
    knows = identifier(people)
    analyser = Analyser(detector, None, knows)
    manager = analyser.follow(SourceInfo("film", live=True), settings(people))
    frames = film.frames(at_rate(3))

    def look(number: int) -> tuple[str | None, str | None]:
        (analysis,) = analyser.look([frames[number]], [manager])
        return told(face_at(analysis, collins_at(number / 25))), told(face_at(analysis, hopper_at(number / 25)))

    for number in range(40):
        before = look(number)
    assert before == (COLLINS, "unknown")
    assert not knows.refresh(), "nothing has changed"
    enrolled(people, {HOPPER: portrait})
    assert knows.refresh()
    assert look(40) == (COLLINS, HOPPER), "what was seen of them before counts"
    PeopleFolder(people).remove(COLLINS)
    assert knows.refresh()
    assert look(41) == ("unknown", HOPPER)


@pytest.mark.parametrize("what", ["damaged", "gone", "open to others"])
def test_a_folder_that_can_no_longer_be_read_leaves_who_was_known(
    what: str, detector: Detector, astronaut: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people = enrolled(tmp_path / "people", {COLLINS: astronaut})
    knows = identifier(people)
    if what == "damaged":
        (file,) = people.glob("*.json")
        file.write_text("{")
    elif what == "open to others":
        people.chmod(0o755)
    else:
        people.rename(tmp_path / "elsewhere")
    assert not knows.refresh()
    assert not knows.refresh()
    assert knows.gallery.names == (COLLINS,)
    assert len(caplog.records) == 1, "told once"


def test_a_name_that_somebody_has_denied_is_not_given_to_the_track_again(film: Film, detector: Detector, people: Path) -> None:
    analyser = Analyser(detector, None, identifier(people))
    manager = analyser.follow(SourceInfo("film", live=True), settings(people))
    said = []
    for number, frame in enumerate(film.frames(at_rate(3))):
        (analysis,) = analyser.look([frame], [manager])
        face = face_at(analysis, collins_at(number / 25))
        said.append(told(face))
        if number == 30:
            assert said[-1] == COLLINS
            assert face is not None
            manager.deny(face.track, COLLINS)
            manager.deny(10**6, COLLINS)
    assert COLLINS not in said[31:]
    assert said[-1] == "unknown"


def test_a_source_may_leave_its_faces_unnamed(film: Film, detector: Detector, people: Path) -> None:
    analysis = photo_of(film, Analyser(detector, None, identifier(people)), load_settings())
    assert len(analysis.faces) == 2
    assert not analysis.knows_people
    assert {one.person for one in analysis.faces} == {None}


def test_faces_of_several_cameras_are_described_in_one_call(film: Film, detector: Detector, people: Path) -> None:
    knows = identifier(people)
    analyser = Analyser(detector, None, knows)
    managers = [analyser.follow(SourceInfo(name, live=True), settings(people)) for name in ("left", "right")]
    sizes: list[int] = []
    describe = knows.describe
    knows.describe = lambda chips: (sizes.append(len(chips)), describe(chips))[1]  # type: ignore[method-assign]
    for frame in film.frames([0.0, 0.04, 0.08]):
        analyser.look([frame, frame], managers)
    assert sizes == [4]


@pytest.mark.parametrize("turned", [0, 30])
def test_what_lies_around_a_face_describes_it_as_the_whole_picture_does(
    turned: int, detector: Detector, people: Path, astronaut: np.ndarray
) -> None:
    import cv2

    knows = identifier(people)
    turn = cv2.getRotationMatrix2D((225, 115), turned, 1.0)
    picture = cv2.warpAffine(astronaut, turn, (512, 512))
    (found,) = detector.detect([picture])
    who = Who(Frame.of_image(picture, source="photo", captured_at=0.0), found.take(np.array([0])))
    answer_whos(knows, [who])
    whole = knows.describe(knows.cut(picture, found.landmarks[:1]))
    assert np.abs(who.vectors - whole).max() < 1e-5
    assert who.gallery is knows.gallery


def test_who_is_to_be_hidden_and_is_known_no_longer_is_hidden_with_all_others(
    detector: Detector, film: Film, astronaut: np.ndarray, tmp_path: Path
) -> None:
    people = enrolled(tmp_path / "people", {COLLINS: astronaut})
    hides = settings(people, "hide.style=fill", f"hide.whom=[{COLLINS}]", "identity.every_s=0.1")
    knows, frames = Identifier.load(hides, people), film.frames(at_rate(1.2))
    analyser = Analyser(detector, None, knows)
    manager = analyser.follow(SourceInfo("film", live=True), hides)
    hidden = []
    for frame in frames:
        if frame.index == 15:
            PeopleFolder(people).remove(COLLINS)
            assert knows.refresh()
        ((_, analysis),) = manager.settle(frame, *analyser.look([frame], [manager]))
        hidden.append([face.hidden for place in (collins_at, hopper_at) if (face := face_at(analysis, place(frame.time_s)))])
    assert hidden[14] == [True, False], "she alone"
    assert hidden[15:] == [[True, True]] * (len(frames) - 15)
