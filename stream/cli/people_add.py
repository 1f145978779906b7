"""`facestream people add`: from photos to people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import PeopleError
from models.imaging.folders import files_below, is_left_behind
from models.imaging.picture_formats import is_picture_name
from models.people.enrolment import Enrolment, Remark, enrol
from models.people.folder import check_spelling
from models.people.names import checked_name
from models.places import is_file, is_folder
from stream.cli.people_asked import Asked, counted, table, warn
from stream.console.progress import ProgressReporter
from stream.errors import DONE, FAILED, UsageError

if TYPE_CHECKING:
    from models.people.seeing import SeenFace, SeenPhoto

ENOUGH = 3
"""Photos; of 100 people enrolled with 1, 3 and 5, .87, .96 and .97 are recognised where 1 % of strangers get a name."""
TOLD_SINGLY = 3
"""Photos that add nothing; of more only their number is told."""
FORCE = " (--force takes it all the same)"


def add_person(asked: Asked, name: str, places: Sequence[Path], *, number: int | None, force: bool, note: str) -> int:
    """Enrols one person, or adds photos to one."""
    name = _name(name, places)
    if not places and note:
        asked.folder.add(asked.folder.get(name).name, [], note)
        print(f"{name}: noted.")
        return DONE
    if not places:
        raise UsageError(f"{name}: of which photos? facestream people add NAME PHOTO...")
    photos, named = list[Path](), set[Path]()
    for place in places:
        below = _photos_below(place)
        if not below:
            named.add(place)
        photos += below or [place]
    if number is not None and len(photos) > 1:
        raise UsageError("--face N is about one photo; name one alone.")
    enrolment = _enrolled(asked, name, photos, number=number, force=force)
    missed = [remark for remark in enrolment.refused if remark.path in named]
    if len(photos) == 1 and missed:
        raise PeopleError(_alone(missed[0], name))
    _tell(enrolment, force=force)
    _tell_of_no_strangers(asked)
    return FAILED if not _kept(asked, enrolment, note) or missed else DONE


def add_group(asked: Asked, name: str, group: str, *, force: bool, note: str) -> int:
    """Enrols one person by a group of faces of a file that `facestream people group` has written."""
    from models.people.groups import read_group

    name = _name(name, [Path(group)])
    place, _, number = group.rpartition(":")
    if not place or not number.isdecimal() or int(number) < 1:
        raise UsageError(f"--group {group}: say the file and the number of the group, such as groups.json:3")
    faces = read_group(Path(place), int(number))
    enrolment = _enrolled(asked, name, list(faces), force=force, chosen=lambda seen: faces[seen.path].chosen(seen))
    _tell(enrolment, force=force)
    return DONE if _kept(asked, enrolment, note) else FAILED


def everybody_below(asked: Asked, folder: Path, *, force: bool) -> int:
    """Enrols everybody of a folder with a folder for each person; what is wrong with one never stops the others."""
    if not is_folder(folder):
        what = "is a file" if is_file(folder) else "there is no such folder"
        raise UsageError(f"{folder}: {what}; --all takes a folder that has a folder of photos for each person.")
    try:
        inside = sorted(path for path in folder.iterdir() if not is_left_behind(path.name))
    except OSError as error:
        raise PeopleError(f"{folder}: cannot be read ({error.strerror}).") from error
    folders = [path for path in inside if is_folder(path)]
    beside = [path for path in inside if is_file(path) and is_picture_name(path)]
    if not folders:
        raise PeopleError(f"{folder}: has no folders in it; --all takes a folder that has a folder of photos for each person.")
    if beside:
        others = f" and {len(beside) - 1} more" if len(beside) > 1 else ""
        warn(f"{folder}: {beside[0].name}{others} left out: what lies beside the folders belongs to nobody.")
    asked.folder.load_or_none()  # what is wrong with it is said once, not for each person
    failed = list[str]()
    with ProgressReporter() as progress:
        for index, one in enumerate(folders):
            progress("people", index, len(folders))
            try:
                enrolment = _enrolled(asked, checked_name(one.name), _photos_below(one), force=force, shows=False)
                _tell(enrolment, force=force, say=lambda sentence: progress.say(f"facestream: {sentence}"))
                well = _kept(asked, enrolment, "", say=progress.say)
            except PeopleError as error:
                progress.say(f"facestream: {error}")
                well = False
            if not well:
                failed.append(one.name)
        progress("people", len(folders), len(folders))
    everybody = asked.folder.load_or_none()
    _tell_of_no_strangers(asked)
    print(f"{counted(len(everybody), 'person', 'people')} in {asked.folder.path}.")
    if failed:
        warn(f"not enrolled: {', '.join(failed)}.")
    return FAILED if failed else DONE


def _enrolled(
    asked: Asked,
    name: str,
    photos: Sequence[Path],
    *,
    number: int | None = None,
    force: bool,
    chosen: Callable[[SeenPhoto], SeenFace | str] | None = None,
    shows: bool = True,
) -> Enrolment:
    people = asked.folder.load_or_none()
    check_spelling(name, people)
    gallery = asked.gallery(people) if asked.is_calibrated else people
    if not shows:
        return enrol(name, photos, asked.reader, gallery, number=number, force=force, chosen=chosen)
    with ProgressReporter() as progress:
        return enrol(
            name,
            photos,
            asked.reader,
            gallery,
            number=number,
            force=force,
            chosen=chosen,
            progress=lambda done: progress("photos", done, len(photos)),
        )


def _kept(asked: Asked, enrolment: Enrolment, note: str, say: Callable[[str], None] = print) -> bool:
    """Writes what was taken, and says so; whether the person is enrolled now."""
    name = enrolment.name
    if not enrolment.taken and not (note and enrolment.skipped):
        if enrolment.skipped:
            say(f"{name}: nothing new.")
            return True
        warn(f"{name}: no photo was taken; nothing has changed.")
        return False
    is_new = not asked.folder.exists
    person = asked.folder.add(name, enrolment.taken, note)
    added, has = len(enrolment.taken), len(person.photos)
    say(f"{name}: {counted(added, 'photo')} added{f', {has} in all' if has > added else ''}." if added else f"{name}: noted.")
    if is_new:
        say(f"{asked.folder.path}: made, for your eyes alone.")
    if has < ENOUGH and say is print:
        say(f"With {ENOUGH} to 5 photos of different days {name} is recognised more often.")
    return True


def _tell(enrolment: Enrolment, *, force: bool, say: Callable[[str], None] = warn) -> None:
    for remark in enrolment.refused:
        more = FORCE if remark.can_be_forced else _which(remark)
        say(f"{remark.path}: {remark.why}; not taken{more}.")
    for remark in enrolment.skipped if len(enrolment.skipped) <= TOLD_SINGLY else ():
        say(f"{remark.path}: {remark.why}{FORCE if remark.can_be_forced else ''}.")
    if len(enrolment.skipped) > TOLD_SINGLY:
        say(f"{enrolment.name}: {len(enrolment.skipped)} photos add nothing: they are enrolled already, or nearly the same as others.")
    for remark in enrolment.warned:
        say(f"{remark.path}: {remark.why}; taken all the same.")


def _tell_of_no_strangers(asked: Asked) -> None:
    if not asked.is_calibrated:
        warn(
            f"{asked.folder.path}: whether photos show one person, and nobody who is enrolled already, cannot be told before "
            "facestream people calibrate; after it facestream people check does."
        )


def _alone(remark: Remark, name: str) -> str:
    """What is to be said where that was the only photo."""
    if len(remark.faces) < 2 or remark.can_be_forced:
        return f"{remark.path}: {remark.why}; {name} is not enrolled{FORCE if remark.can_be_forced else ''}."
    rows = [["", *_about(number, face)] for number, face in enumerate(remark.faces, 1)]
    return f"{remark.path}: {remark.why}; say which with --face N, from left to right:\n{table(rows, right=[1, 3])}"


def _about(number: int, face: SeenFace) -> list[str]:
    return [str(number), face.place, f"{face.eye_px:.0f} px between the eyes"]


def _which(remark: Remark) -> str:
    return " (name it alone, with --face N)" if len(remark.faces) > 1 else ""


def _name(name: str, places: Sequence[Path]) -> str:
    if is_picture_name(name) and (not places or is_file(name)):
        raise UsageError(f"{name}: is a photo; the name comes first: facestream people add NAME {name}")
    try:
        return checked_name(name)
    except PeopleError as error:
        raise UsageError(str(error)) from error


def _photos_below(place: Path) -> list[Path]:
    """The photos in a folder and those below; none for a file.

    Raises:
        PeopleError: a folder without any.
    """
    if not is_folder(place):
        return []
    below = files_below(place, is_picture_name)
    for sentence in below.sentences:
        warn(sentence)
    if not below.files:
        raise PeopleError(f"{place}: has no photos in it.")
    return sorted(below.files)
