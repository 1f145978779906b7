"""`facestream people check`: what may be wrong with who is enrolled, and who is on a photo."""

from __future__ import annotations

from pathlib import Path

from models.errors import PeopleError
from models.people.checkup import findings, standings
from models.people.gallery import Gallery
from models.people.seeing import SeenFace
from stream.cli.people_asked import Asked, counted, of_strangers, table, warn
from stream.errors import DONE, FAILED

FAR = 0.1
"""Where more strangers than this are as much like somebody, nobody wants to know whom (a guess)."""


def check_everybody(asked: Asked) -> int:
    """Prints how people stand to each other; what should be looked at goes to stderr."""
    people = asked.folder.load()
    if not people:
        raise PeopleError(f"{asked.folder.path}: nobody is enrolled; facestream people add NAME PHOTO...")
    gallery = asked.gallery(people)
    stand = [[one.name, str(one.photos), one.nearest, f"{one.nearest_score:.1f}" if one.nearest else ""] for one in standings(gallery)]
    wrong = findings(gallery)
    print(table([["name", "photos", "most alike", "score"], *stand], right=[1, 3]))
    least = f"a face gets a name from a score of {gallery.thresholds.min():.1f} on"
    share = f"about {of_strangers(asked.false_names)} do, as identity.false_names asks"
    if gallery.recogniser.least_shown > asked.false_names:
        share += f", which is a guess: so few strangers show no less than {of_strangers(gallery.recogniser.least_shown)} for so many people"
    print(f"{counted(len(people), 'person', 'people')}; {least}, and {share}.", flush=True)
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
        return best.name, f"score {best.score:.1f}, {best.threshold:.1f} is enough; {_would(gallery, rate)} would score so"
    if rate > FAR:
        return "unknown", "like nobody who is enrolled"
    return (
        "unknown",
        f"most like {best.name}: score {best.score:.1f}, {best.threshold:.1f} is needed; {_would(gallery, rate)} would score so",
    )


def _would(gallery: Gallery, rate: float) -> str:
    """How many strangers: none so few that the strangers who were measured by could not show it."""
    least = gallery.recogniser.least_shown
    return f"fewer than {of_strangers(least)}" if rate < least else of_strangers(rate)
