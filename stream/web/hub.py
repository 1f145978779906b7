"""What pages and lanes share: the views that there are, the pages that are open, and pictures made once for all of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal, Protocol

from models.inference.priority import stand_back
from stream.web.camera_view import CameraView
from stream.web.encoding import Encoded, encoded, rung_for
from stream.web.short_names import short_names

ENCODER_STANDS_BACK = 3
"""Steps of `nice`: behind those who read and show, before recordings and looks (`pipeline.priority`)."""
MOST_PAGES = 32


class Page(Protocol):
    """An open page. Used in the server's event loop alone."""

    async def say(self, message: dict[str, Any] | bytes) -> None:
        """Send it something."""

    async def close(self, code: int = 1001, reason: str = "") -> None:
        """Let it go; it may come again."""

    def came(self, view: CameraView) -> None:
        """There is a newer picture."""

    def changed(self) -> None:
        """There is something to tell besides pictures."""


Heard = Callable[[Page, dict[str, Any]], Awaitable[None]]
"""Does what a page asked for. Raises `FacestreamError` with a sentence for it where that cannot be."""
HeardBytes = Callable[[Page, bytes], Awaitable[None]]


class Counts(Protocol):
    """Is told what there is to count."""

    def web_pages(self, count: int) -> None:
        """So many pages are open."""

    def web_changed(self) -> None:
        """A page has changed something."""

    def web_encoded(self, source: str) -> None:
        """A picture was made for pages."""

    def web_drawn(self, source: str, age_s: float) -> None:
        """A page has drawn a picture that arrived so long ago."""

    def web_refused(self, reason: Refusal) -> None:
        """Somebody was not let in, or shown out."""


Refusal = Literal["host", "origin", "token", "throttle", "size", "slow", "full", "messages"]
"""Why: not one of our names; not one of our pages; without the token; too many wrong ones; too large; too slow; no place left; too many
messages or such as make no sense."""


