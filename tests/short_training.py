"""The command `facestream`, but for the length of a training: three small epochs. For tests of what is typed, not of what is learnt."""

from models.training.schedule import Plan
from models.training.trainer import Start
from stream.cli.entry import main

Start.plan = lambda self, train: Plan(epochs=3, epoch_crops=32, batch_size=8)  # type: ignore[method-assign]
main()
