"""Names for people and for other programs: a file's name need not be text."""

from __future__ import annotations

import re

_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(name: str) -> str:
    """The name as text that can be written and drawn anywhere: what is no UTF-8 in it, or a control character, becomes its escape.

    A library in C that gets such a name as it is may crash.
    """
    return _NO_TEXT.sub(lambda found: found[0].encode("unicode_escape").decode(), name)
