"""`facestream cluster`: cameras that run on several machines."""

from __future__ import annotations

from typing import Annotated

import typer

from stream.cli.explained import commands_of
from stream.console import logs

app = typer.Typer(
    help="Look after cameras that run on several machines (facestream run --cluster).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_command = commands_of(app)


Where = Annotated[str, typer.Option("--cluster", metavar="WHERE", help="auto: the cluster of this machine; or HOST:PORT of its head.")]
Name = Annotated[str | None, typer.Option("--name", metavar="SITE", help="Which cameras; needed where several sites run.")]


@_command
def status(
    where: Where = "auto", name: Name = None, json: Annotated[bool, typer.Option("--json", help="Print it for machines.")] = False
) -> int:
    """Say where each group of cameras runs, and when each camera was looked at; exit code 1 where a group is not up."""
    logs.start("text")
    from stream.cluster.command import show_status

    return show_status(where, name, as_json=json)


@_command
def events(
    where: Where = "auto",
    name: Name = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print what comes from now on.")] = False,
) -> int:
    """Print the events of all groups in the order of time."""
    logs.start("text")
    from stream.cluster.command import show_events

    return show_events(where, name, follows=follow)


@_command
def stop(where: Where = "auto", name: Name = None) -> int:
    """End all groups, with their recordings closed."""
    logs.start("text")
    from stream.cluster.command import end

    return end(where, name)


@_command
def move(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="Such as g07; facestream cluster status lists them.")],
    node: Annotated[str, typer.Argument(metavar="NODE", help="Its name, host or address.")],
    where: Where = "auto",
    name: Name = None,
) -> int:
    """Move a group of cameras to another machine."""
    logs.start("text")
    from stream.cluster.command import move as moved

    return moved(where, name, group, node)
