"""From results to pictures that an encoder takes: one size, one format, the right colours."""

from __future__ import annotations

import cv2
import numpy as np

from stream.frame import Frame
from stream.media import av
from stream.sinks import Result

BT709, UNSPECIFIED, BT601 = 1, 2, 6
"""Colour matrices by their numbers in the standards (H.273); 601 is the NTSC one, of the same coefficients as PAL's."""
TV, FULL = 1, 2
"""Ranges of brightness: 16..235 and 0..255."""
HD_HEIGHT = 720
"""From this height on, untagged pictures are taken for BT.709: what players do."""


class Planes:
    """Makes 4:2:0 pictures, all of the first frame's size and colours.

    4:2:0 has even sizes only: an odd picture grows by one column or row, a copy of its last. A picture of another size (a camera that came
    back changed) is fitted into the first size, with black at the sides.
    """

    def __init__(self, first: Frame, *, yuvj: bool) -> None:
        """
        Args:
            yuvj: the encoder knows the full range of brightness by FFmpeg's old name for it (libx264 does, libvpx does not).
        """
        self.width, self.height = first.width + first.width % 2, first.height + first.height % 2
        decoded = first.decoded
        if isinstance(decoded, av.VideoFrame):  # its own tags, also where it has none: players then guess as they did for the input
            self.matrix, self.primaries, self.transfer = int(decoded.colorspace), int(decoded.color_primaries), int(decoded.color_trc)
            full = int(decoded.color_range) == FULL or decoded.format.name.startswith("yuvj")
            if decoded.format.is_rgb or self.matrix == 0:  # a GIF, say: 0 is "RGB", which 4:2:0 cannot be
                self.matrix, full = UNSPECIFIED, False
            self.range = FULL if full else TV
        else:
            self.matrix = self.primaries = self.transfer = BT709 if first.height >= HD_HEIGHT else BT601
            self.range = TV
        self.format = "yuvj420p" if yuvj and self.range == FULL else "yuv420p"

    def of(self, result: Result) -> av.VideoFrame:
        """The result's picture; the decoder's own, untouched, where nothing is drawn on it."""
        decoded = result.frame.decoded
        if (
            not result.analysis.faces
            and not result.status_line
            and isinstance(decoded, av.VideoFrame)
            and self._fits(result.frame, decoded)
        ):
            picture = decoded
        else:
            picture = self._from_rgb(result.picture)
        picture.pict_type = 0  # else the encoder would repeat the input's key frames and B-frames
        return picture

    def _fits(self, frame: Frame, decoded: av.VideoFrame) -> bool:
        size_fits = (decoded.width, decoded.height) == (self.width, self.height)
        return size_fits and not frame.quarter_turns and decoded.format.name == self.format and int(decoded.colorspace) == self.matrix

    def _from_rgb(self, image: np.ndarray) -> av.VideoFrame:
        rgb = av.VideoFrame.from_ndarray(self._sized(image), format="rgb24")
        # The matrix must be the one that RGB was made with: FFmpeg takes 601 where nothing is said.
        matrix = self.matrix if self.matrix not in (UNSPECIFIED, BT601) else 5
        picture = rgb.reformat(format=self.format, dst_colorspace=matrix, src_color_range=FULL, dst_color_range=self.range)
        picture.colorspace, picture.color_range = self.matrix, self.range
        return picture

    def _sized(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        down, right = self.height - height, self.width - width
        if (down, right) == (0, 0):
            return image
        if 0 <= down <= 1 and 0 <= right <= 1:
            return np.pad(image, ((0, down), (0, right), (0, 0)), mode="edge")
        scale = min(self.width / width, self.height / height)
        fitted_width, fitted_height = max(1, round(width * scale)), max(1, round(height * scale))
        canvas = np.zeros((self.height, self.width, 3), np.uint8)
        top, left = (self.height - fitted_height) // 2, (self.width - fitted_width) // 2
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        cv2.resize(
            image, (fitted_width, fitted_height), canvas[top : top + fitted_height, left : left + fitted_width], interpolation=interpolation
        )
        return canvas
