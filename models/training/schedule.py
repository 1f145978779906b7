"""How long a network is trained, and at which rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.data.augmentation import GENTLE, Recipe


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn."""

    epochs: int
    epoch_crops: int
    """Crops drawn in each epoch, as many of each class."""
    patience: int | None = 10
    """Epochs without a lower validation loss before it ends; the best weights are kept. None: all epochs are run, and the last are kept."""
    batch_size: int = 32
    learning_rate: float = 1e-3
    """The highest, after one epoch; falls from there to nearly 0 along half a cosine."""
    recipe: Recipe = GENTLE
    """How crops are changed each time."""

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return max(self.epoch_crops // self.batch_size, 1)

    def rate(self, step: int) -> float:
        """The learning rate at a step, counted over all epochs."""
        if step < self.steps:
            return self.learning_rate * (step + 1) / self.steps
        share = (step - self.steps) / max(self.steps * (self.epochs - 1), 1)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))
