"""How well people are known by a network that does not ship, calibrated by strangers alone: a part of `identity.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from identity_faces import DIVERSE, LFW, halves, one_each, read_faces, seed
from identity_galleries import judge
from identity_parts import tell_pairs

from models.identity.calibration import calibrate
from models.identity.cohort import Cohort
from models.identity.grouping import group
from models.identity.network_file import NetworkFile
from tests.identity_onnx import projection, write_network

NUMBERS = (128, 64)


def another_network() -> None:
    """The network that ships as an ONNX file of 112 px, with all of its 128 numbers, and with 64 drawn by chance."""
    with tempfile.TemporaryDirectory() as folder:
        for numbers in NUMBERS:
            path = write_network(Path(folder) / f"{numbers}.onnx", projection=None if numbers == 128 else projection(numbers))
            print(f" {numbers} numbers")
            _judge(NetworkFile(path))


def _judge(network: NetworkFile) -> None:
    learnt, judged = halves(read_faces(LFW, network))
    diverse, alone, random = read_faces(DIVERSE, network), one_each(learnt), seed("another network")
    cohorts = {f"{len(alone)} people of LFW": calibrate(learnt.vectors[alone], network.id)}
    for draw in range(3):
        cohorts[f"500 people of LFW ({draw + 1})"] = calibrate(learnt.vectors[random.permutation(alone)[:500]], network.id)
    cohorts[f"{len(diverse.files)} of UTKFace"] = calibrate(diverse.vectors, network.id)
    tell_pairs(judged, next(iter(cohorts.values())))
    for name, cohort in cohorts.items():
        print(f"  strangers: {name}; shown is a score up to {cohort.table.shown:.1f}")
        for people, photos in ((5, 3), (20, 1), (20, 3), (20, 5), (100, 1), (100, 3)):
            print(f"    {people:3} people, {photos} photos: {judge(judged, people, photos, cohort=cohort).sentence()}")
        for people in (20, 100):
            fewer = judge(judged, people, 3, cohort=cohort, false_names=0.001)
            print(f"    {people:3} people, 3 photos, false_names 0.001: {fewer.sentence()}")
    usual, shipped = halves(read_faces(LFW))[0], Cohort.load()
    some = np.isin(learnt.people, random.permutation(np.unique(learnt.people))[:600])
    several = np.unique(group(usual.vectors[some], shipped), return_index=True)[1]
    cohort = calibrate(learnt.vectors[some][several], network.id)
    print(f"  strangers: {some.sum()} photos of 600 people of LFW, by calibrate taken for {len(several)} people")
    for people, photos in ((20, 3), (100, 1)):
        print(f"    {people:3} people, {photos} photos: {judge(judged, people, photos, cohort=cohort).sentence()}")
