"""The server's connections, which end when nothing comes of them: whoever says nothing, or reads nothing, keeps no place."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEADER_S = 5.0
"""By then a connection is encrypted, and a request that has begun has all its headers."""
MOST_CONNECTIONS = 200
"""Open at once: each takes a file descriptor from the cameras and the recordings."""
UNREAD_S = 15.0
"""Whoever has read nothing for so long is hung up on."""
FAREWELL_S = 1.0
"""In which what was left to say when a socket was closed is read, or given up."""


class _Unread:
    """Ends a connection whose other end does not read."""

    transport: asyncio.Transport
    _unread: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._unread = asyncio.get_running_loop().call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]
        self._read_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._read_on()
        super().connection_lost(exc)  # type: ignore[misc]

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class PatientHttp(_Unread, H11Protocol):
    """Reads requests."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._wait_no_more()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:  # the begin of a request that came with the last one
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._waits is None:
            self._waits = self.loop.call_later(HEADER_S, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None


class PatientSocket(_Unread, WebSocketsSansIOProtocol):
    """An open WebSocket. One whose end does not read what is left would stay for as long as TCP tries."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(FAREWELL_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()


class PatientLoop(asyncio.SelectorEventLoop):
    """Its servers give up on whoever does not finish a TLS handshake."""

    async def create_server(self, *args: Any, ssl: Any = None, **more: Any) -> asyncio.Server:
        if ssl is not None:
            more |= {"ssl_handshake_timeout": HEADER_S, "ssl_shutdown_timeout": FAREWELL_S}
        return await super().create_server(*args, ssl=ssl, **more)
