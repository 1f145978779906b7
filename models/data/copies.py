"""What is there twice, or almost: it counts once, and is never both learnt from and judged on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.data.samples import Part
from models.data.survey import Entry, Outcome

NEAR_BITS = 16
"""Of 128 bits of the hash: pictures that differ in no more are copies of one. Seen on six sets of 90 to 1900 photos: of the pairs up to 16
bits apart, all but one show the same moment (another crop or compression, or the next frame); from 17 up most do not."""
COMPARED_AT_A_TIME = 2**22
"""Pairs of pictures: bounds the memory to 34 MB."""
MANY = 64
"""Pictures of one group that are worth a comparison of their own (a guess)."""
KEPT_BEFORE: tuple[Part | None, ...] = ("test", "validation", "train", None)
"""Of copies in several parts of the data, that in the first of these stays."""
LEFT_OUT_FOR: dict[Part | None, Outcome] = {"test": "in test", "validation": "in validation"}


def mark_copies(entries: list[Entry], progress: Callable[[str, int, int], None] = lambda what, done, of: None) -> None:
    """Leaves out what is there twice and groups what is nearly the same."""
    _mark_exact(entries)
    shown = [entry for entry in entries if entry.look is not None and entry.usable]
    groups = near_groups([entry.look.hashes for entry in shown if entry.look is not None], progress)
    members: dict[int, list[Entry]] = {}
    for entry, group in zip(shown, groups.tolist(), strict=True):
        members.setdefault(group, []).append(entry)
    for same in members.values():
        first = min(same, key=lambda entry: KEPT_BEFORE.index(entry.side))
        for entry in same:
            entry.group, entry.has_near = same[0].origin, len(same) > 1
            if entry.side != first.side:
                entry.outcome, entry.reason = LEFT_OUT_FOR[first.side], f"nearly the same as {first.origin}"


def near_groups(hashes: Sequence[np.ndarray], progress: Callable[[str, int, int], None] = lambda what, done, of: None) -> np.ndarray:
    """Which pictures are copies of one another, mirrored or not, directly or by way of others.

    Each is compared with those that it is not yet known to belong to: frames of one scene cost no more than as many single pictures.

    Args:
        hashes: (2, 128) bool each, of a picture and of its mirror image.
        progress: told how many pictures are compared.

    Returns:
        (N,) int: the same number for those of one group, that of its first picture.
    """
    count = len(hashes)
    group = np.arange(count)
    if not count:
        return group
    signs = np.stack(hashes).astype(np.float32) * 2 - 1  # the product of two is 128 - 2 * the bits that differ
    waiting = np.arange(count)
    while len(waiting):
        progress("comparing pictures", count - len(waiting), count)
        ours, theirs = waiting[group[waiting] == group[waiting[0]]], waiting
        if len(ours) >= MANY:  # known to belong together: only the others are of interest
            theirs = waiting[group[waiting] != group[waiting[0]]]
        else:
            ours = waiting
        ours = ours[: max(COMPARED_AT_A_TIME // max(len(theirs), 1), 1)]
        _unite(group, ours, theirs, signs)
        waiting = waiting[~np.isin(waiting, ours, assume_unique=True)]
    progress("comparing pictures", count, count)
    return group


def _unite(group: np.ndarray, ours: np.ndarray, theirs: np.ndarray, signs: np.ndarray) -> None:
    """Makes one group of those of (N, 2, 128) signs that are nearly the same: of each of `ours`, and of `theirs` or their mirror images."""
    nearness = signs[ours, 0] @ signs[theirs].reshape(-1, signs.shape[2]).T
    rows, columns = np.nonzero(nearness >= signs.shape[2] - 2 * NEAR_BITS)
    near = theirs[columns // 2]
    ends = np.searchsorted(rows, np.arange(len(ours) + 1))  # by row, in order
    for row in np.unique(rows):
        own, others = group[ours[row]], group[near[ends[row] : ends[row + 1]]]
        if (others != own).any():
            joined = np.unique([own, *others])
            group[np.isin(group, joined)] = joined[0]


def _mark_exact(entries: list[Entry]) -> None:
    by_content: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.usable:
            by_content.setdefault(entry.content, []).append(entry)
    for same in by_content.values():
        first, *others = sorted(same, key=lambda entry: KEPT_BEFORE.index(entry.side))
        if len({entry.label for entry in same}) > 1:
            for entry in same:
                other = next(another for another in same if another.label != entry.label)
                entry.outcome, entry.reason = "other class", f"the same picture is also in {other.label}: {other.origin}"
        else:
            for entry in others:
                entry.outcome = "copy" if entry.side == first.side else LEFT_OUT_FOR[first.side]
                entry.reason = f"the same file as {first.origin}"
