"""What Prometheus is told of a cluster, beside what each run tells of itself."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from stream.monitoring.metrics import Declared
from stream.names import printable

TAKEOVER_BUCKETS_S = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)
"""A dead node is noticed after seconds, and its cameras are looked at elsewhere some seconds later."""
OF_A_GROUP = (
    Declared(Gauge, "facestream_camera_node", "Always 1; the labels say on which node a camera is looked at.", ("source", "node")),
)
OF_A_SITE = (
    Declared(Counter, "facestream_group_restarts_total", "How often a group of cameras began anew.", ("group",)),
    Declared(
        Histogram,
        "facestream_takeover_seconds",
        "For how long a camera was not looked at because its group began anew, perhaps on another node.",
        (),
        TAKEOVER_BUCKETS_S,
    ),
)


def made(declared: Declared, registry: CollectorRegistry) -> Any:
    """The metric, which is served with the others of the registry."""
    more: dict[str, Any] = {"buckets": declared.buckets} if declared.buckets else {}
    return declared.kind(declared.name, declared.meaning, declared.labels, registry=registry, **more)


class GroupMetrics:
    """Served beside those of a group's run."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._node = made(OF_A_GROUP[0], registry)

    def is_on(self, source: str, node: str) -> None:
        """A camera is looked at on that node."""
        self._node.labels(printable(source), printable(node)).set(1)


class SiteMetrics:
    """What the supervisor tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._restarts, self._takeover = (made(one, self.registry) for one in OF_A_SITE)

    def restarted(self, group: str, times: int) -> None:
        """A group began anew so many times more."""
        self._restarts.labels(group).inc(times)

    def took_over(self, seconds: float) -> None:
        """For so long a camera was not looked at."""
        self._takeover.observe(seconds)
