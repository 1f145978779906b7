"""The people that are known: a folder with one JSON file for each, for its owner alone."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from models.atomic import file_written_whole
from models.errors import PeopleError
from models.identity.calibration import ASKED_STRANGERS
from models.identity.cohort import Cohort
from models.identity.weights import SHIPPED_SHA256
from models.people.lock import locked
from models.people.names import checked_name, file_name_of, key_of
from models.people.person import Person, Photo, read_person, today, written
from models.people.private import FILE_MODE, check_private, left_by_the_killed, made_private
from models.places import checked_path, exists, is_folder

DEFAULT = Path("people")
"""Beside where one is."""
COHORT = "cohort.npz"
"""In a folder of people, the user's own strangers."""


class PeopleFolder:
    """A folder of people, which may not be there yet. Several programs may use it at once: each person is there whole or not at all."""

    def __init__(self, path: str | Path, *, network: str = SHIPPED_SHA256) -> None:
        """
        Args:
            network: the id of what has described everybody in it (`models.identity.network_file.NetworkFile.id`).

        Raises:
            TypeError: this is no path.
        """
        self.path = checked_path(path, "a folder of people")
        self.network = network
        self._read = dict[Path, tuple[tuple[int, ...], Person]]()

    @property
    def _option(self) -> str:
        """What a command has to say to mean this folder."""
        return "" if self.path == DEFAULT else f" --people {shlex.quote(str(self.path))}"

    @property
    def exists(self) -> bool:
        """Whether there is such a folder."""
        return is_folder(self.path)

    def load(self) -> list[Person]:
        """Everybody, sorted by name.

        Raises:
            PeopleError: there is no such folder, others may read it, or one of its files is damaged, foreign or of another network.
        """
        if not self.exists:
            what = "is a file, not a folder of people" if exists(self.path) else "there is no such folder of people"
            raise PeopleError(f"{self.path}: {what}; this makes one: facestream people add NAME PHOTO...{self._option}")
        self._check()
        found = self._found()
        return [found[key][1] for key in sorted(found)]

    def load_or_none(self) -> list[Person]:
        """Everybody, also where the folder is not there yet: nobody, then. Raises what `load` does."""
        return self.load() if exists(self.path) else []

    def get(self, name: str) -> Person:
        """
        Raises:
            PeopleError: nobody is called so; or as in `load`.
        """
        self.load()
        return self._known(name)[1]

    def cohort(self) -> Cohort:
        """The strangers to measure by: the user's own, as means of several (`facestream people calibrate`), or those that ship.

        Raises:
            PeopleError: others may read them, or they are those of a network that does not ship, and there are none yet.
            ModelError: they are damaged, or another network's.
        """
        own = self.path / COHORT
        if exists(own):
            self._check()
            return Cohort.load(own, self.network)
        if self.network == SHIPPED_SHA256:
            return Cohort.load()
        raise PeopleError(
            f"{own}: is not there yet, and no stranger whom this network (identity.network) has described ships: "
            f"facestream people calibrate FOLDER{self._option}, with photos of {ASKED_STRANGERS} people who are not enrolled."
        )

    @property
    def is_calibrated(self) -> bool:
        """Whether there are strangers to measure by."""
        return self.network == SHIPPED_SHA256 or exists(self.path / COHORT)

    def keep_cohort(self, cohort: Cohort) -> None:
        """Measures by these strangers from now on.

        Raises:
            PeopleError, ModelError: that cannot be written.
        """
        with self._changing(make=True):
            cohort.save(self.path / COHORT)
            (self.path / COHORT).chmod(FILE_MODE)

    def stamp(self) -> tuple[object, ...]:
        """Other than before as soon as anything in the folder has changed. Cheap: no file is opened."""
        seen = list[object]()
        with suppress(OSError):
            about = self.path.stat()
            seen.append((about.st_ino, about.st_mode))
            for file in [*self._files(), self.path / COHORT]:
                with suppress(OSError):
                    about = file.stat()
                    seen.append((file.name, about.st_ino, about.st_mtime_ns, about.st_size, about.st_mode))
        return tuple(seen)

    def add(self, name: str, photos: Sequence[Photo], note: str = "") -> Person:
        """Adds photos to a person, who may be new. A photo that the person has already is not added again.

        Returns:
            The person as it is now.

        Raises:
            PeopleError: this cannot be a name, somebody's differs only in capitals, or it cannot be written; or as in `load`.
        """
        name = checked_name(name)
        with self._changing(make=True):
            place, person = self._found().get(key_of(name), (self.path / file_name_of(name), Person(name, (), created=today(), note=note)))
            check_spelling(name, [person])
            has = {photo.sha256 for photo in person.photos}
            fresh = list({photo.sha256: photo for photo in photos if photo.sha256 not in has}.values())
            person = replace(person, photos=(*person.photos, *fresh), note=note or person.note)
            self._write(place, person)
        return person

    def remove(self, name: str) -> Person:
        """Forgets a person: nothing of it is left in the folder. Also somebody of another network, and whatever is wrong with others.

        Returns:
            The person as it was.

        Raises:
            PeopleError: nobody is called so, or its file cannot be removed; or as in `load`.
        """
        with self._changing():
            place, person = _by_any_network(self._files()).get(key_of(name)) or self._known(name)
            place.unlink()
        return person

    def remove_photos(self, name: str, digests: Sequence[str]) -> Person | None:
        """Forgets the photos with those checksums.

        Returns:
            The person as it is now; None: that was the last photo, and the person is gone.

        Raises:
            PeopleError: as in `remove`.
        """
        with self._changing():
            place, person = self._known(name)
            left = tuple(photo for photo in person.photos if photo.sha256 not in digests)
            if not left:
                place.unlink()
                return None
            person = replace(person, photos=left)
            self._write(place, person)
        return person

    @contextmanager
    def _changing(self, *, make: bool = False) -> Iterator[None]:
        """Alone in the folder; what a program that was killed has left half-written is swept away."""
        if make and not exists(self.path):
            made_private(self.path)
        if not self.exists:
            self.load()  # says why not
        self._check()
        try:
            with locked(self.path):
                for left in left_by_the_killed(self.path):
                    left.unlink(missing_ok=True)
                yield
        except OSError as error:
            raise PeopleError(f"{self.path}: cannot be changed ({error.strerror or error}).") from error

    def _check(self) -> None:
        own = self.path / COHORT
        check_private(self.path, [*self._files(), *([own] if exists(own) else [])])

    def _files(self) -> list[Path]:
        """Of the people, sorted."""
        try:
            with os.scandir(self.path) as entries:
                names = sorted(one.name for one in entries if one.name.endswith(".json") and not one.name.startswith("."))
            return [self.path / name for name in names]
        except OSError as error:
            raise PeopleError(f"{self.path}: cannot be read ({error.strerror}).") from error

    def _found(self) -> dict[str, tuple[Path, Person]]:
        """Everybody with the file, by what names of one person have in common."""
        found = dict[str, tuple[Path, Person]]()
        read = dict[Path, tuple[tuple[int, ...], Person]]()
        for file in self._files():
            try:
                about = file.stat()
                now = (about.st_ino, about.st_mtime_ns, about.st_size)
                before = self._read.get(file)
                read[file] = before if before is not None and before[0] == now else (now, read_person(file, self.network))
            except FileNotFoundError:
                continue  # removed a moment ago
            person = read[file][1]
            if (key := key_of(person.name)) in found:
                raise PeopleError(f"{file}: is {person.name}, and so is {found[key][0].name}; remove one of the two files.")
            found[key] = file, person
        self._read = read
        return found

    def _write(self, place: Path, person: Person) -> None:
        with file_written_whole(place, mode=FILE_MODE) as file:
            file.write(written(person, self.network))

    def _known(self, name: str) -> tuple[Path, Person]:
        found, wanted = self._found(), key_of(name)
        if wanted in found:
            return found[wanted]
        near = difflib.get_close_matches(wanted, found, n=1)
        hint = f"did you mean {found[near[0]][1].name}?" if near else f"there {_are(len(found))}; facestream people list names them."
        raise PeopleError(f"{name}: nobody is called so in {self.path}; {hint}")


def _by_any_network(files: Sequence[Path]) -> dict[str, tuple[Path, Person]]:
    """Those whose files can be read."""
    found = dict[str, tuple[Path, Person]]()
    for file in files:
        with suppress(PeopleError, FileNotFoundError):
            person = read_person(file, None)
            found[key_of(person.name)] = file, person
    return found


def check_spelling(name: str, people: Sequence[Person]) -> None:
    """
    Raises:
        PeopleError: somebody's name differs only in capitals or the like.
    """
    for person in people:
        if person.name != name and key_of(person.name) == key_of(name):
            raise PeopleError(f"{name}: there is {person.name} already, and only capitals differ; write it so, or choose another name.")


def _are(count: int) -> str:
    return "is nobody" if count == 0 else "is one person" if count == 1 else f"are {count} people"
