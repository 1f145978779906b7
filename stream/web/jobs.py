"""Photos and videos from pages: one after another through the run, the others wait their turn, and what is over goes with its page."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from stream.errors import FacestreamError
from stream.pipeline.lane import Lane
from stream.private_folder import PrivateFolder
from stream.settings.schema import Settings
from stream.web.guest_place import Taker
from stream.web.job import Job, JobLane, shown_name

MOST_WAITING = 8
"""Files that wait for the one that is looked at."""
MOST_KEPT = 32
"""Results that are there for their pages; the oldest goes when there are more."""
LARGEST = 512 * 1024 * 1024
"""Bytes of a file."""
ROOM = 256 * 1024 * 1024
"""Bytes of the disk that a file leaves free: for its result, and for everybody else."""
MOST_LETTERS = 40
"""Of a page's word for a file."""
CHUNK = 1024 * 1024
TOLD_EVERY_S = 0.25
"""A page hears so often how far its video is."""


class RefusedError(FacestreamError):
    """A file is not taken."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        """Of HTTP."""


class Jobs:
    """All files of all pages. Used in the server's event loop alone, but for `close`."""

    def __init__(self, run: Callable[[], tuple[Taker | None, Settings]], tell: Callable[[Job], None]) -> None:
        """
        Args:
            run: what runs now, and with which settings.
            tell: a job has come further.
        """
        self._folder = PrivateFolder("web")
        self._run, self._tell = run, tell
        self._jobs: dict[str, Job] = {}
        self._worker: asyncio.Task[None] | None = None
        self._running: tuple[Job, Taker, Lane] | None = None
        self._told_at = 0.0

    def close(self) -> None:
        """Nothing of any file stays on the disk."""
        self._folder.close()

    def of(self, key: str) -> list[Job]:
        """Those of one page, in the order in which they came."""
        return [job for job in self._jobs.values() if job.key == key]

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    async def take(self, key: str, name: str, ref: str, length: int | None, body: AsyncIterator[bytes]) -> Job:
        """A file comes; it waits its turn once it is here.

        Args:
            ref: the page's own word for it.
            length: bytes, as announced.

        Raises:
            RefusedError: it is not taken.
        """
        if sum(job.state in ("receiving", "waiting") for job in self._jobs.values()) >= MOST_WAITING:
            raise RefusedError(429, f"{MOST_WAITING} files are waiting already; send this one when one of them is done.")
        self._make_room(length or 0)
        job = Job(secrets.token_urlsafe(16), key, shown_name(name), ref[:MOST_LETTERS], self._folder.path / secrets.token_hex(16))
        self._jobs[job.id] = job
        self._tell(job)
        try:
            await self._receive(job, body)
        except BaseException as error:
            self.forget(job)
            if isinstance(error, OSError):
                raise RefusedError(507, f"The server's disk cannot take it ({error.strerror}).") from error
            raise
        if not job.over:
            job.state = "waiting"
            self._tell(job)
            if self._worker is None or self._worker.done():
                self._worker = asyncio.create_task(self._work())
        return job

    def cancel(self, job: Job) -> None:
        """Its owner wants it no more."""
        if job.over:
            self.forget(job)
            return
        job.state = "cancelled"
        self._tell(job)
        if self._running is not None and self._running[0] is job:
            _, run, lane = self._running
            asyncio.get_running_loop().run_in_executor(None, run.remove, lane)
        else:
            self.forget(job)

    def forget(self, job: Job) -> None:
        """It is gone, with its files."""
        if not job.over:
            job.state = "cancelled"
            self._tell(job)
        if self._jobs.pop(job.id, None) is not None and not (self._running is not None and self._running[0] is job):
            with suppress(RuntimeError):  # the server ends, and all folders with it
                asyncio.get_running_loop().run_in_executor(None, job.forget)

    def _make_room(self, length: int) -> None:
        over = [job for job in self._jobs.values() if job.over]
        for job in over[: max(0, len(over) - MOST_KEPT + 1)]:
            self.forget(job)
        free = shutil.disk_usage(self._folder.path).free
        if free < length + ROOM:
            raise RefusedError(507, f"The server's disk has no room for it: {free // 2**20} MiB are free; {ROOM // 2**20} must stay so.")

    async def _receive(self, job: Job, body: AsyncIterator[bytes]) -> None:
        job.folder.mkdir(0o700)
        held, size = bytearray(), 0
        with job.given.open("wb") as file:
            async for chunk in body:
                size += len(chunk)
                if size > LARGEST:
                    raise RefusedError(413, f"It is larger than {LARGEST // 2**20} MiB.")
                if job.over:
                    return
                held += chunk
                if len(held) >= CHUNK:
                    if shutil.disk_usage(job.folder).free < ROOM:
                        raise RefusedError(507, f"The server's disk has no room for it: {ROOM // 2**20} MiB must stay free.")
                    await asyncio.to_thread(file.write, bytes(held))
                    held.clear()
            await asyncio.to_thread(file.write, bytes(held))

    async def _work(self) -> None:
        while (job := next((job for job in self._jobs.values() if job.state == "waiting"), None)) is not None:
            job.state = "running"
            self._tell(job)
            try:
                await self._look_at(job)
            except FacestreamError as error:
                job.fail(str(error))
            except OSError as error:
                job.fail(f"{job.name}: cannot be read ({error.strerror}).")
            except RuntimeError:
                job.fail("The run is about to end.")
            except Exception as error:  # noqa: BLE001 - a damaged file must not end those that wait
                job.fail(f"{job.name}: cannot be read ({type(error).__name__}).")
            finally:
                self._running = None
            job.finish()
            if job.cancelled or job.id not in self._jobs:
                self._jobs.pop(job.id, None)
                await asyncio.to_thread(job.forget)
            else:
                await asyncio.to_thread(job.given.unlink, missing_ok=True)
            self._tell(job)

    async def _look_at(self, job: Job) -> None:
        run, settings = self._run()
        if run is None:
            raise FacestreamError("Nothing runs at the moment.")
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        made = await asyncio.to_thread(JobLane, job, settings, _in(loop, self._came, job), _in(loop, over.set))
        if job.over:  # cancelled while it was opened
            made.source.close()
            await asyncio.to_thread(made.lane.sinks[0].close)
            return
        self._running = job, run, made.lane
        await asyncio.to_thread(run.add, made.lane)
        if job.over:
            await asyncio.to_thread(run.remove, made.lane)
        await over.wait()
        job.notes = [job.in_words(note) for note in (*made.source.status.notes, *made.sink.notes)]
        if (error := made.error) is not None:
            job.fail(error)

    def _came(self, job: Job) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            self._tell(job)


def _in(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *words: object) -> Callable[[], None]:
    """What any thread may call: it then happens in the event loop, if that is still there."""

    def call() -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(what, *words)

    return call
