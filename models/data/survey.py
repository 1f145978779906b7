"""What is wrong with a folder of pictures, told before anything is learnt from it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.atomic import written_whole
from models.data.crop_cache import Look
from models.data.samples import Part
from models.errors import ModelError

APART = 0.15
"""Kolmogorov-Smirnov distance, beyond what chance gives, from which the sources of two classes look different. Seen: sets from one source
stay under 0.1, a mask set whose classes were collected in two ways has 0.2 to 0.4."""
IMBALANCED = 3.0
"""Times as many pictures in the largest class as in the smallest, from which it is said (a guess)."""

Outcome = Literal[
    "one face", "several faces", "whole", "no face", "unreadable", "no picture", "copy", "other class", "in test", "in validation"
]

USABLE: frozenset[Outcome] = frozenset({"one face", "several faces", "whole"})
WORDS: dict[Outcome, str] = {
    "one face": "with one face",
    "several faces": "with several faces (the largest central one is used)",
    "whole": "without a found face, taken whole as a crop",
    "no face": "without a face, left out",
    "unreadable": "unreadable, left out",
    "no picture": "no pictures, left out",
    "copy": "copies of another of its class, left out",
    "other class": "also in another class, left out",
    "in test": "copies of a test picture, left out of training",
    "in validation": "copies of a validation picture, left out of training",
}


@dataclass(slots=True, eq=False)
class Entry:
    """One file and what became of it."""

    path: Path
    label: str
    """Its class."""
    side: Part | None
    """None where the folder is not divided."""
    origin: str
    """The path within the folder."""
    outcome: Outcome = "unreadable"
    reason: str = ""
    look: Look | None = None
    content: str = ""
    """SHA-256 of the file."""
    file_bytes: int = 0
    group: str = ""
    """Copies and near-copies share it."""
    has_near: bool = False
    """There are others of its group."""

    @property
    def usable(self) -> bool:
        return self.outcome in USABLE


class Survey:
    """What became of every file of a folder."""

    def __init__(self, data: Path, classes: tuple[str, ...], entries: list[Entry]) -> None:
        self.data = data
        self.classes = classes
        self.entries = entries

    def of(self, name: str) -> list[Entry]:
        """The files of a class."""
        return [entry for entry in self.entries if entry.label == name]

    def sections(self) -> list[tuple[str, list[str]]]:
        """A heading and sentences each; empty ones are left out."""
        made = [
            ("Pictures", [self._count(name) for name in self.classes]),
            ("Left out", list(self._left_out())),
            ("Copies", list(self._copies())),
            ("Balance", list(self._balance())),
            ("Sources", list(self._sources())),
        ]
        return [(heading, lines) for heading, lines in made if lines]

    def write(self, path: Path) -> None:
        """A CSV with a row for each file: path, class, side, what became of it, why, group, size, faces, sharpness.

        Raises:
            ModelError: it cannot be written.
        """
        rows = io.StringIO(newline="")
        self._write_rows(csv.writer(rows))
        try:
            with written_whole(path) as fresh:
                fresh.write_text(rows.getvalue(), encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error

    def _write_rows(self, table: Any) -> None:
        table.writerow(["file", "class", "side", "used", "outcome", "reason", "group", "width", "height", "faces", "sharpness"])
        for entry in self.entries:
            look = entry.look
            seen = [*look.size, look.faces, round(look.sharpness, 2)] if look else ["", "", "", ""]
            used = "yes" if entry.usable else "no"
            table.writerow([entry.origin, entry.label, entry.side, used, WORDS[entry.outcome], entry.reason, entry.group, *seen])

    def _count(self, name: str) -> str:
        outcomes = Counter(entry.outcome for entry in self.of(name))
        parts = [f"{outcomes[outcome]} {words}" for outcome, words in WORDS.items() if outcomes[outcome]]
        return f"{name}: {sum(outcomes.values())} files: " + "; ".join(parts)

    def _left_out(self) -> Iterator[str]:
        for entry in self.entries:
            if entry.outcome in ("unreadable", "no picture", "other class"):
                yield f"{entry.origin}: left out: {entry.reason}."

    def _copies(self) -> Iterator[str]:
        groups: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.has_near and entry.usable:
                groups.setdefault(entry.group, []).append(entry)
        many = [entries for entries in groups.values() if len(entries) > 1]
        if many:
            pictures = sum(map(len, many))
            yield f"{pictures} pictures are nearly the same as others ({len(many)} groups); the split keeps a group together."
        for entries in many:
            if len({entry.label for entry in entries}) > 1:
                yield "nearly the same, in different classes: " + ", ".join(entry.origin for entry in entries) + "; is one misfiled?"

    def _balance(self) -> Iterator[str]:
        counts = {name: sum(entry.usable for entry in self.of(name)) for name in self.classes}
        most, least = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
        if counts[most] >= IMBALANCED * max(counts[least], 1):
            yield (
                f"{most} has {counts[most]} pictures and {least} {counts[least]}; each class is drawn equally often in training, "
                "but more pictures of the small one would teach more."
            )

    def _sources(self) -> Iterator[str]:
        """What tells the pictures of a class from the others without a look at a face: a network would learn that first."""
        usable = [(entry, entry.look) for entry in self.entries if entry.usable and entry.look is not None]
        labels = np.array([entry.label for entry, _ in usable])
        measures = {
            "size": ("px on the shorter side", [min(look.size) for _, look in usable]),
            "shape": ("times as wide as high", [look.size[0] / look.size[1] for _, look in usable]),
            "sharpness": ("log variance of the Laplacian", [look.sharpness for _, look in usable]),
            "compression": ("bytes a pixel", [entry.file_bytes / (look.size[0] * look.size[1]) for entry, look in usable]),
            "framing": ("taken whole, for no face was found", [float(entry.outcome == "whole") for entry, _ in usable]),
        }
        told = False
        for name in self.classes[1:] if len(self.classes) == 2 else self.classes:
            for word, (unit, values) in measures.items():
                own, others = np.array(values)[labels == name], np.array(values)[labels != name]
                if len(own) and len(others) and differ(own, others) > APART:
                    told = True
                    say = _share if word == "framing" else _middle_half
                    yield f"pictures of {name} differ from the others in {word}: {say(own)} against {say(others)} {unit}."
        if told:
            yield (
                "Where classes come from different sources a network can learn the source instead of the face: "
                "judge the model on pictures of another source (facestream evaluate)."
            )


def differ(a: np.ndarray, b: np.ndarray) -> float:
    """How differently two sets of numbers are spread: the Kolmogorov-Smirnov distance, less what chance reaches in one of 20 cases."""
    values = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(side), values, "right") / len(side) for side in (a, b)]
    return float(np.abs(below[0] - below[1]).max() - 1.36 * np.sqrt(1 / len(a) + 1 / len(b)))


def _middle_half(values: np.ndarray) -> str:
    low, high = np.percentile(values, [25, 75])
    return f"{low:.3g} to {high:.3g}"


def _share(values: np.ndarray) -> str:
    return f"{values.mean():.0%}"
