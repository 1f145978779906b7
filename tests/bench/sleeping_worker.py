"""A worker of `cluster.py slots`: its units are sleep."""

from __future__ import annotations

import os
import time
from typing import Any

import ray

UNIT_S = 0.2


class SleepingWorker:
    """What the driver asks of `ArchiveWorker`."""

    def __init__(self, asked: Any, machine: str, cores: int) -> None:
        self._ticks = 0

    @ray.method(concurrency_group="control")
    def ready(self) -> tuple[int, str]:
        return os.getpid(), ""

    def work(self, line: str, alone: bool, left_out: list[str], whole: bool) -> bool:
        time.sleep(UNIT_S)
        self._ticks += 1
        return True

    @ray.method(concurrency_group="control")
    def progress(self) -> tuple[float, int]:
        return 0.0, self._ticks

    @ray.method(concurrency_group="control")
    def stop(self) -> None:
        pass
