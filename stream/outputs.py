"""Where each source's output goes, decided before anything is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from stream.errors import UsageError
from stream.frame import SourceInfo


def plan_outputs(infos: Sequence[SourceInfo], output: Path, *, overwrite: bool) -> list[Path]:
    """The output path of each source: a file for a video or one picture, a folder for several pictures.

    Args:
        output: what the user named: a file, which only one source can have, or a folder.

    Raises:
        UsageError: the output fits the source in no way, is one of the inputs, or is there already and must not be replaced.
    """
    from models.pictures import is_picture_name, writable_suffixes
    from stream.sinks.video import FORMATS

    folder = output.is_dir() or output.suffix == "" or len(infos) > 1
    if folder and output.is_file():
        raise UsageError(f"{output}: several outputs need a folder, and this is a file.")
    planned: list[Path] = []
    for info in infos:
        if info.still:
            many = info.path is None or info.path.is_dir()
            if not folder and many:
                raise UsageError(f"{output}: {info.name} holds several pictures, so the output must be a folder.")
            if not folder and output.suffix.lower() not in writable_suffixes:
                raise UsageError(f"{output}: a picture cannot be written as {output.suffix}; there are {_listed(writable_suffixes)}.")
            planned.append(output)
        elif folder:
            planned.append(_unused(output / f"{_stem(info)}.mp4", planned))
        else:
            if output.suffix.lower() not in FORMATS:
                hint = "a picture's" if is_picture_name(output) else "no video's"
                raise UsageError(f"{output}: {output.suffix} is {hint} ending; a video can be written as {_listed(FORMATS)}.")
            planned.append(output)
    for path in planned:
        _check(path, infos, overwrite)
    return planned


def _check(path: Path, infos: Sequence[SourceInfo], overwrite: bool) -> None:
    if path.is_dir() or not path.exists():
        return  # pictures in a folder are checked one by one, when their names are known
    for info in infos:
        if info.path is not None and info.path.exists() and path.samefile(info.path):
            raise UsageError(f"{path}: this is the input; choose another output.")
    if not overwrite:
        raise UsageError(f"{path}: is there already; add --overwrite to replace it.")


def _stem(info: SourceInfo) -> str:
    if info.path is not None:
        return info.path.stem
    return re.sub(r"[^\w.-]+", "-", info.name.split("?")[0].split("://")[-1]).strip("-.") or "camera"


def _unused(path: Path, taken: Sequence[Path]) -> Path:
    candidate, number = path, 1
    while candidate in taken:
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate


def _listed(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted(suffixes))
