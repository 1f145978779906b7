"""The server's thread: from a socket that listens to its end, which takes no longer than any other part of a run."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
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
GRACE_S = 0.5
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
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        from stream.web.patience import PatientLoop

        with asyncio.Runner(loop_factory=PatientLoop) as runner:
            runner.run(self._server.serve([self._listener]))

    def hurry(self) -> None:
        """End, as soon as what is open has been told. Any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """End, and wait for it."""
        self.hurry()
        self._thread.join(GRACE_S + 1)
        self._listener.close()


@contextmanager
def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    ending: Callable[[], None] = lambda: None,
) -> Iterator[Server]:
    """Answer on that socket until the block ends; its port is free again then.

    Args:
        certificate: a PEM file, with `key`: https; None: http.
        ending: called in the server's event loop when the end begins: what would never end by itself does so now.

    Raises:
        UsageError: the certificate cannot be used.
    """
    import uvicorn

    from stream.web.patience import PatientHttp, PatientSocket

    config = uvicorn.Config(
        app,
        http=PatientHttp,
        ws=PatientSocket,
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
    server = Server(_prompt(config, ending), listener)
    try:
        yield server
    finally:
        server.close()


def _prompt(config: uvicorn.Config, ending: Callable[[], None]) -> uvicorn.Server:
    """A server that cuts, `GRACE_S` after its end began, what has not ended by then."""
    import uvicorn

    class Prompt(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending()
            asyncio.get_running_loop().call_later(GRACE_S, self._cut)
            await super().shutdown(sockets)

        def _cut(self) -> None:
            for connection in list(self.server_state.connections):
                connection.transport.abort()

    return Prompt(config)
