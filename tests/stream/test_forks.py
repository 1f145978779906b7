"""A run that began before a fork is the parent's: a child that asks it for more is told so at once, and harms nothing by ending."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.media import make_clip

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing forks there")

BEGUN = """
import os, signal, sys
from stream import watch
from stream.settings.loading import load_settings

def in_child(work):
    child = os.fork()
    if not child:
        signal.alarm(20)  # one that hangs ends the test
        work()
        sys.exit(0)
    return os.waitpid(child, 0)[1]

settings = load_settings(None, sys.argv[2:])
results = watch(sys.argv[1], settings)
result = next(results)
"""
ASKED = """
def ask():
    try:
        next(results)
    except RuntimeError as error:
        print(error, flush=True)
    global result
    print(result.picture.shape, flush=True)
    del result

print(in_child(ask), in_child(lambda: results.close()), in_child(lambda: None), flush=True)
print(1 + sum(1 for _ in results))
"""
ANEW = """
def look():
    for result in watch(sys.argv[1], settings):
        print(len(result.analysis.faces), flush=True)
        break

print(in_child(look), flush=True)
print(1 + sum(1 for _ in results))
"""
REFUSED = "was made before this process was forked, and does not work in it: make it in the process that uses it"


def printed(code: str, *words: str | Path) -> list[str]:
    command = [sys.executable, "-c", BEGUN + code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_child_is_told_at_once_and_the_parent_sees_every_frame(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=range(200))
    sentence, shape, statuses, frames = printed(ASKED, clip, "detector.enabled=false")
    assert sentence == f"the run of {clip} {REFUSED}"
    assert (shape, statuses, frames) == ("(240, 320, 3)", "0 0 0", "200")


def test_so_with_a_folder_of_pictures(tmp_path: Path, portrait_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(portrait_path.read_bytes())
    sentence, _, statuses, frames = printed(ASKED, tmp_path, "detector.enabled=false")
    assert sentence == f"the run of {tmp_path} {REFUSED}"
    assert (statuses, frames) == ("0 0 0", "20")


@pytest.mark.slow
def test_a_child_may_begin_a_run_of_its_own(tmp_path: Path, portrait_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(portrait_path.read_bytes())
    assert printed(ANEW, tmp_path, "classifier.model=none") == ["1", "0", "5"]


def test_a_source_that_is_read_on_a_thread_of_its_own_tells_the_child() -> None:
    code = """
import os, threading
from stream.sources.reader_thread import pumped

def numbers(unwanted):
    yield from range(100)

items = pumped(numbers, threading.Event())
first = next(items)
child = os.fork()
if not child:
    try:
        next(items)
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(first + sum(1 for item in items if item is not None))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines() == [f"what reads this source {REFUSED}", "99"], done.stderr


def test_a_lock_that_a_thread_holds_while_the_process_forks_is_free_in_the_child() -> None:
    code = """
import os, threading
from models.imaging.picture_formats import pillow_in_peace

held, forked = threading.Event(), threading.Event()

def hold():
    with pillow_in_peace():
        held.set()
        forked.wait(0.3)

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    import signal
    signal.alarm(10)
    with pillow_in_peace():
        os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "0\n", done.stderr
