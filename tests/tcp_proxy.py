"""A line between a client and a server that a test can cut, make thin, or make swallow all that is said."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tests.ports import free_port


class CuttableProxy:
    """Passes bytes on, in a thread of its own, until told otherwise."""

    def __init__(self, address: str) -> None:
        """
        Args:
            address: of the server: `http://HOST:PORT/`.
        """
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self.port = free_port()
        self.address = f"http://{self._host}:{self.port}/"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passes: asyncio.Event | None = None
        self.bytes_per_s: float | None = None
        """So much goes through a connection, each way; None: all that comes."""

    def __enter__(self) -> CuttableProxy:
        self._thread.start()
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._do(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def mend(self) -> None:
        """Clients are let in."""
        self._do(self._listen())

    def cut(self) -> None:
        """Nobody is let in, and those who were are let go."""
        self._do(self._cut())

    def swallow(self) -> None:
        """Connections stay open, and nothing goes through any more; for those that come, too."""
        assert self._passes is not None
        self._loop.call_soon_threadsafe(self._passes.clear)

    def _do(self, what: Any) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(what, self._loop)
        done.result(10)

    async def _listen(self) -> None:
        self._passes = asyncio.Event()
        self._passes.set()
        self._server = await asyncio.start_server(self._accept, self._host, self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._passes is not None:
            self._passes.set()
        for writer in list(self._open):
            writer.transport.abort()

    async def _finish(self) -> None:
        while others := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
            _, stuck = await asyncio.wait(others, timeout=1)  # they end by themselves, now that all is cut
            for task in stuck:
                task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        both = {writer}
        self._open |= both
        try:
            server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
            both.add(server_writer)
            self._open |= both
            await asyncio.gather(self._pump(reader, server_writer), self._pump(server_reader, writer))
        except OSError:
            pass
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(int(self.bytes_per_s / 50) if self.bytes_per_s else 65536):
                if self.bytes_per_s:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                assert self._passes is not None
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
            writer.close()
