"""What the program answers about itself over HTTP: its numbers, whether it lives, whether it works."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socketserver import ThreadingTCPServer
from typing import Any

from prometheus_client import CollectorRegistry, MetricsHandler

from stream.errors import UsageError
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics

INDEX = """facestream

/metrics   numbers, as Prometheus reads them
/healthz   200 while every thread makes progress, else 503 and which does not
/readyz    200 once a first look at a picture has been given to the outputs, else 503
"""
PATIENCE_S = 5
"""A client that has not sent its request after so long is hung up on."""


class _Handler(MetricsHandler):
    timeout = PATIENCE_S
    health: Health

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server looks for
        path = self.path.partition("?")[0]
        if path == "/metrics":
            super().do_GET()
        else:
            self._say(*page(path, self.health))

    do_HEAD = do_GET  # noqa: N815

    def _say(self, status: HTTPStatus, text: str) -> None:
        body = text.encode("utf-8", "backslashreplace")  # names of files need not be text
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def page(path: str, health: Health) -> tuple[HTTPStatus, str]:
    """What is answered besides the numbers."""
    if path == "/":
        return HTTPStatus.OK, INDEX
    if path == "/healthz":
        stalled = health.stalled
        first = [f"stalled: {activity}" for activity in stalled] or ["alive"]
        rest = [str(activity) for activity in health.activities if activity not in stalled]
        return HTTPStatus.SERVICE_UNAVAILABLE if stalled else HTTPStatus.OK, "\n".join([*first, *rest, ""])
    if path == "/readyz":
        return (HTTPStatus.OK, "ready\n") if health.ready else (HTTPStatus.SERVICE_UNAVAILABLE, "not ready: no look was published yet\n")
    return HTTPStatus.NOT_FOUND, f"there is no such page\n\n{INDEX}"


class _Server(ThreadingTCPServer):  # not http.server's: that one asks the name service for its own name first
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up or never spoke is nobody's fault."""


@contextmanager
def serve(metrics: Metrics | CollectorRegistry, health: Health, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer on `http://host:port/` until the block ends; the port is free again then.

    Gives:
        the port: the system's choice if `port` was 0.

    Raises:
        UsageError: the port cannot be had.
    """
    registry = metrics if isinstance(metrics, CollectorRegistry) else metrics.registry
    handler = type("Handler", (_Handler,), {"health": health, "registry": registry})
    server_type = type("Server", (_Server,), {"address_family": socket.AF_INET6 if ":" in host else socket.AF_INET})
    try:
        server = server_type((host, port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"metrics cannot be served on {host}:{port} ({reason}); choose another port.") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="monitor")
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
