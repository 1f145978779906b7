"""The command `facestream`, but for the length of a training: three small epochs. For tests of what is typed, not of what is learnt."""

from typing import Any

from models.training import schedule


class ShortPlan(schedule.Plan):
    """No plan is longer."""

    def __init__(self, epochs: int, epoch_crops: int, **others: Any) -> None:
        super().__init__(min(epochs, 3), min(epoch_crops, 32), **others | {"batch_size": 8})


schedule.Plan = ShortPlan  # type: ignore[misc]  # before any other module takes it from there

from stream.cli.entry import main  # noqa: E402

main()
