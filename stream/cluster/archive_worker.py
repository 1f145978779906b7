"""An actor that does units of an archive, on one machine of the cluster."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import ray

from stream.cluster.cores import take_cores
from stream.errors import FacestreamError
from stream.settings.schema import Settings

if TYPE_CHECKING:
    from stream.archive.long_video import LongVideo, Step


@dataclass(frozen=True, slots=True)
class Asked:
    """What every worker of a run is told."""

    place: str
    """Of the store; its address where it is in an object store."""
    folder: Path
    """Where the command was started: from there its paths count."""
    settings: Settings
    events: bool
    max_frames: int | None
    run: str
    elsewhere: str
    """`Here.elsewhere`."""


F = TypeVar("F", bound=Callable[..., object])


def _beside(method: F) -> F:
    """It is answered also while a unit is done."""
    return cast(F, ray.method(concurrency_group="control")(method))


class ArchiveWorker:
    """Does one unit at a time; what is asked of it meanwhile is answered beside."""

    def __init__(self, asked: Asked, machine: str, cores: int) -> None:
        self._why_not = ""
        try:
            take_cores(machine, cores)
            self._begin(asked)
        except (FacestreamError, OSError) as error:  # Ray would only say that an actor died
            self._why_not = str(error)

    def _begin(self, asked: Asked) -> None:
        from stream.archive.scratch import here_for
        from stream.archive.store import Store
        from stream.archive.work import UnitWorker  # what it imports looks at how many cores there are
        from stream.job.job import load_analyser

        here = self._here = here_for([asked.elsewhere])
        store = Store(here.files(here.path(asked.place)))
        if not store.exists:
            raise FacestreamError(
                f"{store.files.around}: is not there on {platform.node()}; archives need storage that all machines share."
            )
        os.chdir(asked.folder)
        analyser = load_analyser(asked.settings, stands_back=False)
        self._worker = UnitWorker(
            asked.settings, store, analyser, events=asked.events, max_frames=asked.max_frames, run=asked.run, here=here
        )

    @_beside
    def ready(self) -> tuple[int, str]:
        """Its process, and why it cannot work; "" where it can."""
        return os.getpid(), self._why_not

    def work(self, line: str, alone: bool, left_out: list[str], whole: bool) -> bool | LongVideo:
        """Do a unit, as JSON; whether it is done, else it was given up.

        Args:
            whole: also a long video; else what is to do of that one is answered.

        Raises:
            SinkError: no unit can be done any more.
        """
        from stream.archive.unit import Unit

        unit = Unit.from_json(line)
        may_be_cut = not (whole or alone or left_out) and unit.kind == "video"
        video = self._worker.cut(unit) if may_be_cut else None
        return video or self._worker.run(unit, alone=alone, left_out=left_out, is_begun=may_be_cut) is not None

    def step(self, video: LongVideo, step: Step) -> tuple[bool, object]:
        """Take one step of a long video: whether it is done, and the answer.

        Raises:
            SourceError: it must be done whole.
            SinkError: no unit can be done any more.
        """
        return self._worker.step(video, step)

    @_beside
    def progress(self) -> tuple[float, int]:
        """How much of its unit is done, and a number that grows as long as something comes of it."""
        return self._worker.share, time.monotonic_ns() if self._worker.is_reading else self._worker.ticks

    @_beside
    def stop(self) -> None:
        """Give up what it is at."""
        self._worker.stop()

    @_beside
    def leave(self) -> None:
        """Remove what it has fetched; nothing more will be asked of it."""
        self._here.close()
