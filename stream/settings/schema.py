"""Every setting, its default, its range and its meaning. The only module that reads YAML.

`config.yaml` is written from these models (`as_yaml`), so each default and each comment has one home.
"""

from __future__ import annotations

import difflib
import re
import textwrap
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from stream.errors import SettingsError

Share = Annotated[float, Field(ge=0, le=1)]
Thresholds = tuple[Share, Share, Share]


class Settings_(BaseModel):  # noqa: N801 - the shared base, not a setting of its own
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Detector(Settings_):
    """Finds faces (MTCNN)."""

    enabled: bool = Field(True, description="false: no faces are looked for at all")
    min_face_px: Annotated[int, Field(ge=12, le=10000)] | Literal["auto"] = Field(
        "auto", description="smallest face to find, px; auto: 20 in pictures, an eighteenth of the short side but at least 20 in videos"
    )
    preset: Literal["live", "wider"] = Field(
        "live",
        description="the authors' values: live, or wider (for benchmarks): more faces, four times the false finds, 1.7 times the time",
    )
    thresholds: Thresholds | None = Field(
        None, description="lowest scores to pass P-Net, R-Net and O-Net; null: the preset's (live: 0.6, 0.7, 0.7; wider: 0.5, 0.5, 0.3)"
    )
    pyramid_step: Annotated[float, Field(ge=0.5, le=0.95)] | None = Field(
        None, description="size of each pyramid level relative to the one before; null: the preset's (live: 0.709; wider: 0.79)"
    )
    mirror: bool = Field(False, description="true: look at each face mirrored too; landmarks 7 % closer for a tenth more time")
    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: the GPU where there is one")
    precision: Literal["auto", "f32"] = Field("auto", description="auto: bfloat16 where the processor has it; f32: always exact")


class Tracker(Settings_):
    """Gives each face a number that stays with it."""

    forget_after_s: Annotated[float, Field(ge=0, le=60)] = Field(1.0, description="a face not seen for so long gets a new number, s")
    min_overlap: Share = Field(0.3, description="least overlap (IoU) of a face with the place where its track should be")


class Classifier(Settings_):
    """Scores each face (CNN)."""

    model: str = Field("face", description="a shipped bundle's name, a bundle's folder, or none")
    threshold: Share | None = Field(None, description="lowest probability of the second class to be called so; null: the bundle's own")
    precision: Literal["auto", "f32"] = Field(
        "auto",
        description="auto: bfloat16 where the processor has it and the bundle says it changes no label in a thousand; f32: always exact",
    )
    every_s: Annotated[float, Field(ge=0, le=60)] = Field(
        0.5, description="how often a tracked face is scored again, s (a new face at once); 0: in every frame"
    )
    keep_dropped: bool = Field(False, description="true: also show what the model says is no face")


class Source(Settings_):
    """Cameras and files."""

    open_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(5.0, description="longest time to wait for a camera to answer, s")
    read_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        2.0, description="a camera silent for so long is lost and opened again, s"
    )
    retry_min_s: Annotated[float, Field(gt=0, le=60)] = Field(0.2, description="first pause before a lost camera is tried again, s")
    retry_max_s: Annotated[float, Field(gt=0, le=600)] = Field(2.0, description="longest such pause, s")
    rtsp_transport: Literal["tcp", "udp"] = Field("tcp", description="how RTSP pictures travel")
    camera_width: Annotated[int, Field(ge=0, le=16384)] = Field(0, description="asked of a webcam, px; 0: whatever it gives")
    camera_height: Annotated[int, Field(ge=0, le=16384)] = Field(0, description="the same, px")
    camera_rate: Annotated[float, Field(ge=0, le=1000)] = Field(0.0, description="the same, frames/s")
    loop: bool = Field(False, description="true: a video file is played as a camera: at its own pace, over and over, without its sound")


class Output(Settings_):
    """What is written."""

    enabled: bool = Field(True, description="false: this source is not written, although -o names a place; for one of sources")
    encoder: Literal["auto", "libx264", "h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox"] = Field(
        "auto", description="of H.264; auto: special hardware where it works and is as good, else libx264 (facestream doctor tells)"
    )
    crf: Annotated[int, Field(ge=0, le=51)] = Field(18, description="H.264 quality: lower is better and larger")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = Field(
        "veryfast", description="H.264 effort: slower makes smaller files"
    )
    audio: bool = Field(True, description="keep a file's sound")
    segment_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        0.0, description="cameras: a new file every so many minutes of the clock, named by UTC; 0: one file"
    )
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = Field(95, description="of JPEG and WebP pictures")


