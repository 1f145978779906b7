"""People who are known, on pages: somebody is added from the picture, and a name that is wrong is taken from a face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from stream.errors import FacestreamError, UsageError
from stream.faces import Face
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.web.camera_view import CameraView
from stream.web.hub import Hub, Page


class Run(Protocol):
    """What runs, as far as people go. Any thread."""

    def enrol(self, name: str, result: Result, box: np.ndarray) -> str: ...

    def deny(self, source: str, track: int, name: str) -> None: ...


class Running(Protocol):
    """The run, and the settings that hold for it."""

    @property
    def run(self) -> Run | None: ...

    @property
    def settings(self) -> Settings: ...


class PeopleOnPages:
    """Does what pages ask for. The server's event loop; what takes time goes to a thread."""

    def __init__(self, hub: Hub, host: Running, say: Callable[[str], None]) -> None:
        """`say` writes a sentence to the log: without a name."""
        self._hub, self._host, self._say = hub, host, say
        self._held: dict[Page, tuple[CameraView, Result, Face]] = {}
        """The face that each page asks its user about, as it was when it was pointed at."""
        self._adding: set[asyncio.Task[None]] = set()
        hub.hears |= {"point": self._point, "enrol": self._enrol, "deny": self._deny}
        hub.left.append(self._left)
        hub.tells.append(lambda: {"people": host.settings.people_folder is not None})

    async def _point(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "point", "camera": "door", "track": 3, "box": [x1, y1, x2, y2]}`: this face of the newest picture is meant."""
        self._held.pop(page, None)
        view = self._hub.views.get(str(said["camera"]))
        box, track = np.array([float(edge) for edge in said["box"][:4]]), said.get("track")
        if view is None or view.newest is None or box.shape != (4,) or not np.isfinite(box).all():
            raise UsageError("There is no such picture.")
        result = view.newest.result
        faces = result.analysis.faces
        same = [face for face in faces if track is not None and face.track == track]
        middle = (box[:2] + box[2:]) / 2
        here = same or [face for face in faces if (face.box[:2] <= middle).all() and (middle < face.box[2:]).all()]
        if not here:
            raise UsageError("That face is gone from the picture.")
        seen = [face for face in here if not face.hidden]
        if not seen:  # a name could be what shows it
            raise UsageError("That face is hidden: on the page it gets no name, and loses none.")
        self._held[page] = view, result, seen[0]

    async def _enrol(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "enrol", "name": "Ada Lovelace"}`: the face that was pointed at is hers."""
        view, result, face = self._pointed_at(page)
        task = asyncio.create_task(self._added(page, str(said["name"])[:200], view, result, face))  # the page is heard meanwhile
        self._adding.add(task)
        task.add_done_callback(self._adding.discard)

    async def _added(self, page: Page, name: str, view: CameraView, result: Result, face: Face) -> None:
        try:
            if (run := self._host.run) is None:
                raise UsageError("The run has ended.")
            name = await asyncio.to_thread(run.enrol, name, result, face.box)
            self._changed(f"a person is known from the picture of {view.name}")
            answer = {"type": "enrolled", "name": name}
        except FacestreamError as error:
            answer = {"type": "refused", "what": "enrol", "why": str(error)}
        with suppress(Exception):  # it has gone: nobody is there to be told
            await page.say(answer)

    async def _deny(self, page: Page, said: dict[str, Any]) -> None:
        """`{"type": "deny", "name": "Ada Lovelace"}`: the face that was pointed at is not hers."""
        view, result, face = self._pointed_at(page)
        if self._host.run is None or result.info.still or not face.track:
            raise UsageError("Who is on a photo was decided by that one look; only what moves is looked at again.")
        self._host.run.deny(result.info.name, face.track, str(said["name"])[:200])
        self._changed(f"a name is taken from a face of {view.name}")

    def _pointed_at(self, page: Page) -> tuple[CameraView, Result, Face]:
        if page not in self._held:
            raise UsageError("Choose a face first.")
        return self._held[page]

    def _changed(self, what: str) -> None:
        self._say(f"set on the page: {what}")
        self._hub.counts.web_changed()

    def _left(self, page: Page) -> None:
        self._held.pop(page, None)
