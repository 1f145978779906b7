"""What a video says about itself, where faces are hidden in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from stream.frame import SourceInfo
from stream.settings.schema import HideSettings

LONG = 1000
"""So many letters are a picture, as in METADATA_BLOCK_PICTURE, or other data."""
_PLACE = re.compile(r"location|gps|latitude|longitude|©xyz", re.IGNORECASE)


def told_without(info: SourceInfo, hide: HideSettings) -> tuple[SourceInfo, list[str]]:
    """The same source with the tags that may go along, and a sentence for what may not. Without hiding all may."""
    if not hide.on:
        return info, []
    words = {key: value for key, value in info.tags.items() if len(value) < LONG}
    kept = words if hide.keep_gps else {key: value for key, value in words.items() if not _PLACE.search(key)}
    notes = [*_note(info, info.tags, words, "remarks that hold pictures or long data, which are left out")]
    notes += _note(info, words, kept, "the place where it was taken, which is left out")
    return replace(info, tags=kept), notes


def _note(info: SourceInfo, before: Mapping[str, str], after: Mapping[str, str], what: str) -> list[str]:
    return [f"{info.name}: had {what}."] if len(after) < len(before) else []
