"""From which score on a face has a name: the more people are known, the more strangers look like one of them."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.atomic import file_written_whole
from models.errors import ModelError
from models.identity.stored import content_of
from models.places import checked_path

SHIPPED_TABLE = Path(__file__).parents[1] / "trained" / "identity" / "thresholds.json"
FORMAT = "facestream identity thresholds 1"
FALSE_NAMES = (0.001, 0.1)
"""What may be asked for: the share of strangers that get some name, least and most."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class ThresholdTable:
    """How rarely a stranger is so much like one person, learnt by `models.identity.learn`.

    A score is the logarithm of that: of 1,000 strangers compared with one person, one reaches 3. People are as good as independent of each
    other (measured with 1 to 400 of them), so that this tells of galleries of any size: at 4, one of 100 strangers gets a name out of 100.
    Between its points it goes straight, in the logarithms of photos and rates, and on so beyond them.
    """

    photos: tuple[int, ...]
    """Of a person, ascending."""
    rates: tuple[float, ...]
    """Of comparisons with strangers, descending."""
    excess: np.ndarray
    """(photos, rates) float64: what so many exceed, ascending along rates."""

    @classmethod
    def load(cls, path: str | Path = SHIPPED_TABLE) -> Self:
        """The table in a file that `save` has written.

        Raises:
            TypeError: this is no path.
            ModelError: there is no such file, or it is damaged or foreign.
        """
        path, written = content_of(path, "the file of thresholds", "a table of thresholds")
        try:
            content = json.loads(written)
            if content["format"] != FORMAT or content.pop("sha256") != _digest(content):
                raise ValueError("its checksum is another")
            return cls(tuple(content["photos"]), tuple(content["rates"]), np.array(content["excess"], np.float64))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelError(f"{path}: is damaged, or no table of thresholds.") from error

    def save(self, path: str | Path) -> None:
        """Writes it, or leaves what was there.

        Raises:
            TypeError: this is no path.
            ModelError: it cannot be written.
        """
        path = checked_path(path, "the new file")
        excess = np.round(self.excess, 5).tolist()
        content: dict[str, object] = {"format": FORMAT, "photos": list(self.photos), "rates": list(self.rates), "excess": excess}
        try:
            with file_written_whole(path) as file:
                file.write(json.dumps(content | {"sha256": _digest(content)}).encode() + b"\n")
        except OSError as error:
            raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error

    @property
    def shown(self) -> float:
        """Up to which score it tells what was seen; beyond it is a guess."""
        return -math.log10(self.rates[-1])

    def scores(self, photos: np.ndarray, excess: np.ndarray) -> np.ndarray:
        """
        Args:
            photos: (P,) of each person.
            excess: (N, P) of faces and persons.

        Returns:
            (N, P) float32.
        """
        logs, counts = -np.log10(self.rates), np.minimum(photos, self.photos[-1])
        scores = np.empty(excess.shape, np.float32)
        for count in np.unique(counts):  # few, however many people
            scores[:, counts == count] = _straight(excess[:, counts == count], self._of(int(count)), logs)
        return scores

    def excess_at(self, photos: int, rate: float) -> float:
        """What of strangers compared with a person of so many photos a share of `rate` exceeds."""
        return float(_straight(np.array(-np.log10(rate)), -np.log10(self.rates), self._of(photos)))

    def _of(self, photos: int) -> np.ndarray:
        """(rates,), for a person of so many photos."""
        return np.array([np.interp(np.log(photos), np.log(self.photos), column) for column in self.excess.T])


@functools.cache
def shipped_table() -> ThresholdTable:
    """Read once."""
    return ThresholdTable.load()


def threshold(people: int, false_names: float) -> float:
    """From which score on faces have a name, if there are so many people to take one from.

    Args:
        false_names: of strangers, the share that may get one.

    Raises:
        ValueError: false_names is not within `FALSE_NAMES`.
    """
    least, most = FALSE_NAMES
    if not least <= false_names <= most:
        raise ValueError(f"false_names is from {least:g} to {most:g}, not {false_names:g}")
    return -math.log10(-math.expm1(math.log1p(-false_names) / max(people, 1)))


def false_name_rate(people: int, score: float) -> float:
    """The share of strangers that get a name, if there are so many people to take one from and this score is enough for it."""
    of_one = 10.0**-score
    if of_one >= 1 or people == 0:
        return float(people > 0)
    return -math.expm1(people * math.log1p(-of_one))


def _straight(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Between points, and beyond them, on straight lines. `xs` ascend."""
    place = np.clip(np.searchsorted(xs, x), 1, len(xs) - 1)
    slope = np.diff(ys) / np.diff(xs)
    return np.asarray(ys[place - 1] + slope[place - 1] * (x - xs[place - 1]))


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
