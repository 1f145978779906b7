"""An end that was asked for comes, wherever the program is: what libraries do with an exception in their midst must not lose it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import usual_environment

BEGIN = """
import os, signal, sys, time
from stream.signals import check_interrupted, interruptible, is_interrupted
def asked():
    os.kill(os.getpid(), signal.{name})
    sum(range(1000))  # Python hears of it between two steps of its own
def at_work():
    for _ in range(500):
        time.sleep(0.01)
    print("not ended")
def tried(work):
    try:
        with interruptible({{'slow_module', 'endless_module'}}):
            work()
    except KeyboardInterrupt:
        print("ended")
"""

DROPPED = """
class Thing:
    def __del__(self):
        asked()
def work():
    Thing()
    at_work()
tried(work)
"""

SWALLOWED = """
def work():
    try:
        asked()
    except BaseException:  # as C does that clears what it did not expect
        pass
    assert is_interrupted()
    check_interrupted()
tried(work)
"""

IMPORTED = """
from pathlib import Path
Path("slow_module.py").write_text('''
import __main__, time
try:
    __main__.asked()
    time.sleep(0.2)
    print("whole")
except BaseException:
    print("half")
''')
sys.path.insert(0, ".")
def work():
    import slow_module
    at_work()
tried(work)
"""

ENDLESS_IMPORT = """
from pathlib import Path
Path("endless_module.py").write_text('''
import __main__
__main__.asked()
__main__.at_work()
''')
sys.path.insert(0, ".")
def work():
    import endless_module
tried(work)
"""

OTHER_IMPORT = """
from pathlib import Path
Path("other_module.py").write_text('import __main__; __main__.asked(); print("whole")')
sys.path.insert(0, ".")
def work():
    import other_module
tried(work)
"""

AT_ONCE = """
def work():
    asked()
    print("late")
tried(work)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("code", "printed", "exit_code"),
    [
        (AT_ONCE, "ended\n", 0),
        (DROPPED, "ended\n", 0),
        (SWALLOWED, "ended\n", 0),
        (IMPORTED, "whole\nended\n", 0),
        (ENDLESS_IMPORT, "", 130),
        (OTHER_IMPORT, "ended\n", 0),
    ],
    ids=["at once", "dropped", "swallowed", "in a brittle import", "in one without end", "in another import"],
)
def test_an_end_that_was_asked_for_comes(name: str, code: str, printed: str, exit_code: int, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows sends no signals to itself")
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(name=name) + code],
        capture_output=True, text=True, timeout=20, cwd=tmp_path, env=usual_environment(), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (exit_code, printed, "")
