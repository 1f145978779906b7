"""What pages bring to a run: their own cameras, and photos and videos. Who may, which belongs to which page, and what goes with it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from stream.errors import FacestreamError, PictureError
from stream.web.guest_place import GuestPlace, Taker
from stream.web.hub import Hub, Page
from stream.web.job import Job
from stream.web.jobs import LARGEST, Jobs, RefusedError
from stream.web.webcam import Sent, Webcam

MOST_WEBCAMS = 4
BACK_WITHIN_S = 60.0
"""A page whose connection broke off may come back to its files for so long."""
UPLOAD = "/upload"


class Guests:
    """All that pages have brought. Used in the server's event loop alone, but for `close`."""

    def __init__(self, hub: Hub, place: Callable[[], GuestPlace]) -> None:
        self._place = place
        self._pages: dict[Page, str] = {}
        """By page, the key of what it brought."""
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._webcams: dict[Page, tuple[Webcam, Taker]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.jobs = Jobs(lambda: (place().run, place().settings), self._tell)
        hub.hears |= {"guest": self._greet, "webcam": self._webcam, "cancel": self._cancel}
        hub.hears_bytes = self._picture
        hub.left.append(self._left)
        hub.tells.append(lambda: {"guests": {"why_not": place().why_not, "largest": LARGEST}})

    @property
    def routes(self) -> list[BaseRoute]:
        return [Route(UPLOAD, self._upload, methods=["POST"]), Route("/result", self._result)]

    def close(self) -> None:
        """The server has ended. Nothing that came is left."""
        self.jobs.close()

    async def _greet(self, page: Page, said: dict[str, Any]) -> None:
        """A page is there, perhaps once more: it gets a key, by which it sends files, and hears of those that it has sent before."""
        key = str(said.get("key"))
        if key in self._leaving:
            self._leaving.pop(key).cancel()
        elif key not in self._pages.values():
            key = secrets.token_urlsafe(16)
        self._pages[page] = key
        await page.say({"type": "guest", "key": key})
        for job in self.jobs.of(key):
            await page.say(job.told())

    def _left(self, page: Page) -> None:
        key = self._pages.pop(page, None)
        self._end_webcam(page)
        if key is not None and key not in self._pages.values():
            self._leaving[key] = asyncio.get_running_loop().call_later(BACK_WITHIN_S, self._forget, key)

    def _forget(self, key: str) -> None:
        self._leaving.pop(key, None)
        for job in self.jobs.of(key):
            if not job.over:
                self.jobs.cancel(job)
            self.jobs.forget(job)

    async def _webcam(self, page: Page, said: dict[str, Any]) -> None:
        """A page's camera begins, or ends."""
        self._end_webcam(page)
        if not said.get("on"):
            return
        place = self._welcome()
        taken = {webcam.name for webcam, _ in self._webcams.values()}
        name = next((name for number in range(1, MOST_WEBCAMS + 1) if (name := f"webcam of page {number}") not in taken), None)
        if name is None:
            raise FacestreamError(f"{MOST_WEBCAMS} pages show their cameras already; there is no room for one more.")
        webcam = Webcam(name, place.settings.source, page, self._webcam_ended)
        assert place.run is not None
        self._webcams[page] = webcam, place.run
        try:
            await asyncio.to_thread(place.run.add, webcam.lane)
        except RuntimeError as error:
            self._webcams.pop(page, None)
            raise FacestreamError("The run is about to end.") from error
        if self._webcams.get(page, (None,))[0] is not webcam:  # it left meanwhile
            await asyncio.to_thread(place.run.remove, webcam.lane)
            return
        await page.say({"type": "webcam", "on": True, "hides": place.settings.hide.on})

    def _end_webcam(self, page: Page) -> None:
        webcam, run = self._webcams.pop(page, (None, None))
        if webcam is not None and run is not None:
            webcam.left()
            asyncio.get_running_loop().run_in_executor(None, run.remove, webcam.lane)

    def _webcam_ended(self, webcam: Webcam) -> None:
        if self._webcams.get(webcam.page, (None,))[0] is webcam:  # the run ended it, not the page
            del self._webcams[webcam.page]
            self._say(webcam.page, {"type": "webcam", "on": False, "why": "The run has ended."})

    async def _picture(self, page: Page, data: bytes) -> None:
        webcam, _ = self._webcams.get(page, (None, None))
        try:
            sent = Sent.parse(data)
            if webcam is None:
                raise PictureError("This page has no camera here: it must begin with one.")
            webcam.take(sent)
        except PictureError as error:
            await page.say({"type": "refused", "what": "picture", "why": str(error)})

    async def _cancel(self, page: Page, said: dict[str, Any]) -> None:
        job = self.jobs.get(str(said.get("job")))
        if job is not None and job.key == self._pages.get(page):
            self.jobs.cancel(job)

    def _welcome(self) -> GuestPlace:
        place = self._place()
        if place.why_not:
            raise FacestreamError(place.why_not)
        return place

    async def _upload(self, request: Request) -> Response:
        """A file as the body of a request, for the page whose key it names."""
        key, length = request.query_params.get("page", ""), request.headers.get("content-length", "")
        try:
            self._welcome()
            if key not in self._pages.values():
                raise RefusedError(404, "There is no such page: files are taken from a page that is open.")
            name, ref = (request.query_params.get(word, "") for word in ("name", "ref"))
            job = await self.jobs.take(key, name, ref, int(length) if length.isdecimal() else None, request.stream())
        except RefusedError as error:
            return PlainTextResponse(str(error), error.status)
        except ClientDisconnect:
            return Response(status_code=400)
        except FacestreamError as error:
            return PlainTextResponse(str(error), 409)
        return JSONResponse({"job": job.id}, 202)

    async def _result(self, request: Request) -> Response:
        """A photo as it is shown, or a video as a download; parts of it, too."""
        job = self.jobs.get(request.query_params.get("job", ""))
        if job is None or job.state != "done":
            return PlainTextResponse("There is no such result, or it is gone.", 404)
        if job.kind == "photo":
            return FileResponse(job.result, media_type="image/jpeg")
        stem = job.name.rpartition(".")[0] or job.name
        return FileResponse(job.result, media_type="video/mp4", filename=f"{stem} with faces.mp4")

    def _tell(self, job: Job) -> None:
        for page, key in self._pages.items():
            if key == job.key:
                self._say(page, job.told())

    def _say(self, page: Page, message: dict[str, Any]) -> None:
        async def said() -> None:
            try:
                await page.say(message)
            except Exception:  # noqa: BLE001 - it has gone: `_left` is told
                return

        task = asyncio.create_task(said())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
