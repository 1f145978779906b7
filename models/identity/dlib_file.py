"""Reads a network that dlib 19 has serialised, without dlib: of its forms just those that the face recognition network is made of."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Layer = tuple[str, *tuple[np.ndarray, ...]]
"""Its kind, and its arrays: "convolution" kernel (filters, channels, side, side) and bias (filters,); "affine" scale and shift, (channels,)
each; "dense" kernel (channels, outputs)."""


def read_dlib_arrays(content: bytes) -> tuple[np.ndarray, list[Layer]]:
    """What the pixels' mean is, (3,) in red, green, blue, and the layers that have arrays, in the order that pixels pass them.

    Not for files that nobody has checked: 9 of 60 damaged ones were read without a word.

    Raises:
        ValueError, OverflowError: this is something else.
    """
    stream = _Stream(content)
    stream.expect(stream.integer() == 1 and stream.string() == "loss_metric_2")
    stream.floats(2)
    while stream.integer() != 3:  # a version for each layer, the outermost first; 3 is the input's
        pass
    stream.expect(stream.string() == "input_rgb_image_sized")
    mean = np.array(stream.floats(3), np.float32)
    stream.integers(2)
    layers, innermost = list[Layer](), True
    while not stream.at_end:
        layer = _layer(stream)
        if len(layer) > 1:
            layers.append(layer)
        stream.raw(3)  # three flags
        for _ in range(3):  # gradients and an output, all empty
            stream.tensor()
        if innermost:
            stream.integer()
            innermost = False
    return mean, layers


def _layer(stream: _Stream) -> Layer:
    name = stream.string()
    known: dict[str, Callable[[_Stream], Layer]] = {"con_4": _convolution, "affine_": _affine, "fc_2": _dense}
    if name in known:
        return known[name](stream)
    if name in ("max_pool_2", "avg_pool_2"):
        stream.integers(6)
    else:
        stream.expect(name in ("relu_", "add_prev_"))
    return (name,)


def _convolution(stream: _Stream) -> Layer:
    values = stream.tensor()
    stream.integers(7)  # filters, sides, strides, padding: they are what the network is known to have
    kernel, bias = stream.views(values, 2)
    stream.floats(4)
    return "convolution", kernel, bias.reshape(-1)


def _affine(stream: _Stream) -> Layer:
    scale, shift = stream.views(stream.tensor(), 2)
    stream.integer()
    return "affine", scale.reshape(-1), shift.reshape(-1)


def _dense(stream: _Stream) -> Layer:
    outputs, _ = stream.integers(2)
    values = stream.tensor()
    stream.views(values, 2)
    stream.integer()
    stream.floats(4)
    return "dense", values.reshape(-1, outputs)


class _Stream:
    """Takes one thing after the other from some bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    @property
    def at_end(self) -> bool:
        return self._place == len(self._content)

    def expect(self, holds: bool) -> None:
        if not holds:
            raise ValueError(f"not dlib's face recognition network, at byte {self._place}")

    def raw(self, count: int) -> bytes:
        self.expect(0 <= count <= len(self._content) - self._place)
        self._place += count
        return self._content[self._place - count : self._place]

    def integer(self) -> int:
        """A byte that says how many follow (low four bits) and whether the number is negative (the highest), and those."""
        (head,) = self.raw(1)
        value = int.from_bytes(self.raw(head & 0x0F), "little")
        return -value if head & 0x80 else value

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def floats(self, count: int) -> list[float]:
        return [math.ldexp(self.integer(), self.integer()) for _ in range(count)]

    def string(self) -> str:
        return self.raw(self.integer()).decode("ascii")

    def tensor(self) -> np.ndarray:
        version, *shape = self.integers(5)
        self.expect(version == 2 and min(shape) >= 0)
        return np.frombuffer(self.raw(4 * math.prod(shape)), "<f4").reshape(shape)

    def views(self, values: np.ndarray, count: int) -> list[np.ndarray]:
        """So many parts of an array, one behind the other, of which the shapes follow."""
        parts, first = list[np.ndarray](), 0
        for _ in range(count):
            version, *shape = self.integers(5)
            self.expect(version == 1 and min(shape) >= 0)
            last = first + math.prod(shape)
            self.expect(last <= values.size)
            parts.append(values.reshape(-1)[first:last].reshape(shape))
            first = last
        return parts
