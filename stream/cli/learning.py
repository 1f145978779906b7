"""The commands that make, judge and take along models. Each imports what it needs inside, so that `--help` is quick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.cli.asked import detector_of
from stream.cli.options import Config, Overwrite, Set
from stream.console import logs
from stream.errors import DONE, as_usage
from stream.signals import is_interrupted


def train(
    data: Annotated[Path, typer.Argument(help="A folder with a folder of pictures for each class.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder that the bundle becomes.")],
    architecture: Annotated[
        Literal["original", "compact"] | None,
        typer.Option(help="The network: the original, or one that needs an eighth of its work. Default: original, or that of --from."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Start from a model's features (a shipped name or a folder): for few photos."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was interrupted.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model on the same machine.")] = 0,
    config: Config = None,
    set_: Set = None,
    overwrite: Overwrite = False,
) -> int:
    """Train the classifier on your own pictures; use the result with --model.

    A folder with face_photos/ and nobody_photos/ in it trains the bundle that ships as `face` anew.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow greets at length otherwise
    logs.start("text")
    from models.places import is_folder
    from models.training import train as training
    from models.training.checkpoint import interrupted
    from models.training.trainer import Options
    from stream.console.progress import ProgressReporter

    is_face_data = is_folder(data / "face_photos") and is_folder(data / "nobody_photos")
    options = Options(architecture, base, resume, seed, detector_of(config, set_))
    learn = training.train_face if is_face_data else training.train
    with as_usage():
        training.check_places(output, resume=resume, overwrite=overwrite)
    try:
        with ProgressReporter() as progress:
            made = learn(data, output, options, overwrite=overwrite, report=progress.say, progress=progress)
    except BaseException:
        if is_interrupted() and interrupted(training.beside(output, "checkpoint.npz")):
            logs.say("interrupted; the same command with --resume goes on after the last whole epoch")
        raise
    print(f"written to {made}; use it: facestream run SOURCE --model {made}")
    print(f"how good it is: {training.beside(made, 'report') / 'report.html'}")
    return DONE


def evaluate(
    model: Annotated[str, typer.Argument(help="A shipped bundle's name, or a bundle's folder.")],
    data: Annotated[Path, typer.Argument(help="A folder with a folder of pictures for each class of the model.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the report into this folder.")] = None,
    config: Config = None,
    set_: Set = None,
    overwrite: Overwrite = False,
) -> int:
    """Say how good a model is on pictures whose classes are known, with what chance leaves open.

    The report shows pictures of those it was most wrong about.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logs.start("text")
    from stream.cli.evaluation import evaluate as evaluated

    return evaluated(model, data, output, detector_of(config, set_), overwrite=overwrite)


def export(
    model: Annotated[str, typer.Argument(help="A shipped bundle's name, or a bundle's folder.")],
    format_: Annotated[Literal["savedmodel", "tflite", "onnx", "openvino"], typer.Option("--format", help="For which other program.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file that it becomes; a folder for a SavedModel.")],
    overwrite: Overwrite = False,
) -> int:
    """Write a model for another program, checked against the original on real crops before it is called done."""
    logs.start("text")
    from models.export.exporter import check_export_place, export_model

    with as_usage():
        check_export_place(format_, output, overwrite=overwrite)
    done = export_model(model, format_, output, overwrite=overwrite)
    print(f"written: {', '.join(map(str, done.paths))}")
    print(f"on {done.crops} real crops it says what the original says, to {max(done.largest_difference, 1e-9):.1g}")
    return DONE
