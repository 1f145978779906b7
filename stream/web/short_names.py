"""What a camera is called where there is little room: the end of a long name, as long as no other has the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

LONG = 28
"""Letters: more do not fit over a picture of a phone (looked at)."""


def short_names(names: Iterable[str]) -> dict[str, str]:
    """By name, a shorter one: itself where it is short, else the host of an address and the last parts of its path, or of a file's."""
    names = list(names)
    short = {name: name for name in names}
    for parts in (3, 2, 1):
        shorter = {name: _end(name, parts) if len(name) > LONG else name for name in names}
        often = Counter(shorter.values())
        short |= {name: words for name, words in shorter.items() if often[words] == 1 and len(words) < len(short[name])}
    return short


def _end(name: str, parts: int) -> str:
    scheme, is_address, rest = name.partition("://")
    host, *path = (rest if is_address else scheme).split("?")[0].split("/")
    if not is_address:
        host, path = "", [host, *path]
    host = host.rpartition("@")[2]
    end = "/".join([part for part in path if part][-parts:])
    return f"{host} … {end}" if host and end else host or end or name
