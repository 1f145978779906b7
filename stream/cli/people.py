"""`facestream people`: who is known by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from stream.cli.explained import explained
from stream.console import logs
from stream.errors import UsageError

app = typer.Typer(
    help="Keep who is known by name: people enrolled from a few photos each.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

P = ParamSpec("P")


def _command(name: str = "") -> Callable[[Callable[P, int]], Callable[P, None]]:
    def made(work: Callable[P, int]) -> Callable[P, None]:
        command = explained(work)
        app.command(name or None)(command)
        return command

    return made


People = Annotated[
    Path | None,
    typer.Option("--people", metavar="DIR", help="The folder of people; default: identity.people of the settings, else people."),
]
Config = Annotated[Path | None, typer.Option(help="A settings file.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting of detector or identity, such as detector.min_face_px=40."),
]


@_command()
def add(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="NAME PHOTO|FOLDER...", help="Who it is, and photos of that person, or folders of them.")
    ] = None,
    face: Annotated[int | None, typer.Option(min=1, metavar="N", help="Which face of the photo, from left to right, from 1 on.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Take also what is small, blurred, a copy, odd, or like somebody else.")] = False,
    all_: Annotated[
        Path | None,
        typer.Option("--all", metavar="FOLDER", help="Enrol everybody of a folder that has a folder of photos for each person."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="FILE:NUMBER", help="Take the faces of one group that facestream people group has found.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="What to remember of the person, such as who agreed, and when.")] = "",
    people: People = None,
    config: Config = None,
    set_: Set = None,
) -> int:
    """Enrol a person from photos.

    Or add photos to one who is enrolled.
    Three to five photos of different days serve best. The photos themselves are not kept, only numbers that describe each face.
    """
    logs.start("text")
    words = words or []
    if all_ is not None:
        if words or group is not None or face is not None or note:
            raise UsageError("--all takes names and photos from the folder; leave out what else was said.")
    elif not words:
        raise UsageError("say who it is, then the photos: facestream people add NAME PHOTO...")
    elif group is not None and (len(words) > 1 or face is not None):
        raise UsageError("--group says which photos and faces; leave out what else was said, but for the name.")
    if face is not None and len(words) > 2:
        raise UsageError("--face N is about one photo; name one alone.")
    from stream.cli.people_add import add_group, add_person, everybody_below
    from stream.cli.people_asked import asked

    about = asked(people, config, set_)
    if all_ is not None:
        return everybody_below(about, all_, force=force)
    if group is not None:
        return add_group(about, words[0], group, force=force, note=note)
    return add_person(about, words[0], [Path(word) for word in words[1:]], number=face, force=force, note=note)


@_command("list")
def list_(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="List the photos of this person.")] = None,
    people: People = None,
    config: Config = None,
    set_: Set = None,
) -> int:
    """Say who is known, or which photos there are of one person."""
    logs.start("text")
    from stream.cli.people_asked import folder_of
    from stream.cli.people_kept import told

    return told(folder_of(people, config, set_), name)


@_command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who.")],
    photo: Annotated[
        str | None, typer.Argument(metavar="PHOTO", help="Forget only this photo: its name as list says it, or the file.")
    ] = None,
    people: People = None,
    config: Config = None,
    set_: Set = None,
) -> int:
    """Forget a person, or one photo of one. Nothing of it is left in the folder."""
    logs.start("text")
    from stream.cli.people_asked import folder_of
    from stream.cli.people_kept import removed

    return removed(folder_of(people, config, set_), name, photo)


@_command()
def check(
    photo: Annotated[Path | None, typer.Argument(metavar="PHOTO", help="Say who is on this photo, and why.")] = None,
    people: People = None,
    config: Config = None,
    set_: Set = None,
) -> int:
    """Look for what is wrong, or say who is on a photo.

    Wrong are photos that do not fit, copies, and people who look alike; the exit code is 1 where there are any.
    With a photo: who is on it, and why, or why not.
    """
    logs.start("text")
    from stream.cli.people_asked import asked
    from stream.cli.people_check import check_everybody, who_is_on

    about = asked(people, config, set_)
    return check_everybody(about) if photo is None else who_is_on(about, photo)


@_command()
def calibrate(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Photos of many people who are not enrolled, like those whom a camera sees.")
    ],
    people: People = None,
    config: Config = None,
    set_: Set = None,
) -> int:
    """Measure by strangers of your own.

    So that fewer of them get a name. Only means of five people each are kept, beside the strangers that ship.
    Another network (identity.network) needs that: photos of 500 people.
    """
    logs.start("text")
    from stream.cli.people_asked import asked
    from stream.cli.people_sorted import calibrated

    return calibrated(asked(people, config, set_), folder)


@_command()
def group(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Photos.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The JSON file to write: each face, its photo, box and group.")],
    config: Config = None,
    set_: Set = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it is there already.")] = False,
) -> int:
    """Sort the faces of photos, without names.

    Then name groups of them: facestream people add NAME --group FILE:NUMBER
    """
    logs.start("text")
    from stream.cli.people_asked import asked
    from stream.cli.people_sorted import grouped

    return grouped(asked(None, config, set_), folder, output, overwrite=overwrite)
