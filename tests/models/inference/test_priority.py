"""On Linux the threads that look and record stand back behind those that read and show."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from models.inference.priority import stand_back

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priority for each thread")


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_thread_and_those_it_starts_stand_back_and_no_other_does() -> None:
    seen: dict[str, int] = {}

    def start() -> None:
        stand_back(3)
        seen["itself"] = nice()
        child = threading.Thread(target=lambda: seen.update(child=nice()))
        child.start()
        child.join()
        stand_back(0)
        stand_back(40)
        seen["last"] = nice()

    own = nice()
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert seen == {"itself": min(19, own + 3), "child": min(19, own + 3), "last": 19}
    assert nice() == own
