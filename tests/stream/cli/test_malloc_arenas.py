"""Threads share heaps: what one of them frees serves the others."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from stream.cli.malloc_arenas import ARENAS

THREADS = 12
PROGRAM = f"""
import ctypes, os, re, sys, tempfile, threading
if "run" in sys.argv:
    from stream.cli.app import main
    try:
        main()
    except SystemExit:
        pass
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
c.fopen.restype, c.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p] * 2
together = threading.Barrier({THREADS})

def allocate():
    together.wait()
    c.malloc(1000)
    together.wait()  # a thread that is gone leaves its heap to the next one

threads = [threading.Thread(target=allocate) for _ in range({THREADS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(c.fopen(told.name.encode(), b"w"))
    c.malloc_info(0, file)
    c.fclose(file)
    print(len(re.findall(b"<heap nr", told.read())))
"""


def heaps(*arguments: str, **environment: str) -> int:
    kept = {name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")} | environment
    return int(subprocess.run([sys.executable, "-c", PROGRAM, *arguments], env=kept, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has such heaps")
def test_threads_of_a_run_share_heaps_unless_the_user_has_chosen_otherwise() -> None:
    assert heaps() > ARENAS
    assert heaps("run", "missing.mp4") <= ARENAS
    assert heaps("run", "missing.mp4", MALLOC_ARENA_MAX="1") == 1
    assert heaps("run", "missing.mp4", GLIBC_TUNABLES="glibc.malloc.arena_max=1") == 1
