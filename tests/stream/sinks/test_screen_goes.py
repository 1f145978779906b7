"""The screen goes in the middle of a run (somebody logs out, an SSH connection ends): Qt alone would end the process there and then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.command import usual_environment
from tests.screen import x_server

SHOW = """
import sys
import numpy as np
from stream.errors import SinkError
from stream.sinks.screen.window import Window

windows = [Window("one"), Window("two")][: int(sys.argv[1])]
picture = np.zeros((48, 64, 3), np.uint8)
for window in windows:
    window.show(picture)
    window.poll()
print("shown", flush=True)
sys.stdin.readline()
for window in windows:
    for step in (lambda: window.show(picture), window.poll):
        try:
            step()
        except SinkError as error:
            print(error, flush=True)
    window.close()
    window.close()
print("outputs are finished", flush=True)
"""


@pytest.mark.parametrize("count", [1, 2])
def test_a_window_whose_screen_has_gone_is_an_error_that_can_be_caught(count: int) -> None:
    with x_server() as (display, server):
        command = [sys.executable, "-c", SHOW, str(count)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=usual_environment() | {"DISPLAY": display}, text=True, **pipes) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "shown\n"
            server.kill()
            server.wait()
            printed, complaints = process.communicate("go on\n", timeout=20)
    said = f"the display {display} has gone, and its window with it\n"
    assert (printed, complaints, process.returncode) == (2 * count * said + "outputs are finished\n", "", 0)
