"""What a page may change while the run goes on. Each change is checked as in a settings file, and told to all pages and to the log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from stream.errors import FacestreamError, UsageError
from stream.settings.changes import check_still_hidden
from stream.settings.loading import with_value
from stream.settings.schema import WHILE_RUNNING, Settings
from stream.sinks.result import Result
from stream.web.camera_view import CameraView
from stream.web.encoding import png_of
from stream.web.hub import Hub, Page

SHOWN = ("detector.enabled", "detector.min_face_px", "classifier.model", "classifier.threshold", "classifier.uncertain_below", "hide.style")
"""The settings that the page has a control for. Whoever writes to the socket may change all that a run can change."""


UNFIT = re.compile(r'[\\/:*?"<>|]+')
"""What the name of a file cannot have on every system."""


class Run(Protocol):
    """What runs, as far as a page may change it. Any thread."""

    def replace_settings(self, settings: Settings) -> None: ...


class Changing(Protocol):
    """The run, and the settings that hold for it now."""

    @property
    def run(self) -> Run | None: ...

    settings: Settings


class Controls:
    """Does what pages ask for. The server's event loop; what takes time goes to a thread."""

    def __init__(self, hub: Hub, host: Changing, say: Callable[[str], None], models: list[str]) -> None:
        """
        Args:
            say: writes a sentence to the log.
            models: the classifiers that a page may choose: it never names a path.
        """
        self._hub, self._host, self._say, self._models = hub, host, say, models
        self._start = host.settings
        self._one_by_one = asyncio.Lock()
        self._changing: set[asyncio.Task[None]] = set()
        hub.hears |= {"set": self._set, "pause": self._pause, "record": self._record, "next": self._next}
        hub.tells.append(self._tell)

    @property
    def routes(self) -> list[BaseRoute]:
        return [Route("/snapshots/{camera:path}", self._snapshot)]

    def _tell(self) -> dict[str, Any]:
        settings = self._host.settings
        values = {name: getattr(getattr(settings, name.split(".")[0]), name.split(".")[1]) for name in SHOWN}
        own = [one.name for one in settings.sources if one.changes]
        stays_hidden = any(one.hide.on for one in self._start.everyone)
        return {"controls": {"settings": values, "models": self._models, "own_settings": own, "stays_hidden": stays_hidden}}

    async def _set(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "set", "name": "classifier.threshold", "value": 0.7}`"""
        name, value = str(said["name"])[:100], said.get("value")
        section, _, key = name.partition(".")
        if key not in WHILE_RUNNING.get(section, ()):
            raise UsageError(f"{name} cannot change while a run goes on: start it anew.")
        if name == "classifier.model" and value not in self._models:
            raise UsageError(f"classifier.model: there are {', '.join(self._models)}.")
        task = asyncio.create_task(self._change(page, name, value))  # a model takes seconds to load: the page is heard meanwhile
        self._changing.add(task)
        task.add_done_callback(self._changing.discard)

    async def _change(self, page: Page, name: str, value: object) -> None:
        try:
            await self._changed_to(name, value)
        except FacestreamError as error:
            with suppress(Exception):  # it has gone: nobody is there to be told
                await page.say({"type": "refused", "what": "set", "why": str(error).removeprefix("the page: ")})

    async def _changed_to(self, name: str, value: object) -> None:
        async with self._one_by_one:
            run = self._host.run
            if run is None:
                raise UsageError("The run has ended.")
            settings = with_value(self._host.settings, name, value, "the page")
            check_still_hidden(self._start, settings)
            if settings == self._host.settings:
                return
            await asyncio.to_thread(run.replace_settings, settings)
            self._host.settings = settings
            for view in self._hub:
                view.hide(settings)
        self._changed(f"{name} = {value}")

    async def _pause(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "pause", "camera": "door", "on": true}`: every page keeps its last picture; recordings and events go on."""
        view = self._view(said["camera"])
        view.paused = bool(said["on"])
        self._changed(f"{view.name} is {'paused' if view.paused else 'shown again'}")

    async def _record(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "record", "camera": "door", "on": true}`: into the place that the command line named."""
        view = self._view(said["camera"])
        if view.recording is None:
            raise UsageError(f"{view.name} is not recorded: the run was started without -o for it.")
        if view.recording.failed:
            raise UsageError(f"{view.name} is recorded no more: its recording has failed; facestream has said why where it was started.")
        if view.recording.on != bool(said["on"]):
            view.recording.on = bool(said["on"])
            self._changed(f"recording of {view.name} {'begins' if view.recording.on else 'ends'}")

    async def _next(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "next", "camera": "photos"}`: where each picture stays until somebody has seen it."""
        self._view(said["camera"]).turn()

    def _view(self, name: object) -> CameraView:
        view = self._hub.views.get(str(name))
        if view is None:
            raise UsageError(f"There is no camera {str(name)[:50]}.")
        return view

    def _changed(self, what: str) -> None:
        self._say(f"set on the page: {what}")
        self._hub.counts.web_changed()
        self._hub.changed()

    async def _snapshot(self, request: Request) -> Response:
        """The newest picture as PNG, in its full size; `?boxes=0`: without boxes."""
        camera = request.path_params["camera"].removesuffix(".png")
        view = self._hub.in_address(camera)
        if view is None:
            return PlainTextResponse(f"There is no camera {camera[:50]}.", 404)
        if view.newest is None:
            return PlainTextResponse(f"{view.name} has given no picture yet.", 404)
        boxes = request.query_params.get("boxes") != "0"
        png = await asyncio.to_thread(_png, view.newest.result, boxes=boxes)
        name = quote(f"{UNFIT.sub('-', view.name)}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.png", safe="")
        return Response(png, media_type="image/png", headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})


def _png(result: Result, *, boxes: bool) -> bytes:
    image = result.picture if boxes else result.bare
    return png_of(image)
