"""From YAML and `--set` to checked settings. The only module that reads YAML."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from models.places import checked_path
from stream.errors import SettingsError
from stream.passwords import redact_in
from stream.settings.schema import OWN, SECTIONS, NamedSource, Settings

NAME = re.compile(r"\w(?:[\w .-]{0,62}\w)?")
"""A name that is a file's name on every system, and reads well in a window's title."""


def load_settings(
    path: str | Path | None = None, overrides: Iterable[str] = (), flags: Mapping[str, tuple[str, object]] | None = None
) -> Settings:
    """The defaults, then the file's values, then each `section.key=value`, then what flags of their own say.

    Args:
        flags: by the flag's name, the setting that it stands for and its value.

    Raises:
        TypeError: an argument is something else.
        SettingsError: one sentence that names where, the key, the value and, where there is one, the nearest right name.
    """
    values: dict[str, Any] = {}
    place = "the settings"
    if isinstance(overrides, str | Mapping) or not isinstance(overrides, Iterable):
        raise TypeError(f"overrides are a list of words such as 'detector.min_face_px=40', not {overrides!r}")
    if path is not None:
        path = checked_path(path, "a settings file")
        place = str(path)
        values = _read(path)
        _check(values, place)  # so that a fault in the file is not blamed on --set
    for override in overrides:
        _apply(values, override)
        place = "--set"
    _check(values, place)  # all of them together: one may need another
    for flag, (name, value) in (flags or {}).items():
        section, _, key = name.partition(".")
        values[section] = {**values.get(section, {}), key: value}
        place = flag
        _check(values, place)
    return _check(values, place)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such settings file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as a settings file ({error}).") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML: {_fault(error)}.") from None  # its own text quotes lines: passwords
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold settings as `key: value`, not {type(values).__name__}.")
    return {key: {} if value is None and key in Settings.model_fields else value for key, value in values.items()}


def _fault(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    return f"{error.problem} in line {error.problem_mark.line + 1}"


def _apply(values: dict[str, Any], override: str) -> None:
    if not isinstance(override, str):
        raise TypeError(f"overrides are words such as 'detector.min_face_px=40', not {override!r}")
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if section == "sources":
        raise SettingsError("--set sources: they are listed in a settings file only, or named on the command line.")
    if not (equals and dot and key):
        raise SettingsError(f"--set {redact_in(override)}: write it as section.key=value, such as detector.min_face_px=40.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if isinstance(value, dict):  # no setting is a mapping, so it is a name with a colon in it
        value = text
    values[section] = {**values.get(section, {}), key: value}


def _check(values: dict[str, Any], place: str) -> Settings:
    named = _named(values.get("sources"), place)
    try:
        settings = Settings.model_validate({key: value for key, value in values.items() if key != "sources"})
    except ValidationError as error:
        raise SettingsError(f"{place}: {_sentence(error.errors())}") from None
    for source in named:
        try:
            settings.of(source)
        except ValidationError as error:
            raise SettingsError(f"{place}: sources.{source.name}.{_sentence(error.errors())}") from None
    settings = settings.model_copy(update={"sources": named})
    for one in named:
        if settings.of(one).identity.people not in (None, settings.people_folder):
            raise SettingsError(f"{place}: sources.{one.name}.identity.people: all sources share one folder; null names nobody there.")
    return settings


def with_value(settings: Settings, name: str, value: object, place: str) -> Settings:
    """The same settings but for one, checked as in a file.

    Args:
        name: as `--set` has it: section.key.
        place: who wants it, for the error.

    Raises:
        SettingsError: there is no such setting, or it cannot have that value.
    """
    section, _, key = name.partition(".")
    if section not in SECTIONS:
        raise SettingsError(f"{place}: {_unknown(name, SECTIONS)}")
    try:
        return settings.changed({section: {key: value}})
    except ValidationError as error:
        raise SettingsError(f"{place}: {_sentence(error.errors())}") from None


def _named(entries: Any, place: str) -> tuple[NamedSource, ...]:
    """The entries of `sources`. The values that each sets for itself are not checked yet."""
    if not isinstance(entries or [], list):
        raise SettingsError(f"{place}: sources must be a list, each entry with a name and an address.")
    named = [_one(entry, place, number) for number, entry in enumerate(entries or [], 1)]
    taken: set[str] = set()
    for one in named:
        same = unicodedata.normalize("NFC", one.name).casefold()  # what some file systems take for one
        if same in taken:
            raise SettingsError(f"{place}: two of sources are called {one.name}; each needs a name of its own (capitals do not count).")
        taken.add(same)
    return tuple(named)


def _one(entry: Any, place: str, number: int) -> NamedSource:
    """One entry. No error quotes an address: it may hold a password."""
    where = f"{place}: entry {number} of sources"
    if not isinstance(entry, dict):
        raise SettingsError(f"{where}: write it as a name and an address, such as {{name: door, address: rtsp://host/stream}}.")
    name, address = entry.get("name"), entry.get("address")
    if isinstance(name, bool) or not isinstance(name, str | int) or not NAME.fullmatch(str(name)):
        raise SettingsError(f"{where}: needs a name of letters, digits, spaces, dots, - and _, with a letter or digit first and last.")
    changes = {str(key): {} if value is None else value for key, value in entry.items() if key not in ("name", "address")}
    for section, keys in changes.items():
        _check_own(section, keys, place, str(name))
    if isinstance(address, bool) or not isinstance(address, str | int) or address == "":
        raise SettingsError(f"{place}: sources.{name} needs an address: a camera's index, rtsp://..., a file.")
    return NamedSource(name=str(name), address=str(address), changes=changes)


def _check_own(section: str, keys: Any, place: str, name: str) -> None:
    """Whether a source may set these for itself. What is unknown or has no fitting value is found when all is checked together."""
    if section not in OWN and section in SECTIONS:
        raise SettingsError(f"{place}: sources.{name}.{section} is one for all sources: set it outside `sources`.")
    if section not in OWN:
        raise SettingsError(f"{place}: {_unknown(f'sources.{name}.{section}', ['name', 'address', *OWN])}")
    if not isinstance(keys, dict):
        raise SettingsError(f"{place}: sources.{name}.{section} must hold settings as `key: value`.")
    for key in type(getattr(Settings(), section)).model_fields.keys() & keys.keys() - OWN[section]:
        raise SettingsError(f"{place}: sources.{name}.{section}.{key} is one for all sources: set it outside `sources`.")


def _unknown(name: str, known: Iterable[str], given: str = "") -> str:
    known = list(known)
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    return f"{name} is not a setting{given}. {hint}"


def _sentence(errors: list[ErrorDetails]) -> str:
    """The first fault as a sentence. A value that fits no member of a union is several errors in one place."""
    error = errors[0]
    path = [str(part) for part in error["loc"][:2]]  # deeper parts are pydantic's own: the union's member, the tuple's item
    name = ".".join(path)
    if error["type"] == "value_error":  # one of our own, of values that do not go together
        return f"{name}.{error['ctx']['error']}."
    if error["type"] == "extra_forbidden":
        known = list(Settings.model_fields)
        if len(path) == 2 and path[0] in SECTIONS:
            known = list(type(getattr(Settings(), path[0])).model_fields)
        return _unknown(name, known, f" (it was given {_shown(error['input'])})")
    here = [other for other in errors if other["loc"][: len(path)] == error["loc"][: len(path)]]
    return f"{name} cannot be {_shown(error['input'])}: {' or '.join(dict.fromkeys(_reason(other) for other in here))}."


def _reason(error: ErrorDetails) -> str:
    if error["type"] == "path_type":
        return "it must be the path of a file"
    return error["msg"].replace("Input should be", "it must be").replace("Field required", "a value is missing")


def _shown(value: Any) -> str:
    """A value for an error, without what may be a password in an address."""
    return redact_in(repr(value))
