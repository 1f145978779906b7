"""Which network describes faces, and how it is known again: vectors of two networks cannot be compared."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from models.identity.stored import content_of
from models.identity.weights import DLIB_SHA256, SHIPPED, SHIPPED_SHA256

Channels = Literal["rgb", "bgr"]
ONNX = ".onnx"


@dataclass(frozen=True)
class NetworkFile:
    """The file of a network that describes faces: what ships, dlib's own file, or an ONNX file of the ArcFace kind.

    How an ONNX file takes pixels is told nowhere in it: as (pixel - mean) / scale, of 0..255.
    """

    path: Path = SHIPPED
    mean: float | tuple[float, float, float] = 127.5
    """Of all channels, or of red, green and blue."""
    scale: float | tuple[float, float, float] = 128.0
    channels: Channels = "rgb"
    """In which order they come."""

    def __post_init__(self) -> None:
        if self.channels not in ("rgb", "bgr"):
            raise ValueError(f"channels are rgb or bgr, not {self.channels!r}")
        for name, number in (("mean", self.mean), ("scale", self.scale)):
            if not all(map(math.isfinite, _three(number))):
                raise ValueError(f"{name} must be finite, not {number}")
        if min(_three(self.scale)) <= 0:
            raise ValueError(f"scale is above 0, not {self.scale}")

    @property
    def is_onnx(self) -> bool:
        """Whether it is another network than the one that ships."""
        return self.path.suffix.lower() == ONNX

    @property
    def means(self) -> tuple[float, float, float]:
        """Of red, green and blue."""
        return _three(self.mean)

    @property
    def scales(self) -> tuple[float, float, float]:
        """The same."""
        return _three(self.scale)

    @cached_property
    def id(self) -> str:
        """What vectors are known by: the file's sha256, and how it takes pixels where that is not the usual way.

        Raises:
            ModelError: there is no such file, or it cannot be read.
        """
        if self.path == SHIPPED:
            return SHIPPED_SHA256
        _, content = content_of(self.path, "the file of a network", "the network that describes faces (identity.network)")
        found = hashlib.sha256(content).hexdigest()
        if not self.is_onnx or (self.means, self.scales, self.channels) == _USUAL:
            return canonical(found)
        told = (",".join(f"{number:g}" for number in numbers) for numbers in (self.means, self.scales))
        return " ".join([found, *told, self.channels])


def canonical(network: str) -> str:
    """The id of the same network: dlib's own file is the one that ships, and their vectors differ by less than 0.001."""
    return SHIPPED_SHA256 if network == DLIB_SHA256 else network


def said_of(theirs: str, ours: str) -> str:
    """By what else vectors were made, in words; empty: by the same."""
    if canonical(theirs) == ours:
        return ""
    same = theirs.split()[0:1] == ours.split()[0:1]
    return "this network with another identity.network_mean, network_scale or network_channels" if same else "another network"


def _three(number: float | tuple[float, float, float]) -> tuple[float, float, float]:
    return (number, number, number) if isinstance(number, int | float) else number


_USUAL = (_three(NetworkFile.mean), _three(NetworkFile.scale), NetworkFile.channels)
