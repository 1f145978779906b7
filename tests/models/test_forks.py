"""Models made before a fork answer in the child, as gunicorn --preload and multiprocessing need it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.forks import OfThisProcess, refuse_forked

LOADED = """
import multiprocessing, os, signal, sys
import numpy as np
from models import MTCNN, Classifier
from models.imaging.pictures import read_picture

image = read_picture(sys.argv[1])
detector, classifier = MTCNN(device="cpu", min_face_px=40), Classifier.load("face", device="cpu")

def look(_=None):
    signal.alarm(60)  # a child that hangs ends the test
    detections = detector.detect([image])[0]
    checked = detector.check([image], [detections.boxes])[0]
    crops = classifier.crop(image, detections.boxes)
    return detections.boxes.tolist(), checked.scores.tolist(), classifier.classify(crops, detections.scores).tolist()

here = look()
assert len(here[0]) == 1
"""
FORK = """
child = os.fork()
if not child:
    sys.exit(0 if look() == here == look() else 1)
idle = os.fork()
if not idle:
    sys.exit(0)  # one that never looks ends in peace, too
print(os.waitpid(child, 0)[1], os.waitpid(idle, 0)[1], look() == here)
"""
POOL = """
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(look, range(4), chunksize=1) == [here] * 4, look() == here)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("fork", "printed"), [(FORK, "0 0 True"), (POOL, "True True")])
def test_a_detector_and_a_classifier_answer_in_the_child_as_in_the_parent(fork: str, printed: str, portrait_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED + fork, str(portrait_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout.strip() == printed, done.stderr


def test_nothing_is_made_anew_in_the_process_that_made_it() -> None:
    made: list[np.ndarray] = []

    def make() -> int:
        made.append(np.zeros(1))
        return len(made)

    own = OfThisProcess(make)
    assert [own.get(), own.get()] == [1, 1]
    refuse_forked(os.getpid(), "this")
    with pytest.raises(RuntimeError, match="this was made before this process was forked"):
        refuse_forked(1, "this")


def test_a_network_for_samples_of_any_size_answers_in_the_child() -> None:
    """As YuNet's does, alone and several at a time."""
    code = """
import os, signal, sys
import numpy as np
from models.inference.any_size import AnySizeNetwork
from models.inference.openvino_quiet import ops, ov

numbers = ops.parameter([1, -1], np.float32)
network = AnySizeNetwork(ov.Model([ops.multiply(numbers, ops.constant(np.float32(3)))], [numbers]), "f32")

def ask():
    signal.alarm(30)
    samples = [np.arange(size, dtype=np.float32)[None] for size in (2, 5, 9)]
    return [float(answer.sum()) for several in (False, True) for (answer,) in network.each(samples, several=several)]

expected = [3.0, 30.0, 108.0] * 2
assert ask() == expected
child = os.fork()
if not child:
    sys.exit(0 if ask() == expected else 1)
print(os.waitpid(child, 0)[1], ask() == expected)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "0 True", done.stderr
