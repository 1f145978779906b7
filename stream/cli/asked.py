"""What the options of the command line ask for, as settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stream.errors import UsageError

if TYPE_CHECKING:
    from models.detection.detector import DetectorOptions
    from stream.settings.schema import Settings
    from stream.web.host import WebOptions


def settings_of(
    path: Path | None,
    overrides: list[str] | None,
    model: str | None,
    segment_minutes: float | None = None,
    rate: float | None = None,
    people: Path | None = None,
    *,
    hide: str | None = None,
) -> Settings:
    """The settings file, `--set`, and the options that stand for a setting."""
    from stream.settings.loading import load_settings

    flags: dict[str, tuple[str, object]] = {
        "--model": ("classifier.model", model),
        "--segment": ("output.segment_minutes", segment_minutes),
        "--rate": ("source.rate", rate),
        "--hide": ("hide.style", hide),
        "--people": ("identity.people", people),
    }
    return load_settings(path, overrides or [], {flag: said for flag, said in flags.items() if said[1] is not None})


def check_hiding_is_on(settings: Settings) -> None:
    """Whoever says whom to hide wants them hidden, and a page that turns it on there is none.

    Raises:
        UsageError: nobody would be.
    """
    from stream.settings.schema import HideSettings

    for one in settings.everyone:
        if not one.hide.on and one.hide.whom != HideSettings().whom:
            raise UsageError("hide.whom says whose faces to hide, but hide.style is none: say how, with --hide blur, pixelate or fill.")


def detector_of(path: Path | None, overrides: list[str] | None) -> DetectorOptions | None:
    """Which finds the faces in a folder of pictures; None where nothing was said of it."""
    for override in overrides or []:
        if not override.strip().startswith("detector."):
            raise UsageError(f"--set {override}: here only what begins with detector. has a meaning, such as detector.kind=yunet.")
    settings = settings_of(path, overrides, None).detector
    if not settings.enabled:
        raise UsageError("detector.enabled: must be true here; only faces are learnt from and judged.")
    options = settings.options_for_pictures()
    return options if options.words else None


_PLACE = re.compile(r"(?:(?!camera:)[^\s/:]*:|\[[^\s/]+\]:)?\d{2,5}")


def with_places(words: Sequence[str]) -> list[str]:
    """The command line with a place after each `--web`: the next word where it is one, else the default. A camera's index has one digit."""
    said = iter(words)
    places: list[str] = []
    for word in said:
        if word == "--":  # from here on there are no options
            return [*places, word, *said]
        if word != "--web":
            places.append(word)
            continue
        after = next(said, None)
        if after is not None and _PLACE.fullmatch(after):
            places.append(f"--web={after}")
        else:
            places += ["--web=127.0.0.1:8000", *([] if after is None else with_places([after, *said]))]
    return places


def web_of(
    where: str | None,
    *,
    view_only: bool = False,
    certificate: Path | None = None,
    key: Path | None = None,
    self_signed: bool = False,
    host_names: Sequence[str] | None = None,
    metrics_port: int | None = None,
    metrics_host: str = "127.0.0.1",
) -> WebOptions | None:
    """The page that was asked for, its port taken; None: none was.

    Raises:
        UsageError: it cannot be served.
    """
    if where is None:
        if view_only or certificate or key or self_signed or host_names:
            raise UsageError("--web-...: say --web, too; without it there is no page.")
        return None
    from stream.web.server import check_installed

    check_installed()
    from stream.web.host import WebOptions
    from stream.web.place import Place

    return WebOptions.asked(
        where,
        view_only=view_only,
        certificate=certificate,
        key=key,
        self_signed=self_signed,
        host_names=host_names or (),
        metrics=None if metrics_port is None else Place(metrics_host, metrics_port),
    )