class Hub:
    """Lanes come here with their pictures, pages come here for them. What is called from other threads than the server's says so."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.pages: set[Page] = set()
        self.hears: dict[str, Heard] = {}
        """By the `type` of a page's message, who does what it says."""
        self.hears_bytes: HeardBytes | None = None
        """Who gets what pages send besides JSON."""
        self.tells: list[Callable[[], dict[str, Any]]] = []
        """Each adds something to what pages are told of the run."""
        self.left: list[Callable[[Page], None]] = []
        """Are told when a page has gone."""
        self.arrived: list[Callable[[CameraView], None]] = []
        """Are told of each view that comes. Any thread."""
        self.ending = asyncio.Event()
        """The server ends: what would go on for ever does not."""
        self._views: dict[str, CameraView] = {}
        self._changing = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[tuple[CameraView, asyncio.Event]] = set()
        self._encoder = ThreadPoolExecutor(1, "web encoder", stand_back, (ENCODER_STANDS_BACK,))
        self._making: dict[tuple[str, *tuple[object, ...]], tuple[object, asyncio.Future[Any]]] = {}
        """What was made of the newest picture of each view, by its name, size and quality."""

    def opened(self, loop: asyncio.AbstractEventLoop) -> None:
        """The server runs: pages may come."""
        self._loop = loop

    def add(self, view: CameraView) -> None:
        """A lane has begun. Any thread."""
        with self._changing:
            self._views = {**self._views, view.name: view}
        for one in self.arrived:
            one(view)
        self._tell(self._changed)

    def remove(self, view: CameraView) -> None:
        """A lane has gone. Any thread."""
        with self._changing:
            self._views = {name: one for name, one in self._views.items() if one is not view}
        self._tell(self._changed)

    def came(self, view: CameraView) -> None:
        """A view has a newer picture, or has ended. Any thread; never waits."""
        if self.pages or self._waiting:
            self._tell(self._wake, view)

    @property
    def views(self) -> dict[str, CameraView]:
        """By name."""
        return self._views

    def in_address(self, name: str) -> CameraView | None:
        """A view by its name as it stands in an address: some proxies make one slash of two."""
        views = self._views
        return views.get(name) or next((view for known, view in views.items() if known.replace("//", "/") == name), None)

    def enter(self, page: Page) -> bool:
        """A page has opened; False where there are too many."""
        if len(self.pages) >= MOST_PAGES:
            self.counts.web_refused("full")
            return False
        self.pages.add(page)
        self.counts.web_pages(len(self.pages))
        return True

    def leave(self, page: Page) -> None:
        self.pages.discard(page)
        for one in self.left:
            one(page)
        self.counts.web_pages(len(self.pages))

    async def picture(self, view: CameraView, wanted_px: float, quality: int) -> Encoded | None:
        """The newest picture of a view, made once for all who ask; None while there is none."""
        numbered = view.newest
        if numbered is None:
            return None
        width = rung_for(wanted_px, numbered.result.frame.width)
        picture: Encoded = await self.made((view.name, width, quality), numbered, encoded, view.name, numbered, width, quality)
        return picture

    async def made(self, key: tuple[str, *tuple[object, ...]], of: object, make: Callable[..., Any], *words: Any) -> Any:
        """What the encoder's thread makes of a picture: once for all who ask for the same.

        Args:
            key: the view's name, and what tells this from others that are made of its pictures.
            of: what it is made of; what was made of something else is not kept.
        """
        making = self._making.get(key)
        if making is None or making[0] != of:
            for old in [one for one, (its, future) in self._making.items() if one[0] == key[0] and its != of and future.done()]:
                del self._making[old]  # each keeps a frame
            future = asyncio.get_running_loop().run_in_executor(self._encoder, make, *words)
            self._making[key] = making = of, future
            self.counts.web_encoded(key[0])
        return await asyncio.shield(making[1])

    async def newer(self, view: CameraView, after: int) -> None:
        """Waits for a picture of a view with a higher number; or for the end of either."""
        came = asyncio.Event()
        self._waiting.add((view, came))
        try:
            if not (view.ended or self.ending.is_set() or (view.newest is not None and view.newest.number > after)):
                await came.wait()
        finally:
            self._waiting.discard((view, came))

    def end(self) -> None:
        """The server's end begins: what would go on for ever ends now."""
        self.ending.set()
        for _, came in self._waiting:
            came.set()

    async def close(self) -> None:
        """The server ends: every page is told and let go."""
        self._encoder.shutdown(wait=False, cancel_futures=True)
        self._making.clear()
        await asyncio.gather(*(page.close() for page in list(self.pages)), return_exceptions=True)

    def state(self) -> dict[str, Any]:
        """How everything is now, for the page."""
        more = {key: value for tell in self.tells for key, value in tell().items()}
        return {"type": "state", **self.cameras(), **more}

    def cameras(self, more: Callable[[CameraView], dict[str, Any]] = lambda view: {}) -> dict[str, Any]:
        """How every camera is now, and what time it is here, as clocks differ.

        Args:
            more: what else is told of each.
        """
        views = self._views
        short = short_names(views)
        cameras = [{**view.state(), "short": short[name], **more(view)} for name, view in views.items()]
        return {"now": round(time.time(), 3), "cameras": cameras}

    def changed(self) -> None:
        """Something of `state` is different: every page is told now. Any thread."""
        self._tell(self._changed)

    def _tell(self, what: Any, *words: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever would listen
            if self._loop is not None:
                self._loop.call_soon_threadsafe(what, *words)

    def _wake(self, view: CameraView) -> None:
        for page in self.pages:
            page.came(view)
        for waited_for, came in self._waiting:
            if waited_for is view:
                came.set()

    def _changed(self) -> None:
        names = set(self._views)
        for key in [key for key in self._making if key[0] not in names]:
            del self._making[key]
        for page in self.pages:
            page.changed()
        for view, came in self._waiting:
            if view not in self._views.values():
                came.set()

    def __iter__(self) -> Iterator[CameraView]:
        return iter(self._views.values())
