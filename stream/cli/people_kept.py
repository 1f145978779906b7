"""`facestream people list` and `remove`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.errors import PeopleError
from models.people.folder import PeopleFolder
from models.people.person import Person
from models.places import is_file
from stream.cli.people_asked import counted, shown, table
from stream.errors import DONE


def told(folder: PeopleFolder, name: str | None) -> int:
    """Prints who is known, or the photos of one person."""
    if name is not None:
        person = folder.get(name)
        rows = [["photo", "added", "eyes", "sharpness"]]
        rows += [[photo.file, photo.added, f"{photo.eye_px:.0f} px", f"{photo.sharpness:.0f}"] for photo in person.photos]
        print(f"{person.name}, since {person.created}{f': {shown(person.note)}' if person.note else ''}\n{table(rows, right=[2, 3])}")
        return DONE
    people = folder.load()
    if people:
        has_notes = any(person.note for person in people)
        rows = [["name", "photos", "since", *(["note"] if has_notes else [])]]
        rows += [[one.name, str(len(one.photos)), one.created, *([one.note] if has_notes else [])] for one in people]
        print(table(rows, right=[1]))
    photos = sum(len(person.photos) for person in people)
    print(f"{counted(len(people), 'person', 'people')}, {counted(photos, 'photo')}, in {folder.path}.")
    return DONE


def removed(folder: PeopleFolder, name: str, photo: str | None) -> int:
    """Forgets a person, or a photo of one."""
    if photo is None:
        person = folder.remove(name)
        print(f"{person.name}: removed, with {counted(len(person.photos), 'photo')}; the photos themselves lie where they lay.")
        return DONE
    person = folder.get(name)
    left = folder.remove_photos(person.name, [_digest(person, photo)])
    what = f"{shown(Path(photo).name)} removed"
    print(
        f"{person.name}: {what}; {counted(len(left.photos), 'photo')} left." if left else f"{person.name}: {what}; that was the last photo."
    )
    return DONE


def _digest(person: Person, photo: str) -> str:
    """Which of a person's photos is meant.

    Raises:
        PeopleError: none, or several.
    """
    if is_file(photo):
        try:
            digest = hashlib.sha256(Path(photo).read_bytes()).hexdigest()
        except OSError as error:
            raise PeopleError(f"{photo}: cannot be read ({error.strerror}).") from error
        if any(one.sha256 == digest for one in person.photos):
            return digest
    same = [one.sha256 for one in person.photos if one.file == Path(photo).name]
    if len(same) > 1:
        raise PeopleError(f"{photo}: {len(same)} photos of {person.name} are called so; name the file itself, with its folder.")
    if not same:
        names = ", ".join(one.file for one in person.photos[:5]) + (", ..." if len(person.photos) > 5 else "")
        raise PeopleError(f"{photo}: is no photo of {person.name}, of whom there {'are' if len(person.photos) > 1 else 'is'} {names}.")
    return same[0]
