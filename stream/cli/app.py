"""The command line. Each command imports what it needs inside, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, ParamSpec

import typer

from stream.cli.asked import check_hiding_is_on, detector_of, settings_of, web_of, with_places
from stream.cli.cluster import app as cluster_app
from stream.cli.drawing import draw
from stream.cli.explained import explained
from stream.cli.malloc_arenas import share_arenas
from stream.cli.options import (
    Cluster,
    Config,
    Events,
    Hide,
    LogFormat,
    MetricsHost,
    MetricsPort,
    Model,
    Name,
    Output,
    Overwrite,
    PeopleFolder,
    Rate,
    Resume,
    RetryFailed,
    Set,
    Web,
    WebCert,
    WebHostName,
    WebKey,
    WebTls,
    WebViewOnly,
    Window,
)
from stream.cli.people import app as people
from stream.console import logs
from stream.errors import DONE, UsageError, as_usage
from stream.signals import is_interrupted

app = typer.Typer(
    help="Finds faces in moving pictures, scores each with a CNN, and shows it live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

P = ParamSpec("P")


def _command(work: Callable[P, int]) -> Callable[P, None]:
    """Makes a function that answers an exit code a command."""
    command = explained(work)
    app.command()(command)
    return command


@_command
def run(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="A camera's index, an rtsp:// or http:// address, a video (- is one that comes through standard input), a picture, "
            "numbered pictures (img%03d.png), a folder or a glob, or the name of one of the sources that the settings file lists. "
            "Default: all of those.",
        ),
    ] = None,
    output: Output = None,
    events: Events = None,
    window: Window = None,
    model: Model = None,
    hide: Hide = None,
    people: PeopleFolder = None,
    config: Config = None,
    set_: Set = None,
    rate: Rate = None,
    max_frames: Annotated[int | None, typer.Option(min=1, help="End each source after so many frames.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.01, help="Stop after so many seconds, all sources together.")] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
    log_format: LogFormat = "text",
    segment: Annotated[
        float | None, typer.Option(min=0.01, max=1440, metavar="MINUTES", help="Record cameras in pieces of so many minutes, named by UTC.")
    ] = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    retry_failed: RetryFailed = False,
    web: Web = None,
    web_view_only: WebViewOnly = False,
    web_cert: WebCert = None,
    web_key: WebKey = None,
    web_tls: WebTls = None,
    web_host_name: WebHostName = None,
    cluster: Cluster = None,
    name: Name = None,
) -> int:
    """Find, follow and score the faces in SOURCE, and show or write the result."""
    logs.start(log_format)
    share_arenas()
    if segment is not None and output is None:
        raise UsageError("--segment cuts what is recorded; name a place for it with -o.")
    if name is not None and cluster is None:
        raise UsageError("--name is for cameras on a cluster; name that, too, with --cluster.")
    settings = settings_of(config, set_, model, segment, rate, people, hide=hide)
    if web is None:
        check_hiding_is_on(settings)
    guests_alone = web is not None and not sources and not settings.sources
    if guests_alone and (output is not None or events is not None or window):
        raise UsageError("-o, --events and --window are for what a SOURCE shows; name one: what pages bring is theirs alone.")
    page = web_of(
        web if cluster is None else None,
        view_only=web_view_only,
        certificate=web_cert,
        key=web_key,
        self_signed=web_tls is not None,
        host_names=web_host_name,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )
    from stream.job.inputs import open_inputs
    from stream.job.job import Job, Options
    from stream.sources.addresses import check_on_disk

    options = Options(
        output=output,
        events=events,
        window=window,
        max_frames=max_frames,
        duration_s=duration,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
        overwrite=overwrite,
        retry_failed=retry_failed,
        segment=segment is not None,
        web=page,
    )
    if cluster is not None:
        from stream.cluster.run import run_on_cluster

        return run_on_cluster(sources or [], settings, options, cluster, name, web)
    if guests_alone:
        return Job(settings, options).run([])
    if resume or retry_failed:
        from stream.archive.alone import run_alone

        return run_alone(sources or [], settings, options)
    check_on_disk(output, events)
    inputs, unopened = open_inputs(sources or [], settings, without=output)
    return Job(settings, options, unopened).run(inputs)


@_command
def demo(
    output: Output = None,
    events: Events = None,
    window: Window = None,
    hide: Hide = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long it runs; default: 10, with --web until it is stopped.")] = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = "text",
    overwrite: Overwrite = False,
    web: Web = None,
    web_view_only: WebViewOnly = False,
    web_cert: WebCert = None,
    web_key: WebKey = None,
    web_tls: WebTls = None,
    web_host_name: WebHostName = None,
) -> int:
    """The live job on a bundled portrait: no camera, no file and no display needed."""
    logs.start(log_format)
    share_arenas()
    from stream.job.inputs import Input
    from stream.job.job import Job, Options
    from stream.sinks.screen.window import display_available
    from stream.sources.demo import DemoSource

    page = web_of(
        web,
        view_only=web_view_only,
        certificate=web_cert,
        key=web_key,
        self_signed=web_tls is not None,
        host_names=web_host_name,
        metrics_port=metrics_port,
    )
    if output is None and page is None and (window is False or not display_available()[0]):
        output, overwrite = Path("facestream-demo.mp4"), True
    settings = settings_of(None, None, None, hide=hide)
    options = Options(output=output, events=events, window=window, metrics_port=metrics_port, overwrite=overwrite, web=page)
    lasts_s = seconds or (None if page is not None else 10.0)
    return Job(settings, options).run([Input(DemoSource(lasts_s), settings)])


@_command
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


@_command
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


@_command
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


@_command
def bench(
    source: Annotated[str | None, typer.Argument(help="Your own camera, video, picture or folder, measured too.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Say how to reach so many frames/s here.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="How long each line of the table is measured.")] = 1.5,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers for machines.")] = False,
    model: Model = None,
    config: Config = None,
    set_: Set = None,
) -> int:
    """Measure what this machine does with this program: milliseconds of each stage, frames/s, and how to reach a rate."""
    logs.start("text")
    share_arenas()
    settings = settings_of(config, set_, model)
    from stream.diagnostics.benchmark import bench as measured

    return measured(settings, source, rate=rate, seconds=seconds, as_json=json)


@_command
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the findings for machines.")] = False,
    cluster: Annotated[str | None, typer.Option(metavar="WHERE", help="Check a cluster instead: auto, or HOST:PORT.")] = None,
) -> int:
    """Check what facestream needs on this machine, and say what to do about each problem; exit code 1 where there is one."""
    if cluster is not None:
        from stream.cluster.checkup import doctor_of

        return doctor_of(cluster, as_json=json)
    from stream.diagnostics.doctor import doctor as examined

    return examined(as_json=json)


@_command
def config() -> int:
    """Print every setting with its default: the file to copy and change."""
    from stream.settings.template import as_yaml

    print(as_yaml(), end="")
    return DONE


app.add_typer(people, name="people")
app.add_typer(cluster_app, name="cluster")
_command(draw)


def main() -> None:
    """The `facestream` command: exits with 0 done, 1 failed, 2 asked wrongly, 130 interrupted."""
    words = " ".join(sys.argv[1:])
    if "--log-format json" in words or "--log-format=json" in words:
        logs.start("json")  # so early that what is wrong with the command line is told in JSON, too
    app(with_places(sys.argv[1:]))
