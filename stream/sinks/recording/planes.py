"""From results to pictures that an encoder takes: one size, one format, the right colours. A video's own pixels never become RGB."""

from __future__ import annotations

import numpy as np

from stream.frame import Frame
from stream.media import av
from stream.sinks.recording.captions import Captions
from stream.sinks.result import Result

RGB, BT709, UNSPECIFIED, BT601 = 0, 1, 2, 6
"""Colour matrices by their numbers in the standards (H.273); 601 is the NTSC one, of the same coefficients as PAL's."""
SCALER_MATRIX = {BT709: 1, 4: 4, 7: 7, 9: 9, 10: 9}
"""FFmpeg's scaler has numbers of its own; all others are 5, BT.601."""
TV, FULL = 1, 2
"""Ranges of brightness: 16..235 and 0..255."""
HD_HEIGHT = 720
"""From this height on, untagged pictures are taken for BT.709: what players do."""
READY = ("yuv420p", "yuvj420p")
"""What the encoders take; the second is FFmpeg's old name for the full range of brightness."""


class Planes:
    """Makes 4:2:0 pictures, all of the first frame's size and colours, with faces and status line laid upon them.

    4:2:0 has even sizes only: an odd picture grows by one column or row, a copy of its last. A picture of another size (a camera that came
    back changed) is fitted into the first size, with black at the sides.
    """

    def __init__(self, first: Frame, *, yuvj: bool) -> None:
        """
        Args:
            yuvj: the encoder knows the full range of brightness by FFmpeg's old name for it (libx264 does, libvpx does not).
        """
        self.width, self.height = first.width + first.width % 2, first.height + first.height % 2
        self.captions, self._larger = Captions(), av.video.reformatter.VideoReformatter()
        self._reformatter = av.video.reformatter.VideoReformatter()  # a picture's own hangs where two threads convert it at the same moment
        decoded, format_name = first.decoded, "yuv420p"
        if isinstance(decoded, av.VideoFrame):  # its own tags, also where it has none: players then guess as they did for the input
            self.matrix, self.primaries, self.transfer = int(decoded.colorspace), int(decoded.color_primaries), int(decoded.color_trc)
            full = _is_full(decoded)
            if yuvj and full and decoded.format.name.startswith("yuvj"):
                format_name = "yuvj420p"
            if not _is_yuv(decoded):
                self.matrix, full = UNSPECIFIED if self.matrix == RGB else self.matrix, False
            self.range = FULL if full else TV
        else:
            self.matrix = self.primaries = self.transfer = BT709 if first.height >= HD_HEIGHT else BT601
            self.range = TV
        self.format = format_name
        self._ink_matrix = self.matrix if self.matrix != UNSPECIFIED else BT709 if first.height >= HD_HEIGHT else BT601

    def of(self, result: Result) -> av.VideoFrame:
        """The result's picture; the decoder's own, untouched, where nothing is drawn on it."""
        frame, decoded = result.frame, result.frame.decoded
        with result.stage("draw"):
            marks = result.marks
        yuv = decoded if isinstance(decoded, av.VideoFrame) and _is_yuv(decoded) else None
        if not marks and yuv is not None and self._fits(frame, yuv):
            picture = yuv
        else:
            picture = self._copy(self._converted(yuv), frame) if yuv is not None else self._from_rgb(frame.image)
            with result.stage("draw"):
                planes = _planes(picture)
                for mark in marks:
                    mark.paint_planes(planes, self._ink_matrix, full=self.range == FULL)
            picture = self._fitted(picture)
            if isinstance(decoded, av.VideoFrame) and (captions := self.captions.of(decoded)):
                picture = self._with_captions(picture, captions)
        picture.pict_type = 0  # else the encoder would repeat the input's key frames and B-frames
        return picture

    def _fits(self, frame: Frame, decoded: av.VideoFrame) -> bool:
        size_fits = (decoded.width, decoded.height) == (self.width, self.height)
        is_upright = not (frame.quarter_turns or frame.mirrored)
        return size_fits and is_upright and decoded.format.name == self.format and self._has_colours(decoded)

    def _has_colours(self, decoded: av.VideoFrame) -> bool:
        return int(decoded.colorspace) == self.matrix and _is_full(decoded) == (self.range == FULL)

    def _converted(self, decoded: av.VideoFrame) -> av.VideoFrame:
        """8 bits and 4:2:0, in the colours of the first picture; the same picture where it is so already."""
        if decoded.format.name in READY and self._has_colours(decoded):
            return decoded
        return self._reformatter.reformat(
            decoded,
            format=self.format,
            src_colorspace=_scaler_matrix(int(decoded.colorspace)),
            dst_colorspace=_scaler_matrix(self.matrix),
            src_color_range=FULL if _is_full(decoded) else TV,
            dst_color_range=self.range,
        )

    def _copy(self, decoded: av.VideoFrame, frame: Frame) -> av.VideoFrame:
        """An upright picture to draw on: the decoder still needs its own."""
        picture = av.VideoFrame(frame.width, frame.height, self.format)
        for to, plane in zip(_planes(picture), _planes(decoded), strict=True):
            to[:] = frame.upright(plane)
        self._tag(picture)
        return picture

    def _from_rgb(self, image: np.ndarray) -> av.VideoFrame:
        # The matrix must be the one that RGB was made with: FFmpeg takes 601 where nothing is said.
        picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
            format=self.format, dst_colorspace=_scaler_matrix(self.matrix), src_color_range=FULL, dst_color_range=self.range
        )
        self._tag(picture)
        return picture

    def _fitted(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The picture in the size of the first one."""
        down, right = self.height - picture.height, self.width - picture.width
        if (down, right) == (0, 0):
            return picture
        if not (0 <= down <= 1 and 0 <= right <= 1):
            scale = min(self.width / picture.width, self.height / picture.height)
            width, height = (max(2, 2 * round(side * scale / 2)) for side in (picture.width, picture.height))
            picture = picture.reformat(width, height)
        canvas = av.VideoFrame(self.width, self.height, self.format)
        top, left = (self.height - picture.height) // 4 * 2, (self.width - picture.width) // 4 * 2
        black = (0 if self.range == FULL else 16, 128, 128)
        for number, (to, plane) in enumerate(zip(_planes(canvas), _planes(picture), strict=True)):
            first_row, first_column = (top, left) if number == 0 else (top // 2, left // 2)
            rows, columns = plane.shape
            to[:] = black[number]
            to[first_row : first_row + rows, first_column : first_column + columns] = plane
            if 0 <= down <= 1 and 0 <= right <= 1:
                to[rows:, :columns], to[:, columns:] = to[rows - 1, :columns], to[:, columns - 1 : columns]
        self._tag(canvas)
        return canvas

    def _with_captions(self, picture: av.VideoFrame, captions: av.VideoFrame) -> av.VideoFrame:
        """The same picture with what belongs to the tiny one. PyAV copies that only when it makes one picture of another."""
        carrier = self._larger.reformat(captions, picture.width, picture.height, self.format)
        for to, plane in zip(_planes(carrier), _planes(picture), strict=True):
            to[:] = plane
        self._tag(carrier)
        return carrier

    def _tag(self, picture: av.VideoFrame) -> None:
        picture.colorspace, picture.color_range = self.matrix, self.range


def _planes(picture: av.VideoFrame) -> list[np.ndarray]:
    """Y, U and V of a 4:2:0 picture, as they lie in its own memory: uint8, (rows, columns)."""
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
        for plane in picture.planes
    ]


def _is_yuv(decoded: av.VideoFrame) -> bool:
    return decoded.format.name.startswith(("yuv", "yuyv", "uyvy", "nv", "p0")) and int(decoded.colorspace) != RGB


def _is_full(decoded: av.VideoFrame) -> bool:
    return int(decoded.color_range) == FULL or decoded.format.name.startswith("yuvj")


def _scaler_matrix(matrix: int) -> int:
    return SCALER_MATRIX.get(matrix, 5)
