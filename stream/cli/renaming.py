"""Words in place of others, as they are asked for on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from stream.errors import UsageError


def names_of(said: Sequence[str]) -> dict[str, str]:
    """What `--rename` means: "Ada=Dr. L.", or a JSON file of such pairs.

    Raises:
        UsageError: it is neither.
    """
    names: dict[str, str] = {}
    for one in said:
        old, equals, new = one.partition("=")
        if equals:
            names[old.strip()] = new.strip()
        else:
            names |= _in_file(one)
    return names


def _in_file(path: str) -> dict[str, str]:
    try:
        pairs = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else "is no JSON"
        raise UsageError(f"--rename {path}: {why}; write OLD=NEW, or name a JSON file of such pairs.") from error
    if not isinstance(pairs, dict) or not all(isinstance(new, str) for new in pairs.values()):
        raise UsageError(f'--rename {path}: holds no pairs of words, such as {{"Ada": "Dr. L."}}.')
    return pairs
