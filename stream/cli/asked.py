"""What the options of the command line ask for, as settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stream.errors import UsageError

if TYPE_CHECKING:
    from models.detection.detector import DetectorOptions
    from stream.settings.schema import Settings


def settings_of(
    path: Path | None, overrides: list[str] | None, model: str | None, segment_minutes: float | None = None, rate: float | None = None
) -> Settings:
    """The settings file, `--set`, and the options that stand for a setting."""
    from stream.settings.loading import load_settings

    flags: dict[str, tuple[str, object]] = {
        "--model": ("classifier.model", model),
        "--segment": ("output.segment_minutes", segment_minutes),
        "--rate": ("source.rate", rate),
    }
    return load_settings(path, overrides or [], {flag: said for flag, said in flags.items() if said[1] is not None})


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
