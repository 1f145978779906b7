"""The settings as the commented file that `facestream config` prints."""

from __future__ import annotations

import textwrap

import yaml

from stream.settings.schema import OWN, SECTIONS, Section, Settings


def as_yaml(settings: Settings | None = None) -> str:
    """The settings as a commented YAML file."""
    settings = settings or Settings()
    lines = [
        "# facestream's settings, each with its default. Copy this file, change what you need,",
        "# and name the copy: facestream run SOURCE --config my.yaml",
    ]
    for name in SECTIONS:
        section: Section = getattr(settings, name)
        lines += ["", f"{name}:  # {type(section).__doc__}"]
        for key, field in type(section).model_fields.items():
            value = yaml.safe_dump(section.model_dump(mode="json")[key], default_flow_style=True, width=1000).removesuffix("...\n").strip()
            lines += textwrap.wrap(field.description or "", 110, initial_indent="  # ", subsequent_indent="  # ")
            lines.append(f"  {key}: {value}")
    return "\n".join([*lines, "", *_sources_as_yaml(settings)]) + "\n"


def _sources_as_yaml(settings: Settings) -> list[str]:
    own = []
    for section, keys in OWN.items():
        known = type(getattr(settings, section)).model_fields
        own.append(f"#   {section}: {'all of it' if keys == set(known) else ', '.join(key for key in known if key in keys)}")
    entries = [{"name": one.name, "address": one.address, **one.changes} for one in settings.sources]
    return [
        "# What runs where no SOURCE is named on the command line: cameras side by side, files one after another. Each has a",
        "# name, which metrics, events, windows and files (-o out/: out/NAME.mp4) bear, and may set for itself:",
        *own,
        "# ${VARIABLE} in an address stands for an environment variable, a password in it is written as it is (no %40 for @):",
        "# sources:",
        "#   - name: door",
        "#     address: rtsp://viewer:${DOOR_PASSWORD}@192.168.1.20/stream1",
        "#     detector: {min_face_px: 60}",
        "#   - name: desk",
        "#     address: 0",
        f"sources: {yaml.safe_dump(entries, default_flow_style=True, width=100_000, allow_unicode=True).strip()}",
    ]
