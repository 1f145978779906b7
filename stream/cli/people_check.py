"""`facestream people check`: what may be wrong with who is enrolled, and who is on a photo."""

from __future__ import annotations

from pathlib import Path

from models.errors import PeopleError
from models.people.checkup import findings, standings
from models.people.gallery import Gallery
from models.people.seeing import SeenFace
from stream.cli.people_asked import Asked, counted, table, warn
from stream.errors import DONE, FAILED

FAR = 0.1
"""Where more strangers than this are as much like somebody, nobody wants to know whom (a guess)."""


def check_everybody(asked: Asked) -> int:
    """Prints how people stand to each other; what should be looked at goes to stderr."""
    people = asked.folder.load()
    if not people:
        raise PeopleError(f"{asked.folder.path}: nobody is enrolled; facestream people add NAME PHOTO...")
    gallery = asked.gallery(people)
    rows = [["name", "photos", "named from", "most alike", "score"]]
    for one in standings(gallery):
        score = f"{one.nearest_score:.1f}" if one.nearest else ""
        rows.append([one.name, str(one.photos), f"{one.threshold:.1f}", one.nearest, score])
    wrong = findings(gallery)
    print(table(rows, right=[1, 2, 4]))
    about = f"about {_of_strangers(asked.false_names)} will get a name, as identity.false_names asks"
    print(f"{counted(len(people), 'person', 'people')}; {about}.", flush=True)
    for finding in wrong:
        warn(f"{finding.name}: {finding.what}.".replace(": and ", " and ", 1))
    if not wrong:
        print("Nothing is wrong.")
    return FAILED if wrong else DONE


def who_is_on(asked: Asked, photo: Path) -> int:
    """Prints each face of a photo with its name, or why it has none."""
    gallery = asked.gallery(asked.folder.load())
    faces = asked.reader.look(photo, warn).faces
    if not faces:
        print(f"{photo}: no face is found in it.")
        return DONE
    print(
        table([["", "face", "who", "why"], *([str(number), face.place, *_verdict(gallery, face)] for number, face in enumerate(faces, 1))])
    )
    return DONE


def _verdict(gallery: Gallery, face: SeenFace) -> tuple[str, str]:
    """A name or unknown, and why."""
    if face.flaw:
        return "unknown", face.flaw
    likenesses = gallery.likenesses(face.descriptor[None])[0]
    if not likenesses:
        return "unknown", "nobody is enrolled"
    best, rate = likenesses[0], gallery.recogniser.false_name_rate(likenesses[0].score)
    if best.enough:
        return best.name, f"score {best.score:.1f}, {best.threshold:.1f} is enough; {_of_strangers(rate)} would score so"
    if rate > FAR:
        return "unknown", "like nobody who is enrolled"
    return "unknown", f"most like {best.name}: score {best.score:.1f}, {best.threshold:.1f} is needed; {_of_strangers(rate)} would score so"


def _of_strangers(rate: float) -> str:
    """A share of them, for people."""
    of = next((of for of in (100, 1_000, 10_000, 100_000) if round(rate * of) >= 1), 0)
    return f"{rate * of:.0f} in {of:,} strangers" if of else "fewer than 1 in 100,000 strangers"
