"""From which score on a face has a name: the more people are known, the more strangers look like one of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.atomic import file_written_whole
from models.errors import ModelError
from models.places import checked_path, is_file, is_folder

SHIPPED_TABLE = Path(__file__).parents[1] / "trained" / "identity" / "thresholds.json"
FORMAT = "facestream identity thresholds 1"
FALSE_NAMES = (0.001, 0.1)
"""What may be asked for: the share of strangers that get some name, least and most."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class ThresholdTable:
    """How rarely a stranger reaches a score with one person, learnt by `models.identity.learn`.

    People are as good as independent of each other once scores are normalised (measured with 1 to 400 of them), so that this tells of
    galleries of any size: where 1 of 10,000 comparisons may be wrong, 1 of 100 strangers gets a name from among 100 people. Between its
    points it goes straight in the logarithms of photos and rates, and on so beyond them.
    """

    photos: tuple[int, ...]
    """Of a person, ascending."""
    rates: tuple[float, ...]
    """Of comparisons with strangers that reach the score, descending."""
    scores: np.ndarray
    """(photos, rates) float64, ascending along rates."""

    @classmethod
    def load(cls, path: str | Path = SHIPPED_TABLE) -> Self:
        """The table in a file that `save` has written.

        Raises:
            TypeError: this is no path.
            ModelError: there is no such file, or it is damaged or foreign.
        """
        path = checked_path(path, "the file of thresholds")
        if not is_file(path):
            raise ModelError(f"{path}: {'is a folder' if is_folder(path) else 'there is no such file'}; name a table of thresholds.")
        try:
            content = json.loads(path.read_bytes())
            if content["format"] != FORMAT or content.pop("sha256") != _digest(content):
                raise ValueError("its checksum is another")
            return cls(tuple(content["photos"]), tuple(content["rates"]), np.array(content["scores"], np.float64))
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}).") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelError(f"{path}: is damaged, or no table of thresholds.") from error

    def save(self, path: str | Path) -> None:
        """Writes it, or leaves what was there.

        Raises:
            TypeError: this is no path.
            ModelError: it cannot be written.
        """
        path = checked_path(path, "the new file")
        scores = np.round(self.scores, 3).tolist()
        content: dict[str, object] = {"format": FORMAT, "photos": list(self.photos), "rates": list(self.rates), "scores": scores}
        try:
            with file_written_whole(path) as file:
                file.write(json.dumps(content | {"sha256": _digest(content)}).encode() + b"\n")
        except OSError as error:
            raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error

    def thresholds(self, photos: np.ndarray, false_names: float) -> np.ndarray:
        """For each of the people that are known.

        Args:
            photos: (P,) of each person.
            false_names: of strangers, the share that may get some name.

        Returns:
            (P,) float32.

        Raises:
            ValueError: false_names is not within `FALSE_NAMES`.
        """
        if not FALSE_NAMES[0] <= false_names <= FALSE_NAMES[1]:
            raise ValueError(f"false_names is from {FALSE_NAMES[0]:g} to {FALSE_NAMES[1]:g}, not {false_names:g}")
        wanted = np.log(-np.expm1(np.log1p(-false_names) / max(len(photos), 1)))  # of a single comparison
        return np.array([_straight(-wanted, -np.log(self.rates), row) for row in self._by_photos(photos)], np.float32)

    def false_name_rate(self, photos: np.ndarray, score: float) -> float:
        """The share of strangers that reach a score with at least one person. `photos`: (P,) of each."""
        logs = [min(_straight(score, row, np.log(self.rates)), -1e-9) for row in self._by_photos(photos)]
        return float(-np.expm1(np.log1p(-np.exp(logs)).sum()))

    def _by_photos(self, photos: np.ndarray) -> np.ndarray:
        """(P, rates): the scores of each person."""
        logs = np.log(self.photos)
        columns = [np.interp(np.log(photos), logs, column) for column in self.scores.T]
        return np.stack(columns, axis=1)


def _straight(x: float, xs: np.ndarray, ys: np.ndarray) -> float:
    """Between points, and beyond them, on straight lines. `xs` ascend."""
    place = int(np.clip(np.searchsorted(xs, x), 1, len(xs) - 1))
    slope = (ys[place] - ys[place - 1]) / (xs[place] - xs[place - 1])
    return float(ys[place - 1] + slope * (x - xs[place - 1]))


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
