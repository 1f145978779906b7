"""The command line. Each command imports what it needs inside, so that `--help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stream.cli.asked import check_hiding_is_on, settings_of, web_of, with_places
from stream.cli.cluster import app as cluster_app
from stream.cli.drawing import draw
from stream.cli.explained import commands_of
from stream.cli.learning import evaluate, export, train
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
from stream.errors import DONE, UsageError

app = typer.Typer(
    help="Finds faces in moving pictures, scores each with a CNN, and shows it live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_command = commands_of(app)


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


_command(train)
_command(evaluate)
_command(export)


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
