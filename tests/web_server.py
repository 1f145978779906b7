"""The page's server in this process, with a camera on it that shows what a test gives it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stream.faces import Analysis, Face
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.sinks.result import Measured, Result
from stream.web.camera_view import CameraView
from stream.web.host import WebHost, WebOptions
from stream.web.place import Place
from tests.ports import free_port
from tests.scripted import Scripted
from tests.web_client import TOKEN


@dataclass(slots=True)
class Door:
    """A page and its camera, which is called door."""

    port: int
    web: WebHost
    metrics: Metrics
    health: Health
    camera: Scripted
    view: CameraView
    said: list[str] = field(default_factory=list)
    """What the user is told."""
    shown: int = 0

    def show(self, image: np.ndarray | None = None, faces: Sequence[Face] = (), measured: Measured | None = None) -> Result:
        """The camera gives a picture, and it is looked at."""
        image = np.full((48, 64, 3), 90, np.uint8) if image is None else image
        self.camera.status.state = "up"
        frame = Frame.of_image(image, source=self.view.name, captured_at=time.monotonic(), index=self.shown)
        result = Result(frame, Analysis(self.view.name, self.shown, 0.0, tuple(faces)), self.camera.info, measured=measured)
        self.shown += 1
        self.view.looks.write(result)
        self.view.write(result)
        return result

    def refused(self, reason: str) -> float:
        """How often somebody was not let in for that reason."""
        return self.metrics.registry.get_sample_value("facestream_web_refused_total", {"reason": reason}) or 0.0


def face() -> Face:
    """One that was found."""
    return Face(np.array([10, 8, 40, 40], np.float32), 0.9, np.full((5, 2), 20, np.float32))


@contextmanager
def serving(host: str = "127.0.0.1", name: str = "door", **options: Any) -> Iterator[Door]:
    """Serve until the block ends."""
    place, metrics, health, camera = Place(host, free_port()), Metrics(), Health(), Scripted(0, live=True, name=name)
    said: list[str] = []
    web = WebHost(WebOptions(place=place, listener=place.listen(), token=TOKEN, **options), metrics, health, said.append, said.append)
    with web.open():
        yield Door(place.port, web, metrics, health, camera, web.view(camera), said)