class Pipeline(Settings_):
    """How frames move."""

    batch_size: Annotated[int, Field(ge=1, le=256)] = Field(4, description="frames of a file looked at in one go")
    queue_size: Annotated[int, Field(ge=1, le=1024)] = Field(8, description="frames of a file that may wait before each stage")
    stalled_after_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        10.0, description="a thread that has been at one piece of work for so long is called stalled by /healthz, s"
    )


OWN: dict[str, frozenset[str]] = {
    "detector": frozenset({"enabled", "min_face_px"}),
    "tracker": frozenset(Tracker.model_fields),
    "classifier": frozenset({"threshold", "every_s", "keep_dropped"}),
    "source": frozenset(Source.model_fields),
    "output": frozenset(Output.model_fields),
}
"""What a source of `sources` may set for itself. The rest is one for all of them: they share one worker, its models and its batches."""

NAME = re.compile(r"\w(?:[\w .-]{0,62}\w)?")
"""A name that is a file's name on every system, and reads well in a window's title."""


class Named(Settings_):
    """One of `sources`: a camera, or what else `facestream run` takes, with a name and settings of its own."""

    name: str
    address: str
    """As it is written in the file: `${NAME}` in it stands for an environment variable (`sources.addresses.with_variables`)."""
    changes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of its own, by section and key."""


class Settings(Settings_):
    """All settings."""

    detector: Detector = Detector()
    tracker: Tracker = Tracker()
    classifier: Classifier = Classifier()
    source: Source = Source()
    output: Output = Output()
    pipeline: Pipeline = Pipeline()
    sources: tuple[Named, ...] = ()

    def of(self, source: Named) -> Settings:
        """What holds for one of `sources`: its own settings over these."""
        values = {section: getattr(self, section).model_dump() for section in SECTIONS}
        own = {section: {**values[section], **keys} for section, keys in source.changes.items()}
        return Settings.model_validate({**values, **own})


SECTIONS = tuple(name for name in Settings.model_fields if name != "sources")


def load_settings(path: Path | None = None, overrides: Iterable[str] = ()) -> Settings:
    """The defaults, then the file's values, then each `key.sub=value`.

    Raises:
        SettingsError: one sentence that names where, the key, the value and, where there is one, the nearest right name.
    """
    values: dict[str, Any] = {}
    place = "the settings"
    if path is not None:
        place = str(path)
        values = _read(path)
        _check(values, place)  # so that a fault in the file is not blamed on --set
    for override in overrides:
        _apply(values, override)
        place = "--set"
    return _check(values, place)


def as_yaml(settings: Settings | None = None) -> str:
    """The settings as a commented YAML file."""
    settings = settings or Settings()
    lines = [
        "# facestream's settings, each with its default. Copy this file, change what you need,",
        "# and name the copy: facestream run SOURCE --config my.yaml",
    ]
    for name in SECTIONS:
        section: Settings_ = getattr(settings, name)
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
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if section == "sources":
        raise SettingsError("--set sources: they are listed in a settings file only, or named on the command line.")
    if not (equals and dot and key):
        raise SettingsError(f"--set {override}: write it as section.key=value, such as detector.min_face_px=40.")
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
    return settings.model_copy(update={"sources": named})


def _named(entries: Any, place: str) -> tuple[Named, ...]:
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


def _one(entry: Any, place: str, number: int) -> Named:
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
    return Named(name=str(name), address=str(address), changes=changes)


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
    if error["type"] == "extra_forbidden":
        known = list(Settings.model_fields)
        if len(path) == 2 and path[0] in SECTIONS:
            known = list(type(getattr(Settings(), path[0])).model_fields)
        return _unknown(name, known, f" (it was given {_shown(error['input'])})")
    here = [other for other in errors if other["loc"][: len(path)] == error["loc"][: len(path)]]
    reasons = [other["msg"].replace("Input should be", "it must be").replace("Field required", "a value is missing") for other in here]
    return f"{name} cannot be {_shown(error['input'])}: {' or '.join(dict.fromkeys(reasons))}."


def _shown(value: Any) -> str:
    """A value for an error, without what may be a password in an address."""
    return re.sub(r"://[^\s'\"]*@", "://***@", repr(value))
