"""Other settings for a run that goes on."""

from __future__ import annotations

from stream.errors import SettingsError
from stream.settings.schema import SECTIONS, WHILE_RUNNING, Settings


def check_change(before: Settings, after: Settings) -> None:
    """Whether a run may go on with other settings.

    Raises:
        SettingsError: something differs that a run cannot change (`WHILE_RUNNING` says what it can).
    """
    for section in SECTIONS:
        old, new = getattr(before, section), getattr(after, section)
        for key in type(old).model_fields:
            if getattr(old, key) != getattr(new, key) and key not in WHILE_RUNNING.get(section, ()):
                raise SettingsError(f"{section}.{key} cannot change while a run goes on: start it anew.")
