"""Where each source's output goes, decided and checked against everything else before any work begins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from models.imaging.picture_formats import writable_suffixes
from models.places import Resolved, exists, is_file, is_folder
from stream.errors import UsageError, already_there
from stream.frame import SourceInfo
from stream.settings.schema import Settings
from stream.sinks.events import is_stdout
from stream.sinks.files import leads_elsewhere
from stream.sinks.picture import place
from stream.sinks.recording.video import FORMATS


class Written(Protocol):
    """What may be written: an input, or what will be one."""

    output: Path | None

    @property
    def info(self) -> SourceInfo: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def root(self) -> Path | None:
        """The folder it was found in, whose structure the output keeps; None where it was named itself."""
        ...

    @property
    def in_pieces(self) -> bool:
        """Whether it is recorded in pieces."""
        ...


def assign_outputs(
    inputs: Sequence[Written], output: Path | None, events: str | None, *, overwrite: bool, segment: bool, taken: Collection[Path] = ()
) -> None:
    """Decide where each input is written (`Input.output`), before any work.

    Args:
        output: what the user named, a file or a folder; None: nothing is written.
        events: where events go: a path, or "-" for standard output.
        segment: `--segment` was said: then each input must be a camera.
        taken: outputs of others, which these must leave alone.

    Raises:
        UsageError: an output fits its source in no way, would replace an input or what must not be replaced, or is written twice.
    """
    if output == Path("-"):
        raise UsageError("-o -: pictures are not written to standard output; name a file or a folder.")
    ordered = sorted(inputs, key=lambda one: not one.settings.output.enabled)  # those that are written come first
    infos = [one.info for one in ordered]
    if segment and (file := next((info for info in infos if not info.live), None)):
        raise UsageError(f"{file.name}: --segment cuts recordings of cameras, and this is none; leave it out.")
    written = [one for one in ordered if one.settings.output.enabled and output is not None]
    planned: list[Path] = []
    if output is not None and written:
        planned = plan_outputs(infos[: len(written)], output, [one.root for one in written], taken)
    lent = [path for one, path in zip(written, planned, strict=True) if one.in_pieces]
    others = [] if events is None or is_stdout(events) or leads_elsewhere(Path(events)) else [Path(events)]
    check_outputs(infos, planned, others, overwrite=overwrite, lent=lent, theirs=taken)
    for one, path in zip(written, planned, strict=True):
        one.output = path


def plan_outputs(infos: Sequence[SourceInfo], output: Path, roots: Sequence[Path | None], taken: Collection[Path] = ()) -> list[Path]:
    """The output path of each source: a file for a video or one picture, a folder for several pictures.

    Args:
        output: what the user named: a file, which only one source can have, or a folder.
        roots: the folder that each source was found in, whose structure the output keeps; None where it was named itself.
        taken: outputs of others: a video in a folder gets another name.

    Raises:
        UsageError: the output fits the source in no way.
    """
    known = output.suffix.lower() in FORMATS or output.suffix.lower() in writable_suffixes
    several = len(infos) > 1 or (infos[0].still and not infos[0].file_name and (infos[0].path is None or is_folder(infos[0].path)))
    if several and not is_folder(output) and (known or is_file(output)):
        raise UsageError(f"{output}: {_what(infos)}, so the output must be a folder, and this is the name of a file.")
    if not several and not is_folder(output) and output.suffix:
        _check_ending(infos[0], output)
        return [output]
    planned: list[Path] = []
    used = set(taken)
    for info, root in zip(infos, roots, strict=True):
        planned.append(output if info.still else _unused(output / _video_name(info, root), used))
        used.add(planned[-1])
    return planned


def check_outputs(
    infos: Sequence[SourceInfo],
    planned: Sequence[Path],
    others: Sequence[Path],
    *,
    overwrite: bool,
    lent: Collection[Path] = (),
    theirs: Collection[Path] = (),
) -> None:
    """Make sure that no input is written over, nothing is written twice, and nothing is replaced that must not be.

    Args:
        planned: as `plan_outputs` gives them; empty where no pictures are written.
        others: what else is written: the events.
        lent: those of `planned` that only lend their names, to pieces of a recording; they may be there already.
        theirs: outputs of others, which are not replaced whatever `overwrite` says.

    Raises:
        UsageError: it would be.
    """
    resolved = Resolved()
    inputs = {resolved(path) for info in infos for path in (info.pictures or (info.path,)) if path is not None and not is_folder(path)}
    taken = {resolved(path) for path in theirs}
    for path in [*_files(infos, planned), *others]:
        if resolved(path) in inputs:
            raise UsageError(f"{path}: this is an input; choose another output.")
        if resolved(path) in taken:
            raise UsageError(f"{path}: two results would be written to it; run the sources apart, or give their files different names.")
        if exists(path) and not is_folder(path) and not overwrite and path not in lent:
            raise UsageError(already_there(path))
        taken.add(resolved(path))


def _files(infos: Sequence[SourceInfo], planned: Sequence[Path]) -> Iterable[Path]:
    """Every file that will be written."""
    for info, path in zip(infos, planned, strict=False):  # nothing is planned where nothing is written
        if info.still and (is_folder(path) or path.suffix.lower() not in writable_suffixes):
            yield from (place(picture, info.path, path) for picture in info.pictures)
        else:
            yield path


def _check_ending(info: SourceInfo, output: Path) -> None:
    kind, endings = ("a picture", writable_suffixes) if info.still else ("a video", frozenset(FORMATS))
    if output.suffix.lower() not in endings:
        raise UsageError(f"{output}: {kind} cannot be written as {output.suffix}; there are {', '.join(sorted(endings))}.")


def _what(infos: Sequence[SourceInfo]) -> str:
    return f"{infos[0].name} holds several pictures" if len(infos) == 1 else "there are several sources"


def _video_name(info: SourceInfo, root: Path | None) -> Path:
    if info.named:
        return Path(f"{info.name}.mp4")
    if info.path is None:
        name = re.sub(r"[^\w.-]+", "-", info.name.split("?")[0].split("://")[-1]).strip("-.") or "camera"
        return Path(f"{name}.mp4")
    relative = info.path.relative_to(root) if root is not None and info.path.is_relative_to(root) else Path(info.path.name)
    return relative.with_name(f"{relative.stem}.mp4")


def _unused(path: Path, taken: Collection[Path]) -> Path:
    candidate, number = path, 1
    while candidate in taken:
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate
