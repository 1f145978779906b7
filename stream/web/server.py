"""The server's thread: from a socket that listens to its end, which takes no longer than any other part of a run."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stream.errors import UsageError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

MISSING = "--web needs what the extra `web` brings: pip install 'facestream[web]'."
LARGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes that a page may send at once."""
GRACE_S = 1.0
"""Connections that have not ended by then are cut."""


def check_installed() -> None:
    """
    Raises:
        UsageError: the libraries for the page are not there.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ImportError as error:
        raise UsageError(MISSING) from error


class Server:
    """A server that runs in a thread."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server, self._listener = server, listener
        self._thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="web", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """End, as soon as what is open has been told. Any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """End, and wait for it."""
        self.hurry()
        self._thread.join(GRACE_S + 1)
        self._listener.close()


@contextmanager
def serve(app: ASGIApp, listener: socket.socket, *, certificate: Path | None = None, key: Path | None = None) -> Iterator[Server]:
    """Answer on that socket until the block ends; its port is free again then.

    Args:
        certificate: a PEM file, with `key`: https; None: http.

    Raises:
        UsageError: the certificate cannot be used.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # JPEGs do not get smaller, and each connection would keep 64 KiB for it
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its errors are those of a page that went away
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl's own errors are among them
        listener.close()
        raise UsageError(f"{certificate} and {key} cannot be used for https ({getattr(error, 'reason', None) or error}).") from error
    server = Server(uvicorn.Server(config), listener)
    try:
        yield server
    finally:
        server.close()
