"""From photos of a person to what is kept of them: which are taken, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.errors import PictureError
from models.people.gallery import Gallery, Likeness
from models.people.likeness import COPY, nearest, odd_ones
from models.people.person import Person, Photo
from models.people.seeing import PhotoReader, SeenFace, SeenPhoto, digest

TIMES_LARGER = 2.0
"""Of several faces, the one that is wider by so much than all others is whom the photo is of."""


@dataclass(frozen=True, slots=True, eq=False)
class Remark:
    """What there is to say of a photo."""

    path: Path
    why: str
    """The end of a sentence that begins with the photo."""
    can_be_forced: bool = False
    faces: tuple[SeenFace, ...] = ()
    """Those among which nobody has chosen."""


@dataclass(slots=True)
class Enrolment:
    """What has become of the photos of one person. Nothing is written yet."""

    name: str
    taken: list[Photo] = field(default_factory=list)
    refused: list[Remark] = field(default_factory=list)
    skipped: list[Remark] = field(default_factory=list)
    """What adds nothing: it is there already."""
    warned: list[Remark] = field(default_factory=list)
    """Taken, as that was forced."""

    def refuse(self, path: Path, why: str, *, force: bool) -> bool:
        """Notes it; whether the photo is not taken."""
        (self.warned if force else self.refused).append(Remark(path, why, can_be_forced=True))
        return not force


def enrol(
    name: str,
    paths: Sequence[Path],
    reader: PhotoReader,
    gallery: Gallery | Sequence[Person],
    *,
    number: int | None = None,
    force: bool = False,
    chosen: Callable[[SeenPhoto], SeenFace | str] | None = None,
    progress: Callable[[int], None] = lambda done: None,
    digest_of: Callable[[Path], str] = digest,
) -> Enrolment:
    """Looks at photos of a person, who may be known already.

    Args:
        gallery: everybody who is known so far; where there are no strangers to measure by, just the people: then nobody is compared.
        number: which face of each photo, from left to right, from 1 on.
        force: take also what is small, blurred, a copy, odd, or like somebody else.
        chosen: which face it is, or why none is, a sentence's end; default: the only one, or the one that is far larger.
        progress: told how many photos are looked at.
        digest_of: by which a photo is known again; default: the file's sha256.
    """
    enrolment = Enrolment(name)
    people = gallery.people if isinstance(gallery, Gallery) else gallery
    before = next((person for person in people if person.name == name), None)
    choose = chosen or (lambda seen: chosen_face(seen, number))
    found = list[tuple[Path, Photo]]()
    for index, path in enumerate(paths):
        progress(index)
        try:
            if same := _enrolled(digest_of(path), before):
                enrolment.skipped.append(Remark(path, same))
                continue
            seen = reader.look(path)
        except PictureError as error:
            enrolment.refused.append(Remark(path, _without_path(error, path)))
            continue
        face = choose(seen)
        if isinstance(face, str):
            enrolment.refused.append(Remark(path, face, faces=seen.faces if chosen is None else ()))
        elif not (face.flaw and enrolment.refuse(path, f"is {face.flaw}", force=force)):
            found.append((path, Photo(path.name, seen.sha256, face.descriptor, face.eye_px, face.sharpness)))
    progress(len(paths))
    found = _new_ones(found, before, COPY * gallery.cohort.spread if isinstance(gallery, Gallery) else 0.0, enrolment, force=force)
    if isinstance(gallery, Gallery):
        found = _fitting_ones(found, before, gallery, enrolment, force=force)
        found = _nobody_else_s(found, before, gallery, enrolment, force=force)
    enrolment.taken += [photo for _, photo in found]
    return enrolment


def chosen_face(seen: SeenPhoto, number: int | None = None) -> SeenFace | str:
    """Whom a photo is of, or why nobody knows, a sentence's end.

    Args:
        number: from left to right, from 1 on.
    """
    faces = seen.faces
    if not faces:
        return "no face is found in it"
    if number is not None and number > len(faces):
        return f"has {len(faces)} {'face' if len(faces) == 1 else 'faces'}, no face {number}"
    if number is not None:
        return faces[number - 1]
    by_width = sorted(faces, key=lambda face: -face.width_px)
    if len(faces) == 1 or by_width[0].width_px > TIMES_LARGER * by_width[1].width_px:
        return by_width[0]
    return f"has {len(faces)} faces"


def _new_ones(
    found: list[tuple[Path, Photo]], before: Person | None, closest: float, enrolment: Enrolment, *, force: bool
) -> list[tuple[Path, Photo]]:
    """Those that are no copies: no closer than `closest` to another."""
    known = list(before.photos) if before else []
    fresh = list[tuple[Path, Photo]]()
    for path, photo in found:
        if same := next((one.file for one in known if one.sha256 == photo.sha256), None):
            enrolment.skipped.append(Remark(path, f"is the same file as {same}"))
            continue
        if known:
            index, apart = nearest(photo.descriptor, np.stack([one.descriptor for one in known]))
            if apart < closest:
                why = f"is nearly the same as {known[index].file}, so it adds nothing"
                (enrolment.warned if force else enrolment.skipped).append(Remark(path, why, can_be_forced=True))
                if not force:
                    continue
        known.append(photo)
        fresh.append((path, photo))
    return fresh


def _fitting_ones(
    found: list[tuple[Path, Photo]], before: Person | None, gallery: Gallery, enrolment: Enrolment, *, force: bool
) -> list[tuple[Path, Photo]]:
    """Those that seem to show the person that the others show."""
    old = [] if before is None else [photo.descriptor for photo in before.photos]
    vectors = [*old, *(photo.descriptor for _, photo in found)]
    odd = [index - len(old) for index in odd_ones(np.stack(vectors), gallery.cohort, range(len(old)))] if len(vectors) > 1 else []
    if not odd:
        return found
    both = not old and len(found) == 2
    for index in odd:
        why = "this and the other photo seem to show two people" if both else "seems to show somebody else than the other photos"
        enrolment.refuse(found[index][0], why, force=force)
    return found if force else [one for index, one in enumerate(found) if index not in odd]


def _nobody_else_s(
    found: list[tuple[Path, Photo]], before: Person | None, gallery: Gallery, enrolment: Enrolment, *, force: bool
) -> list[tuple[Path, Photo]]:
    """Those that are not more like somebody else who is known than like the person's other photos; of a new person who is, as a whole, like
    somebody else, none."""
    if not found:
        return found
    old = [] if before is None else [photo.descriptor for photo in before.photos]
    vectors = [*old, *(photo.descriptor for _, photo in found)]
    likenesses = gallery.likenesses(np.stack([photo.descriptor for _, photo in found]))
    others = [[one for one in likes if one.name != enrolment.name] for likes in likenesses]
    whole = _alike_as_a_whole(others) if before is None else set[str]()
    left = list[tuple[Path, Photo]]()
    for (path, photo), likes in zip(found, others, strict=True):
        rest = [vector for vector in vectors if vector is not photo.descriptor]
        own = gallery.score_to(photo.descriptor, rest)
        other = next((one for one in likes if one.name in whole or (one.enough and one.score > own)), None)
        if other is None or not enrolment.refuse(path, f"looks like {other.name}, who is enrolled", force=force):
            left.append((path, photo))
    return left


def _alike_as_a_whole(photos: Sequence[Sequence[Likeness]]) -> set[str]:
    """Those people whose names more than half of the photos would get."""
    counts = Counter(one.name for likes in photos for one in likes if one.enough)
    return {name for name, count in counts.items() if count * 2 > len(photos)}


def _enrolled(sha256: str, person: Person | None) -> str:
    """What to say of a photo that this person has already."""
    for photo in person.photos if person else ():
        if photo.sha256 == sha256:
            return f"is enrolled already, as {photo.file}"
    return ""


def _without_path(error: PictureError, path: Path) -> str:
    """What the sentence says after the file's name."""
    return str(error).removeprefix(f"{path}: ").rstrip(".")
