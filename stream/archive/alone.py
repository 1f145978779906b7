"""The units of an archive done by this process alone, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from stream.archive.crew import Told, left_out
from stream.archive.here import Here
from stream.archive.run import run_archive
from stream.archive.store import Deaths, Planned, Store
from stream.archive.work import UnitWorker
from stream.job.job import Options, load_analyser
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.monitoring.server import serve
from stream.settings.schema import Settings

DEATHS_TO_BE_ALONE = 2
"""A unit that was begun so often and never came to its end is done picture by picture, after all others: once may be a power cut."""


class Alone:
    """A `Crew` of one."""

    def __init__(self, worker: UnitWorker) -> None:
        self._worker = worker
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self._worker.stop()

    def do(self, store: Store, todo: Sequence[Planned], done_items: int, all_items: int, told: Told) -> bool:
        worker, items = self._worker, done_items
        worker.ticked = lambda: told("pictures and videos", items + worker.share * planned.items, all_items)
        begun = store.begun()
        deaths = {planned.id: store.deaths(planned.id) if planned.id in begun else Deaths() for planned in todo}
        for planned in sorted(todo, key=lambda one: max(deaths[one.id].all, DEATHS_TO_BE_ALONE - 1)):  # what ends the program comes last
            mine = deaths[planned.id]
            record = (
                None if self._stopped else worker.run(store.unit(planned), alone=mine.all >= DEATHS_TO_BE_ALONE, left_out=left_out(mine))
            )
            if record is None:
                return False
            items += planned.items
        return True


def run_alone(addresses: Sequence[str], settings: Settings, options: Options) -> int:
    """What `run_archive` does, by this process."""
    health = Health(settings.pipeline.stalled_after_s)
    metrics = Metrics(health)

    def hire(store: Store, here: Here) -> Alone:
        worker = UnitWorker(
            settings,
            store,
            load_analyser(settings, stands_back=False),
            events=options.events is not None,
            max_frames=options.max_frames,
            observers=[metrics],
            health=health,
            here=here,
        )
        return Alone(worker)

    with ExitStack() as stack:
        if options.metrics_port is not None:
            stack.enter_context(serve(metrics, health, options.metrics_port, options.metrics_host))
        return run_archive(addresses, settings, options, hire)
