"""Who is learnt from and who is judged on: never the same picture, nor a copy of it, on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.data.samples import Part, Sample, Split, labels_of
from models.errors import ModelError

SHARES: dict[Part, float] = {"test": 0.15, "validation": 0.15}


def split_samples(samples: Sequence[Sample], seed: int, fixed: Mapping[str, Part] | None = None) -> Split:
    """Divides by groups; each class has its share on each side, at least one sample.

    Args:
        fixed: by a sample's origin, the part that it is in already. A part that nothing is in is divided off what is to be learnt from.

    Raises:
        ModelError: a class shows too few different pictures for that.
    """
    split: Split = {"train": [], "validation": [], "test": []}
    rest: list[Sample] = []
    for sample in samples:
        part = (fixed or {}).get(sample.origin, "train")
        (rest if part == "train" else split[part]).append(sample)
    shares = {part: share for part, share in SHARES.items() if not split[part]}
    totals = np.bincount(labels_of(rest), minlength=_classes(samples))
    quotas = {part: np.maximum(np.rint(share * totals), 1) for part, share in shares.items()}
    filled = {part: np.zeros_like(totals) for part in shares}
    for group in _groups(rest, seed):
        counts = np.bincount(labels_of(group), minlength=len(totals))
        part = next((part for part in shares if (filled[part] + counts <= quotas[part]).all()), "train")
        if part != "train":
            filled[part] += counts
        split[part] += group
    for part, chosen in split.items():
        for label, present in enumerate(np.bincount(labels_of(chosen), minlength=len(totals))):
            if not present:
                raise ModelError(_too_few([sample for sample in samples if sample.label == label], part))
    return {part: sorted(chosen, key=lambda sample: sample.origin) for part, chosen in split.items()}


def folds(samples: Sequence[Sample], count: int, seed: int) -> list[list[Sample]]:
    """The samples in `count` parts of about equal size in each class; groups stay whole."""
    parts: list[list[Sample]] = [[] for _ in range(count)]
    filled = np.zeros((count, _classes(samples)))
    for group in sorted(_groups(samples, seed), key=len, reverse=True):
        counts = np.bincount(labels_of(group), minlength=filled.shape[1])
        emptiest = int((filled @ counts).argmin())
        filled[emptiest] += counts
        parts[emptiest] += group
    return parts


def fingerprint(split: Split) -> str:
    """The same for the same samples on the same sides, and for nothing else; where a face is found may change with the detector."""
    digest = hashlib.sha256()
    for part, samples in sorted(split.items()):
        for sample in samples:
            if sample.content:
                digest.update(f"{part} {sample.label} {sample.content}".encode())
                continue
            digest.update(f"{part} {sample.label} {sample.picture.shape} {sample.box.tolist()}".encode())
            digest.update(sample.picture.tobytes())
    return digest.hexdigest()


def _classes(samples: Sequence[Sample]) -> int:
    return int(labels_of(samples).max(initial=0)) + 1


def _groups(samples: Sequence[Sample], seed: int) -> list[list[Sample]]:
    """In random order."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.group, []).append(sample)
    listed = list(groups.values())
    return [listed[i] for i in np.random.default_rng(seed).permutation(len(listed))]


def _too_few(samples: Sequence[Sample], part: Part) -> str:
    if not samples:
        return f"a class has no usable picture for {part}."
    different = len({sample.group for sample in samples})
    folder = Path(samples[0].origin).parent
    return f"{folder}: shows only {different} different picture{'' if different == 1 else 's'}; that leaves none for {part}."
