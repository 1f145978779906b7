"""Copies are found however many there are: exactly, quickly and in little memory."""

from __future__ import annotations

import time

import numpy as np
import pytest

from models.data import copies
from models.data.copies import NEAR_BITS, near_groups


def hashes_near(seed: int, count: int, bits: int) -> list[np.ndarray]:
    """Hashes of `count` pictures, each with up to `bits` bits other than the first; mirror images belong to no other picture."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 2, (2, 128)).astype(bool)
    made = []
    for _ in range(count):
        own = first.copy()
        own[0, rng.choice(128, int(rng.integers(0, bits + 1)), replace=False)] ^= True
        own[1] = rng.integers(0, 2, 128).astype(bool)
        made.append(own)
    return made


def by_every_pair(hashes: list[np.ndarray]) -> list[set[int]]:
    """The same, the slow way: every pair, and who is joined by way of others."""
    groups = [{i} for i in range(len(hashes))]
    for i in range(len(hashes)):
        for j in range(i):
            if min((hashes[i][0] != hashes[j][0]).sum(), (hashes[i][0] != hashes[j][1]).sum()) <= NEAR_BITS:
                one, other = (next(group for group in groups if k in group) for k in (i, j))
                if one is not other:
                    groups.remove(other)
                    one |= other
    return sorted(groups, key=min)


@pytest.mark.parametrize("pairs_at_a_time", [1, 300, 2**22])
def test_groups_are_those_that_every_pair_gives(monkeypatch: pytest.MonkeyPatch, pairs_at_a_time: int) -> None:
    monkeypatch.setattr(copies, "COMPARED_AT_A_TIME", pairs_at_a_time)
    monkeypatch.setattr(copies, "MANY", 5)
    chain = hashes_near(9, 1, 0)  # each is near the next, and far from the first
    for step in range(9):
        chain.append(chain[-1].copy())
        chain[-1][0, step * 12 : step * 12 + 12] ^= True
    mirrored = [np.stack([chain[0][1], chain[0][0]])]
    everything = [
        *hashes_near(1, 20, 8),
        *hashes_near(2, 12, 20),
        *chain,
        *mirrored,
        *(one for n in range(25) for one in hashes_near(50 + n, 1, 0)),
    ]
    order = np.random.default_rng(4).permutation(len(everything))
    mixed = [everything[i] for i in order]
    found = near_groups(mixed)
    assert [set(np.flatnonzero(found == first)) for first in np.unique(found)] == by_every_pair(mixed)
    assert len(np.unique(found)) > 25
    assert all(found[first] == first for first in np.unique(found)), "a group has the number of its first picture"


@pytest.mark.alone
def test_frames_of_one_scene_cost_no_more_the_more_there_are() -> None:
    """A webcam's burst: the time for each picture stays, where each pair would double it."""
    told: list[int] = []

    def seconds(count: int) -> float:
        begun, frames = time.perf_counter(), hashes_near(3, count, 6)
        made = time.perf_counter()
        assert (near_groups(frames, lambda what, done, of: told.append(done)) == 0).all()
        return time.perf_counter() - made + 0 * begun

    seconds(500)
    few, many = (min(seconds(count) for _ in range(2)) for count in (2000, 16000))
    assert many < 16 * max(few, 0.05), f"{few:.2f} s for 2000, {many:.2f} s for 16000"
    assert told[-1] == 16000
    assert near_groups([]).tolist() == []
