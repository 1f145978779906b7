"""A test that needs the machine alone has it, and two tests never get one port."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from tests.paths import ROOT
from tests.ports import free_port
from tests.scheduling import Machine
from tests.waiting import wait_for


def test_one_that_is_alone_waits_for_the_others_and_lets_none_begin_meanwhile(tmp_path: Path) -> None:
    first, second, alone, late = (Machine(tmp_path) for _ in range(4))  # of four workers
    happened: list[str] = []

    def run(machine: Machine, name: str, *, alone: bool) -> threading.Thread:
        def take() -> None:
            machine.take(alone=alone)
            happened.append(name)

        thread = threading.Thread(target=take)
        thread.start()
        return thread

    first.take(alone=False)
    second.take(alone=False)
    threads = [run(alone, "alone", alone=True)]
    threads[0].join(0.1)
    threads.append(run(late, "late", alone=False))
    threads[1].join(0.1)
    first.release()
    threads[0].join(0.1)
    assert happened == [], "the second still runs"
    second.release()
    wait_for(lambda: happened == ["alone"])
    threads[1].join(0.1)
    assert happened == ["alone"]
    alone.take(alone=True)  # one more such test, while somebody waits at the door
    alone.release()
    wait_for(lambda: happened == ["alone", "late"])
    late.release()
    for thread in threads:
        thread.join()


def test_no_port_is_given_twice() -> None:
    code = "from tests.ports import free_port\nprint(*(free_port() for _ in range(200)))\ninput()"
    command = [sys.executable, "-c", code]
    others = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ports = [free_port() for _ in range(200)]
    for other in others:
        assert other.stdout is not None
        ports += map(int, other.stdout.readline().split())
    for other in others:
        other.communicate("\n")
    assert len(ports) == len(set(ports)) == 600
