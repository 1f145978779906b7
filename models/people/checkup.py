"""What may be wrong with people who are enrolled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.identity.cohort import Cohort
from models.people.gallery import Gallery
from models.people.likeness import COPY, distances, odd_ones
from models.people.person import Person, Photo
from models.people.seeing import LOWEST_SHARPNESS, SMALLEST_EYE_PX


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a photo, or between two people."""

    name: str
    what: str
    """A sentence's end, after the name."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One person among the others."""

    name: str
    photos: int
    threshold: float
    """The score from which on a face gets the name."""
    nearest: str
    """Who is most alike; empty where there is nobody else."""
    nearest_score: float
    """The score of this person's photos there, in the median."""

    @property
    def confusable(self) -> bool:
        """Whether half of this person's photos would get the other's name, were it not for their own."""
        return bool(self.nearest) and self.nearest_score >= self.threshold


def standings(gallery: Gallery) -> list[Standing]:
    """Everybody, in the order of the gallery."""
    between = gallery.between()
    found = list[Standing]()
    for index, person in enumerate(gallery.people):
        other = int(between[index].argmax())
        nearest = (gallery.people[other].name, float(between[index, other])) if len(gallery.people) > 1 else ("", 0.0)
        found.append(Standing(person.name, len(person.photos), float(gallery.thresholds[index]), *nearest))
    return found


def findings(gallery: Gallery) -> list[Finding]:
    """All that somebody should look at."""
    found = [finding for person in gallery.people for finding in _of_photos(person, gallery.cohort)]
    done = set[frozenset[str]]()
    for one in standings(gallery):
        pair = frozenset({one.name, one.nearest})
        if one.confusable and pair not in done:
            found.append(Finding(one.name, f"and {one.nearest} look like one person: each may get the other's name"))
            done.add(pair)
    return found


def _of_photos(person: Person, cohort: Cohort) -> Iterator[Finding]:
    for photo in person.photos:
        if flaw := _flaw(photo):
            yield Finding(person.name, f"{photo.file} is {flaw}")
    if len(person.photos) == 1:
        return
    odd = odd_ones(person.vectors, cohort)
    if len(odd) == len(person.photos) == 2:
        yield Finding(person.name, f"{person.photos[0].file} and {person.photos[1].file} seem to show two people")
    else:
        yield from (Finding(person.name, f"{person.photos[index].file} seems to show somebody else than the other photos") for index in odd)
    apart = distances(person.vectors, person.vectors)
    for index, photo in enumerate(person.photos[1:], 1):
        if apart[index, :index].min() < COPY * cohort.spread:
            yield Finding(person.name, f"{photo.file} is nearly the same as {person.photos[int(apart[index, :index].argmin())].file}")


def _flaw(photo: Photo) -> str:
    if photo.eye_px < SMALLEST_EYE_PX:
        return f"small: {photo.eye_px:.0f} px between the eyes"
    return "blurred" if photo.sharpness < LOWEST_SHARPNESS else ""
