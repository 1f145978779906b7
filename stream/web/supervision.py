"""The pages for whoever watches over a run, where the page of the run is: they then need no port of their own."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.monitoring.server import page

HEALTH = frozenset({"/healthz", "/readyz"})
"""What needs no token: whoever starts a container anew has none."""


def supervision(metrics: Metrics, health: Health) -> Sequence[BaseRoute]:
    """The same pages that `--metrics-port` serves. Those without the token hear yes or no, not what the cameras are called."""

    def healthy(request: Request) -> Response:
        status, text = page(request.url.path, health)
        known = request.scope["state"]["known"]
        return PlainTextResponse(text if known else text.partition("\n")[0].partition(":")[0] + "\n", status)

    def numbers(request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"Content-Type": kind})

    return [*(Route(path, healthy) for path in sorted(HEALTH)), Route("/metrics", numbers)]
