"""Threads are as many as the cores that a process may use, not as those that are there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASKED = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from fractions import Fraction
from models.cores import usable_cores
from models.inference.openvino_backend import calls_at_a_time
from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.encoders import software_encoder
info = SourceInfo("clip.mp4", 640, 360, rate=Fraction(60))
print(usable_cores(), calls_at_a_time(), software_encoder("libx264", info, OutputSettings()).frame_threads)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not say which cores a process may use")
def test_a_process_with_one_core_gets_threads_for_one() -> None:
    answer = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.split() == ["1", "1", "1"]
