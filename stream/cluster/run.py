"""What `facestream run --cluster` asks for: cameras on several machines, or an archive."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from models.classification.bundle import shipped_names
from stream.cluster import status as statuses
from stream.cluster.camera_site import Site, check_name, check_secrets, in_groups
from stream.cluster.connection import check_installed, check_place, connected
from stream.console import logs
from stream.errors import DONE, UsageError
from stream.job.job import Options
from stream.passwords import redact
from stream.settings.schema import Settings
from stream.sources.addresses import check_on_disk, in_object_store, is_file_s, split

NAME = "cameras"
"""Of a site that was given none."""


def run_on_cluster(
    addresses: Sequence[str], settings: Settings, options: Options, where: str, name: str | None = None, web: str | None = None
) -> int:
    """Run sources on a cluster: cameras until they are stopped there, files until they are done; the exit code.

    Args:
        addresses: as the user named them; none: all that the settings list.
        where: the cluster, as `connected` takes it.
        name: of the site, for cameras.
        web: where each machine shows its cameras.

    Raises:
        UsageError: it cannot be asked for so.
        ClusterError: the cluster cannot do it.
    """
    check_place(where)
    if options.window:
        raise UsageError("--window: other machines show nothing here; leave it out, or show a page with --web.")
    words = list(addresses) or [one.name for one in settings.sources]
    if not words:
        raise UsageError("name a SOURCE to run, or list some under sources: in a settings file; facestream run --help says more.")
    cameras = [word for word in words if is_camera(word, settings)]
    if not cameras:
        check_installed()
        from stream.cluster.archive import run_archive_on  # here: it needs Ray

        return run_archive_on(addresses, settings, options, where)
    if len(cameras) < len(words):
        file = next(word for word in words if word not in cameras)
        raise UsageError(f"{redact(file)}: is a file, and {redact(cameras[0])} a camera; run them apart: files end, cameras do not.")
    return _run_cameras(cameras, settings, options, where, name or NAME, web)


def is_camera(word: str, settings: Settings) -> bool:
    """Whether a source goes on until it is stopped, as far as its address tells.

    Raises:
        UsageError: it is on this machine alone.
    """
    named = next((one for one in settings.sources if one.name == word), None)
    address = named.address if named is not None else word
    if address == "-" or address.isdecimal() or address.startswith("camera:"):
        raise UsageError(f"{word}: belongs to this machine, and a cluster may look at it from any; run it without --cluster.")
    if in_object_store(address) is not None:
        return False
    if split(address) is not None:
        return not is_file_s(address)
    return (settings.of(named) if named is not None else settings).source.loop


def _run_cameras(cameras: Sequence[str], settings: Settings, options: Options, where: str, name: str, web: str | None) -> int:
    check_name(name)
    _check(cameras, settings, options, web)
    with connected(where):
        from stream.cluster import actors
        from stream.cluster.cameras import start, stop  # here: they need Ray

        nodes = sum(node.cpus > 0 for node in actors.nodes())
        site = Site(
            name=name,
            groups=in_groups([_anywhere(camera) for camera in cameras], max(1, nodes)),
            settings=absolute(settings),
            output=None if options.output is None else options.output.absolute(),
            events=None if options.events is None else Path(options.events).absolute(),
            web=web,
        )
        for line in statuses.told(start(site)):
            logs.say(line)
        if web is not None:
            logs.say("each machine shows the cameras that it looks at; /cluster on each page says where all of them are")
        if where != "local":
            commands = f"facestream cluster status --name {name} looks at it, facestream cluster stop --name {name} ends it"
            logs.say(f"it runs on its own: {commands}")
            return DONE
        logs.say("it runs on this machine until you press Ctrl-C")
        try:
            threading.Event().wait()
        finally:
            stop(name)
    return DONE


def _check(cameras: Sequence[str], settings: Settings, options: Options, web: str | None) -> None:
    """
    Raises:
        UsageError: what was asked for has no meaning for cameras on a cluster.
    """
    named = {one.name: one for one in settings.sources}
    for camera in cameras:
        check_secrets(camera, named[camera].address if camera in named else camera)
    twice = next((camera for camera in cameras if cameras.count(camera) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice}: name it once.")
    if options.max_frames is not None or options.duration_s is not None:
        raise UsageError("--max-frames and --duration: cameras on a cluster run until facestream cluster stop ends them.")
    if options.metrics_port is not None:
        raise UsageError(
            "--metrics-port: on a cluster each group of cameras takes a free port; targets-NAME.json says which, beside the events."
        )
    if options.output is None and options.events is None and web is None:
        raise UsageError("nobody would see what is found: name a folder with -o or --events, or show a page with --web.")
    check_on_disk(options.output, options.events)
    for option, place in (("-o", options.output), ("--events", options.events)):
        if place is not None and not Path(place).is_dir() and (str(place) == "-" or Path(place).suffix or Path(place).is_file()):
            raise UsageError(f"{option} {place}: on a cluster each group writes files of its own; name a folder that all machines have.")
    for camera in cameras:
        own = settings if camera not in named else settings.of(named[camera])
        if options.output is not None and own.output.enabled and not own.output.segment_minutes:
            raise UsageError(
                f"{camera}: on a cluster recordings are in pieces, so that none is replaced; say how long, with --segment MINUTES."
            )


def absolute(settings: Settings) -> Settings:
    """The same, with paths that mean the same in every folder."""
    changes: dict[str, dict[str, object]] = {"identity": {}, "detector": {}, "classifier": {}}
    for section, key in (("detector", "weights"), ("identity", "people"), ("identity", "network"), ("identity", "cohort")):
        if (path := getattr(getattr(settings, section), key)) is not None:
            changes[section][key] = path.absolute()
    model = settings.classifier.model
    if model not in shipped_names() and Path(model).is_dir():
        changes["classifier"]["model"] = str(Path(model).absolute())
    sources = tuple(one.model_copy(update={"address": _anywhere(one.address)}) for one in settings.sources)
    return settings.changed(changes).model_copy(update={"sources": sources})


def _anywhere(address: str) -> str:
    """The same; that of a file which is played as a camera with the whole path."""
    return str(Path(address).absolute()) if split(address) is None and Path(address).is_file() else address
