"""What is left of an archive to hand out: units, and steps of long videos."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.archive.crew import left_out
from stream.archive.long_video import LongVideo, Step, forget
from stream.archive.store import Planned, Store
from stream.console import logs


@dataclass(slots=True, eq=False)
class Task:
    """What is handed to a worker: a unit, or a step of a long video."""

    planned: Planned
    whole: bool = False
    """Also a long video is done by one."""
    video: LongVideo | None = None
    step: Step | None = None
    deaths: int = 0
    """Of workers that were at this step."""
    left_out: bool = False
    """Nobody tries it any more: that is to be noted."""


class Tasks:
    """The tasks that nobody has in hand, in the order in which they are to be begun. One thread."""

    def __init__(self, store: Store, todo: Sequence[Planned], run: str) -> None:
        """
        Args:
            run: whose deaths are counted.
        """
        by_size = sorted(todo, key=lambda one: -one.size)  # what takes long first: no one shall be left with it at the end
        self._queue = deque(map(Task, by_size))
        self._store, self._run = store, run
        self._died: set[str] = set()
        """Units at which a worker has died."""
        self._abandoned: set[Path] = set()
        """Folders of long videos that are done whole after all."""

    def __len__(self) -> int:
        return len(self._queue)

    def take(self) -> Task:
        return self._queue.popleft()

    def put_back(self, tasks: Sequence[Task]) -> None:
        """They are to be begun again, before all others."""
        self._queue.extendleft(reversed(tasks))

    def asks(self, task: Task) -> tuple[str, Sequence[Any]]:
        """Which method of a worker does it, and with which arguments."""
        if task.step is not None:
            return "step", (task.video, task.step)
        unit, alone, without = self._store.unit(task.planned), False, list[str]()
        if task.planned.id in self._died:
            deaths = self._store.deaths(unit.id, self._run)
            alone, without = deaths.all > 0, left_out(deaths)
        if task.left_out:
            without = [*unit.paths]
        return "work", (unit.as_json(), alone, without, task.whole)

    def died(self, tasks: Sequence[Task]) -> None:
        """A worker has died that had these in hand, the first of them begun."""
        self.put_back(tasks)
        self._died.update(task.planned.id for task in tasks)
        if tasks and tasks[0].step is not None:
            tasks[0].deaths += 1
            if tasks[0].deaths > 1:  # whoever would be the third is spared
                self.do_whole(tasks[0], left_out=True)

    def finished(self, task: Task, said: Any) -> int:
        """What a worker has said to a task. How many more pictures and videos are done."""
        if task.step is None or task.video is None:
            if isinstance(said, LongVideo):
                logs.say(f"{said.cut.info.name}: is done in {len(said.cut.segments)} segments")
                self._add(task, said, said.begin())
            elif not said:
                self.put_back([task])
            return task.planned.items if said is True else 0
        done, answer = said
        if task.video.folder in self._abandoned:
            return 0
        if not done:
            self.put_back([task])
            return 0
        self._add(task, task.video, task.video.ended(task.step, answer))
        return task.planned.items if task.step.kind == "join" else 0

    def do_whole(self, task: Task, *, left_out: bool = False) -> None:
        """No more steps of a long video: it is done by one, or not at all."""
        if task.video is None or task.video.folder in self._abandoned:
            return
        forget(task.video)
        self._abandoned.add(task.video.folder)
        self._queue = deque(other for other in self._queue if other.video is not task.video)
        self.put_back([Task(task.planned, whole=True, left_out=left_out)])

    def _add(self, task: Task, video: LongVideo, steps: Sequence[Step]) -> None:
        """Before all else: what is begun is to come to its end."""
        self.put_back([Task(task.planned, video=video, step=step) for step in steps])
