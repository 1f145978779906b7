"""The units of an archive done by the workers of a cluster."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from stream.archive.crew import Told
from stream.archive.here import Here
from stream.archive.run import check_options, run_archive
from stream.archive.store import Planned, Store
from stream.cluster import actors
from stream.cluster.archive_worker import ArchiveWorker, Asked
from stream.cluster.connection import connected
from stream.cluster.tasks import Task, Tasks
from stream.console import logs
from stream.errors import ClusterError, FacestreamError, SourceError, UsageError
from stream.job.job import Options
from stream.settings.schema import Settings
from stream.sources.addresses import in_object_store

IN_HAND = 2
"""Tasks of a worker: one that it is at, one that it begins at once after it."""
LOOK_S = 0.5
"""How often the machines, and what the workers are at, are looked at."""
STOP_S = 4.0
"""What has not ended by itself so long after it was asked to is ended."""
LEAVE_S = 1.0
"""To remove copies of files from object stores."""
DEATHS_IN_A_ROW = 4
"""A machine whose workers died so often, and finished nothing between, gets no more of them."""
NO_ROOM = "no worker has begun so far: the machines are busy or have no cores left; they are waited for"
NO_ROOM_S = 30.0
"""A run in which nobody works for so long says so."""
WORKER_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "TF_CPP_MIN_LOG_LEVEL": "2"}


def run_archive_on(addresses: Sequence[str], settings: Settings, options: Options, where: str) -> int:
    """What `facestream run --resume` does, by the workers of a cluster. The exit code.

    Raises:
        UsageError: it cannot be asked for so.
        ClusterError: there is no cluster, or none of its machines can do it.
    """
    check_options(options)
    if options.metrics_port is not None:
        raise UsageError("--metrics-port: the files of an archive are looked at on other machines; leave it out.")
    with connected(where):

        def hire(store: Store, here: Here) -> RayCrew:
            asked = Asked(
                in_object_store(store.files.name) or str(store.place.absolute()),
                Path.cwd(),
                settings,
                options.events is not None,
                options.max_frames,
                secrets.token_hex(4),
                here.elsewhere,
            )
            return RayCrew(asked)

        return run_archive(addresses, settings, options, hire)


@dataclass(slots=True, eq=False)
class _Worker:
    """One actor, as the driver sees it."""

    actor: Any
    node: actors.Node
    ready: Any
    """What it will say once it is."""
    works: bool = False
    tasks: dict[Any, Task] = field(default_factory=dict)
    """What it has in hand, by what will be the answer."""
    asked: Any = None
    """What will say how far it is."""
    share: float = 0.0
    ticks: int = -1
    moved_at: float = field(default_factory=time.monotonic)
    """When something last came of its unit."""


class RayCrew:
    """A `Crew` of actors: as many on each machine as it has cores for. Machines may come and go."""

    def __init__(self, asked: Asked, worker: type = ArchiveWorker) -> None:
        """
        Args:
            worker: what the actors are made of.
        """
        self._asked, self._settings = asked, asked.settings.cluster
        self._workers: list[_Worker] = []
        self._deaths = Counter[str]()
        """By machine, since one of its workers last finished a unit."""
        self._refused: dict[str, str] = {}
        """Machines that cannot work, and why."""
        self._stopped = False
        self._actor = ray.remote(concurrency_groups={"control": 2})(worker)

    def stop(self) -> None:
        self._stopped = True

    def do(self, store: Store, todo: Sequence[Planned], done_items: int, all_items: int, told: Told) -> bool:
        self._items, self._tasks = done_items, Tasks(store, todo, self._asked.run)
        looked_at, worked_at = 0.0, time.monotonic()
        try:
            while (len(self._tasks) or any(worker.tasks for worker in self._workers)) and not self._stopped:
                now = time.monotonic()
                if now - looked_at >= LOOK_S:
                    looked_at = now
                    self._look_at_machines()
                    self._look_at_workers()
                    at_work = [worker for worker in self._workers if worker.tasks]
                    worked_at = now if at_work or worked_at == float("inf") else worked_at
                    machines = len({worker.node.id for worker in at_work})
                    if machines:
                        in_hand = sum(worker.share * next(iter(worker.tasks.values())).planned.items for worker in at_work)
                        told(f"pictures and videos on {machines} machine{'s' if machines > 1 else ''}", self._items + in_hand, all_items)
                    elif now - worked_at > NO_ROOM_S:
                        logs.say(
                            "no worker has begun so far: the machines are busy or have no cores left; they are waited for",
                            level=logging.WARNING,
                        )
                        worked_at = float("inf")
                self._hand_out()
                self._take_answers()
            return not self._stopped
        finally:
            self._let_go()

    # machines and workers

    def _look_at_machines(self) -> None:
        """New ones get workers, lost ones have none any more."""
        nodes = {node.id: node for node in actors.nodes() if node.cpus > 0}
        for worker in [worker for worker in self._workers if worker.node.id not in nodes]:
            self._lose(worker, "the machine is lost", is_machine=True)
        for node in nodes.values():
            if node.id in self._refused or self._deaths[node.id] >= DEATHS_IN_A_ROW:
                continue
            there = sum(worker.node.id == node.id for worker in self._workers)
            for _ in range(max(1, int(node.cpus) // self._settings.cores_per_worker) - there):
                if self._settings.workers and len(self._workers) >= self._settings.workers:
                    return
                self._hire(node)
        given_up = [node for node in nodes if node in self._refused or self._deaths[node] >= DEATHS_IN_A_ROW]
        if nodes and len(given_up) == len(nodes) and not self._workers:
            reasons = sorted({self._refused.get(node, "its workers die one after the other") for node in nodes})
            raise ClusterError(f"no machine of the cluster can work: {'; '.join(reason.rstrip('.') for reason in reasons)}.")

    def _hire(self, node: actors.Node) -> None:
        cores = min(self._settings.cores_per_worker, node.cpus)
        options = {
            "num_cpus": cores,
            "max_restarts": 0,  # another is hired, also elsewhere
            "max_task_retries": 0,  # never by itself: what kills a worker would kill the next
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node.id, soft=False),
            "runtime_env": {"env_vars": WORKER_ENVIRONMENT},
        }
        actor = self._actor.options(**options).remote(self._asked, node.id, max(1, int(cores)))
        self._workers.append(_Worker(actor, node, actor.ready.remote()))

    def _look_at_workers(self) -> None:
        """Ask each how far it is; end one that hangs."""
        now = time.monotonic()
        for worker in [worker for worker in self._workers if worker.works]:
            if worker.asked is None:
                worker.asked = worker.actor.progress.remote()
            if worker.tasks and now - worker.moved_at > self._settings.silent_s:
                ray.kill(worker.actor)
                self._lose(worker, f"nothing came of it for {self._settings.silent_s:g} s")

    def _lose(self, worker: _Worker, why: str, *, is_machine: bool = False) -> None:
        """It is gone: its units are to be done again, first of all."""
        self._workers.remove(worker)
        tasks = list(worker.tasks.values())
        if is_machine:
            self._tasks.put_back(tasks)
        else:
            self._deaths[worker.node.id] += 1
            self._tasks.died(tasks)
        again = f"; {len(tasks)} task{'s are' if len(tasks) > 1 else ' is'} done again" if tasks else ""
        logs.say(f"a worker on {worker.node.name} is lost ({why}){again}", level=logging.WARNING)

    # units

    def _hand_out(self) -> None:
        free = sorted((worker for worker in self._workers if worker.works), key=lambda worker: len(worker.tasks))
        for rounds in range(IN_HAND):
            for worker in free:
                if not len(self._tasks) or (rounds and len(self._tasks) < len(free)):  # the last ones go to whoever is free first
                    return
                if len(worker.tasks) <= rounds:
                    self._give(worker, self._tasks.take())

    def _give(self, worker: _Worker, task: Task) -> None:
        if not worker.tasks:
            worker.moved_at, worker.share = time.monotonic(), 0.0
        method, arguments = self._tasks.asks(task)
        worker.tasks[getattr(worker.actor, method).remote(*arguments)] = task

    def _take_answers(self) -> None:
        waited = {answer: worker for worker in self._workers for answer in self._waited_for(worker)}
        if not waited:
            time.sleep(LOOK_S / 5)
            return
        come, _ = ray.wait(list(waited), num_returns=1, timeout=LOOK_S)
        if len(come) < len(waited):
            come, _ = ray.wait(list(waited), num_returns=len(waited), timeout=0)
        for answer in come:
            if waited[answer] in self._workers:
                self._take(waited[answer], answer)

    def _waited_for(self, worker: _Worker) -> Iterator[Any]:
        yield from worker.tasks
        if not worker.works:
            yield worker.ready
        if worker.asked is not None:
            yield worker.asked

    def _take(self, worker: _Worker, answer: Any) -> None:
        try:
            said = ray.get(answer)
        except SourceError:
            self._tasks.do_whole(worker.tasks.pop(answer))
            return
        except RayActorError:
            self._lose(worker, "it died")
            return
        except RayError as error:
            if isinstance(error, RayTaskError):  # what our own code raised
                raise (error.cause if isinstance(error.cause, FacestreamError) else error) from None
            self._lose(worker, " ".join(str(error).split())[:200])
            return
        if answer is worker.ready:
            worker.works = not said[1]
            if said[1]:
                self._refuse(worker, said[1])
        elif answer is worker.asked:
            worker.asked = None
            worker.share, ticks = said
            if ticks != worker.ticks:
                worker.ticks, worker.moved_at = ticks, time.monotonic()
        else:
            self._finished(worker, worker.tasks.pop(answer), said)

    def _refuse(self, worker: _Worker, why: str) -> None:
        self._workers.remove(worker)
        self._refused[worker.node.id] = why
        logs.say(f"{worker.node.name} does not take part: {why}", level=logging.WARNING)

    def _finished(self, worker: _Worker, task: Task, said: Any) -> None:
        worker.moved_at, worker.share = time.monotonic(), 0.0
        self._deaths[worker.node.id] = 0
        self._items += self._tasks.finished(task, said)

    # the end

    def _let_go(self) -> None:
        """Whoever is at something gives it up; nobody is left."""
        if any(worker.tasks for worker in self._workers):
            for worker in self._workers:
                if worker.works:
                    worker.actor.stop.remote()
            ray.wait(
                [answer for worker in self._workers for answer in worker.tasks],
                num_returns=sum(len(worker.tasks) for worker in self._workers),
                timeout=STOP_S,
            )
            self._clean_up()
            for worker in self._workers:
                ray.kill(worker.actor)
            self._workers = []
        else:
            self._clean_up()

    def _clean_up(self) -> None:
        """Nothing is left on the machines."""
        if self._asked.elsewhere and (left := [worker.actor.leave.remote() for worker in self._workers if worker.works]):
            ray.wait(left, num_returns=len(left), timeout=LEAVE_S)
