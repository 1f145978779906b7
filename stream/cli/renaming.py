"""Words in place of others, as they are asked for on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from stream.errors import UsageError


def names_of(said: Sequence[str]) -> dict[str, str]:
    """What `--rename` means: "Ada=Dr. L.", or a YAML or JSON file of such pairs.

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
        pairs = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no YAML"
        raise UsageError(f"--rename {path}: cannot be read ({why}); write OLD=NEW, or name a YAML or JSON file of such pairs.") from error
    if not isinstance(pairs, dict) or any(isinstance(new, (dict, list)) or new is None for new in pairs.values()):
        raise UsageError(f'--rename {path}: holds no pairs of words, such as "Ada: Dr. L." on a line of its own.')
    return {str(old): str(new) for old, new in pairs.items()}
