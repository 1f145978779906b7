"""Other settings for a run that goes on."""

from __future__ import annotations

from stream.errors import SettingsError
from stream.settings.schema import SECTIONS, WHILE_RUNNING, HideSettings, Settings


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


def check_still_hidden(start: Settings, after: Settings) -> None:
    """Who was to be hidden from a run's start on stays so, whatever a page asks for.

    Args:
        start: what the run was started with.

    Raises:
        SettingsError: somebody could be seen.
    """
    for before, now in zip(start.everyone, after.everyone, strict=True):
        if not before.hide.on:
            continue
        if not now.hide.on or before.hide.model_copy(update={"style": now.hide.style}) != now.hide:
            raise SettingsError("hide: the run was started to hide faces; on the page only the style can change.")
        if before.hide.whom != HideSettings().whom:
            for section in (
                "tracker",
                "classifier" if "=" in before.hide.whom else "identity",
            ):  # who it is, and for how long it is the same
                if getattr(before, section) != getattr(now, section):
                    raise SettingsError(
                        f"{section}: it tells whom to hide (hide.whom), and the run was started to hide them: start it anew."
                    )
