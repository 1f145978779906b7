"""Names of people, in any script, and the names of their files, which any system takes."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from models.errors import PeopleError

LONGEST = 100
"""Characters of a name (a guess at more than anybody has)."""
TAKEN = frozenset({"unknown", "known", "everybody"})
"""Words that stand for people without being a name."""
JOINERS = "\u200c\u200d"
"""Of no width, and needed to write names in Persian and in scripts of India."""


def checked_name(name: str) -> str:
    """The name, composed (NFC), blanks as one space each.

    Raises:
        TypeError: it is no text.
        PeopleError: it is empty or too long, cannot be shown, or means something else.
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is a str, not {type(name).__name__}")
    tidy = unicodedata.normalize("NFC", " ".join(name.split()))
    why = None
    if not tidy.strip(JOINERS):
        why = "is empty"
    elif len(tidy) > LONGEST:
        why = f"has {len(tidy)} characters; at most {LONGEST} are kept"
    elif not all(character.isprintable() or character in JOINERS for character in tidy):
        why = "has characters that cannot be shown"
    elif tidy.casefold() in TAKEN:
        why = "is a word for people in general"
    if why:
        raise PeopleError(f"{ascii(name)[:60] if 'shown' in why or 'empty' in why else tidy[:40]}: cannot be a name, as it {why}.")
    return tidy


def key_of(name: str) -> str:
    """What names of one person have in common: capitals, composition and blanks do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", " ".join(name.split())).casefold())


def file_name_of(name: str) -> str:
    """Letters and digits alone, never a reserved name, never longer than any system takes; another one for each key."""
    key = key_of(name)
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return f"{readable or 'person'}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}.json"
