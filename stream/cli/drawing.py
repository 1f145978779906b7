"""The command `draw`: what a run has found is drawn once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.cli.asked import check_hiding_is_on, settings_of
from stream.cli.malloc_arenas import share_arenas
from stream.cli.options import Config, Hide, LogFormat, Overwrite, Rate, Set
from stream.console import logs


def draw(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="What a run found: the file that its --events wrote.")],
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="The videos, pictures or folders that it was found in.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Write the pictures: a file, or a folder.")],
    style: Annotated[Literal["boxes", "none"], typer.Option(help="What is drawn at each face; none: nothing.")] = "boxes",
    labels: Annotated[bool, typer.Option("--labels/--no-labels", help="Words at the boxes.")] = True,
    landmarks: Annotated[bool, typer.Option("--landmarks/--no-landmarks", help="Eyes, nose and mouth.")] = True,
    score: Annotated[float, typer.Option(min=0, max=1, help="Draw only faces from this score of the detector on.")] = 0.0,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest probability of the second of two labels to be called so; default: as it was.")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Another word for a person, a label or a track (#3=Ada); or a JSON file of them."),
    ] = None,
    hide: Hide = None,
    config: Config = None,
    set_: Set = None,
    rate: Rate = None,
    log_format: LogFormat = "text",
    overwrite: Overwrite = False,
) -> int:
    """Draw what a run found into its pictures once more, in another way, without looking again."""
    logs.start(log_format)
    share_arenas()
    from stream.cli.renaming import names_of
    from stream.drawing.restyle import Restyle
    from stream.job.drawing import draw as drawn
    from stream.job.job import Options

    settings = settings_of(config, set_, None, rate=rate, hide=hide)
    check_hiding_is_on(settings)
    drawing = Restyle(style == "boxes", labels, landmarks, score, threshold, names_of(rename or []))
    return drawn(events, sources, settings, Options(output=output, window=False, overwrite=overwrite), drawing)
