"""What other programs ask for: a camera's picture with its boxes, all its pictures, the events, how everything is."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from stream.drawing.no_signal import no_signal
from stream.sinks.result import Result
from stream.web.camera_view import CameraView
from stream.web.encoding import LARGEST, jpeg_of, numbers_of, told_event
from stream.web.hub import Hub
from stream.web.page_connection import FULL, GOING_AWAY

QUALITY = 85
"""JPEG's, of pictures that somebody may keep (a guess, looked at)."""
MOST_STREAMS = 4
MOST_LISTENERS = 16
MOST_EVENTS_WAITING = 200
"""For one listener: eight seconds of a camera."""
REPEATED_S = 1.0
"""So often a picture that stands is sent again: programs take silence for a broken line, and where no signal is the time goes on."""
BOUNDARY = b"facestream"
FIRST_PICTURE_S = 5.0
"""A camera that begins just now is waited for."""


class Programs:
    """Answers programs."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._streams = 0
        self._listeners: set[_Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.lost = 0
        """Events that a listener was too slow for."""
        hub.arrived.append(lambda view: view.listen(self._found))
        for view in hub:
            view.listen(self._found)

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/api/status", self.status),
            Route("/cameras/{name:path}.jpg", self.jpg),
            Route("/cameras/{name:path}.mjpg", self.mjpg),
            WebSocketRoute("/events", self.events),
        )

    async def status(self, request: Request) -> Response:
        """How everything is now."""
        numbers = {"pages": len(self._hub.pages), "streams": self._streams, "events_lost": self.lost}
        return JSONResponse({**self._hub.cameras(_counts), **numbers})

    async def jpg(self, request: Request) -> Response:
        """The newest picture."""
        view, boxes = self._view(request), request.query_params.get("boxes") != "0"
        if view.newest is None:
            await self._next(view, 0, FIRST_PICTURE_S)
        jpeg = await self._jpeg(view, boxes=boxes)
        if jpeg is None:
            raise HTTPException(404, f"{view.name} has given no picture yet.")
        return Response(jpeg, media_type="image/jpeg")

    async def mjpg(self, request: Request) -> Response:
        """One picture after the other, as they come."""
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}"
        view, boxes = self._view(request), request.query_params.get("boxes") != "0"
        if request.method == "HEAD":
            return Response(media_type=kind)
        if self._streams >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} programs are given pictures already.")
        parts = self._parts(view, boxes=boxes)
        await anext(parts)  # it counts from here on
        return StreamingResponse(parts, media_type=kind)

    async def events(self, websocket: WebSocket) -> None:
        """The lines of `--events`, one a message."""
        await websocket.accept()
        if len(self._listeners) >= MOST_LISTENERS:
            self._hub.counts.web_refused("full")
            await websocket.close(FULL, "too many programs listen")
            return
        self._loop = asyncio.get_running_loop()
        listener = _Listener()
        self._listeners.add(listener)
        tasks = [asyncio.create_task(work) for work in (listener.send_to(websocket), _until_gone(websocket), self._hub.ending.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._hub.ending.is_set():
                with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                    await asyncio.wait_for(websocket.close(GOING_AWAY), 0.2)
        finally:
            self._listeners.discard(listener)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _view(self, request: Request) -> CameraView:
        view = self._hub.in_address(request.path_params["name"])
        if view is None:
            raise HTTPException(404, "There is no such camera; /api/status lists them.")
        return view

    async def _next(self, view: CameraView, after: int, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hub.newer(view, after), seconds)

    async def _jpeg(self, view: CameraView, *, boxes: bool) -> bytes | None:
        """What a camera shows now: its newest picture, or that there is no signal; None: nothing was ever there."""
        numbered, state = view.newest, view.state()
        if state["no_signal"]:
            size = state["width"], state["height"]
            since = int(state["silent_s"])
            jpeg: bytes | None = await self._hub.made((view.name, "no signal"), since, _card, *size, since, state["cause"])
        elif numbered is not None:
            jpeg = await self._hub.made((view.name, "drawn" if boxes else "clean"), numbered, _jpeg, numbered.result, boxes)
        else:
            jpeg = None
        return jpeg

    async def _parts(self, view: CameraView, *, boxes: bool) -> AsyncIterator[bytes]:
        """Each part is ended by the boundary of the next, so that no program waits for that to show it."""
        self._streams += 1
        try:
            yield b""
            yield b"--" + BOUNDARY
            sent = 0
            while not view.ended and not self._hub.ending.is_set() and view in self._hub:
                sent = view.newest.number if view.newest else 0
                jpeg = await self._jpeg(view, boxes=boxes)
                if jpeg is not None:
                    head = b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                    yield head + jpeg + b"\r\n--" + BOUNDARY
                await self._next(view, sent, REPEATED_S)
            yield b"--\r\n"
        finally:
            self._streams -= 1

    def _found(self, result: Result) -> None:
        """A frame was looked at. The renderer's thread."""
        if not self._listeners or self._loop is None:
            return
        line = json.dumps(told_event(result), allow_nan=False)
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._spread, line)

    def _spread(self, line: str) -> None:
        for listener in self._listeners:
            self.lost += listener.put(line)


class _Listener:
    """One who is told the events: the oldest are lost where it is too slow."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._lost = 0
        self._came = asyncio.Event()

    def put(self, line: str) -> int:
        """How many were lost for it."""
        lost = len(self._waiting) >= MOST_EVENTS_WAITING
        if lost:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(line)
        self._came.set()
        return int(lost)

    async def send_to(self, websocket: WebSocket) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            while True:
                await self._came.wait()
                self._came.clear()
                while self._waiting:
                    if self._lost:
                        lost, self._lost = self._lost, 0
                        await websocket.send_text(json.dumps({"kind": "lost", "events": lost}))
                    await websocket.send_text(self._waiting.popleft())


async def _until_gone(websocket: WebSocket) -> None:
    """What a listener says is not heard."""
    with suppress(RuntimeError, WebSocketDisconnect):
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass


def _jpeg(result: Result, boxes: bool) -> bytes:
    """The encoder's thread."""
    image = result.picture if boxes else result.bare
    return jpeg_of(image, min(image.shape[1], LARGEST), QUALITY)


def _card(width: int, height: int, silent_s: float, cause: str) -> bytes:
    """The encoder's thread."""
    card = no_signal(width, height, silent_s, cause)
    return jpeg_of(card, card.shape[1], QUALITY)


def _counts(view: CameraView) -> dict[str, Any]:
    newest, name = view.newest, quote(view.name, safe="")
    return {
        "pictures": newest.number if newest else 0,
        "faces": len(newest.result.analysis.faces) if newest else 0,
        **(numbers_of(newest.result) if newest else {}),
        "jpg": f"cameras/{name}.jpg",
        "mjpg": f"cameras/{name}.mjpg",
    }
