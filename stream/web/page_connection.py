"""One open page: what it watches, what is on its way to it, and what it says."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from stream.errors import FacestreamError
from stream.web.camera_view import CameraView
from stream.web.hub import Hub
from stream.web.pace import Pace

MOST_MESSAGES_A_SECOND = 60
"""From one page, besides its word that it has drawn a picture which is on its way to it."""
STATE_EVERY_S = 1.0
"""So often a page is told how everything is."""
MOST_UNKNOWN = 100
"""Names of cameras that a page may watch, besides those that there are: one may have gone a moment ago."""
FULL, GOING_AWAY, ASKED_WRONGLY, TOO_LARGE = 1013, 1001, 1008, 1009
"""Codes of closing (RFC 6455, section 7.4, and IANA's list)."""


class Watched:
    """A view that the page shows, and how wide."""

    def __init__(self) -> None:
        self.width_px = 1.0
        self.pace = Pace()
        self._view: CameraView | None = None

    def due(self, view: CameraView) -> bool:
        """It may have a newer picture. A lane that came anew under the same name counts anew."""
        if view is not self._view:
            self._view, self.pace = view, Pace()
        return view.newest is not None and view.newest.number > self.pace.sent and self.pace.may_send


class PageConnection:
    """Gives a page the newest pictures of what it watches, in turn, as fast as it draws them. The server's event loop.

    To the page go pictures (`encoding`) and JSON: `state` each second and at each change, `refused` with `why`, and what those say who do
    what pages ask for (`Hub.hears`). From it come `watch`, `drawn`, and what `Hub.hears` names.
    """

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self._socket, self._hub = socket, hub
        self._watched: dict[str, Watched] = {}
        self._wake, self._tell = asyncio.Event(), asyncio.Event()
        self._writing = asyncio.Lock()
        self._heard_at: deque[float] = deque(maxlen=MOST_MESSAGES_A_SECOND)

    async def run(self) -> None:
        """Until the page goes away, or says what makes no sense."""
        await self._socket.accept()
        if not self._hub.enter(self):
            await self._socket.close(FULL, "too many pages are open")
            return
        tasks = [asyncio.create_task(work) for work in (self._send_pictures(), self._send_state(), self._listen(), self._watch_over())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:  # whatever JSON may hold
            self._hub.counts.web_refused("messages")
            await self.close(ASKED_WRONGLY, str(error).encode()[:100].decode(errors="ignore"))
        except (WebSocketDisconnect, RuntimeError):  # Starlette's word for a socket that is closed already
            pass
        finally:
            self._hub.leave(self)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Let it go; it may come again."""
        with suppress(RuntimeError, WebSocketDisconnect):
            if self._socket.application_state is WebSocketState.CONNECTED:
                await asyncio.wait_for(self._socket.close(code, reason), 0.5)

    def came(self, view: CameraView) -> None:
        """There is a newer picture."""
        if view.name in self._watched:
            self._wake.set()

    def changed(self) -> None:
        """There is something to tell besides pictures."""
        self._tell.set()

    async def say(self, message: dict[str, Any] | bytes) -> None:
        async with self._writing:
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_text(json.dumps(message, separators=(",", ":")))

    async def _watch_over(self) -> None:
        """Ends with the page's patience: one that draws nothing any more may not even read."""
        while not any(watched.pace.silent for watched in self._watched.values()):
            await asyncio.sleep(1)
        self._hub.counts.web_refused("slow")

    async def _send_state(self) -> None:
        while True:
            await self.say(self._hub.state())
            self._tell.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tell.wait(), STATE_EVERY_S)

    async def _send_pictures(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (next_one := self._due()) is not None:
                view, watched = next_one
                picture = await self._hub.picture(view, watched.width_px * watched.pace.scale, watched.pace.quality)
                if picture is not None and picture.number > watched.pace.sent:
                    watched.pace.send(picture.number, picture.captured_at)
                    await self.say(picture.message)

    def _due(self) -> tuple[CameraView, Watched] | None:
        """The next view that has a newer picture and may send one: each has its turn."""
        for name, watched in list(self._watched.items()):
            view = self._hub.views.get(name)
            if view is not None and watched.due(view):
                self._watched[name] = self._watched.pop(name)
                return view, watched
        return None

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                if message.get("code") == TOO_LARGE:
                    self._hub.counts.web_refused("size")
                return
            self._count()
            if message.get("text") is not None:
                await self._heard(json.loads(message["text"]))
            elif self._hub.hears_bytes is not None:
                await self._hub.hears_bytes(self, message["bytes"])

    def _count(self) -> None:
        now = time.monotonic()
        if len(self._heard_at) == MOST_MESSAGES_A_SECOND and now - self._heard_at[0] < 1:
            raise ValueError("too many messages")
        self._heard_at.append(now)

    async def _heard(self, said: dict[str, Any]) -> None:
        match said.get("type"):
            case "watch":
                self._watch(said["cameras"])
            case "drawn":
                self._drawn(str(said["camera"]), int(said["seq"]))
            case kind if (does := self._hub.hears.get(str(kind))) is not None:
                try:
                    await does(self, said)
                except FacestreamError as error:
                    await self.say({"type": "refused", "what": kind, "why": str(error)})
            case other:
                raise ValueError(f"unknown message {str(other)[:20]}")

    def _watch(self, cameras: dict[str, float]) -> None:
        """What the page shows now, each so wide in px of its screen; nothing while it is hidden."""
        if len(cameras) > len(self._hub.views) + MOST_UNKNOWN:
            raise ValueError("too many cameras")
        before = self._watched
        self._watched = {str(name): before.get(name) or Watched() for name in cameras}
        for name, width in cameras.items():
            self._watched[str(name)].width_px = max(1.0, min(float(width), 1e5))
        self._wake.set()

    def _drawn(self, camera: str, number: int) -> None:
        if (watched := self._watched.get(camera)) is not None and (age_s := watched.pace.drawn(number)) is not None:
            self._heard_at.pop()
            self._hub.counts.web_drawn(camera, age_s)
            self._wake.set()
