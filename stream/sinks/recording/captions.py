"""Closed captions for the deaf, as broadcasts have them in each picture (ATSC A/53)."""

from __future__ import annotations

from stream.media import av

TRIALS, SELDOM = 100, 25
"""A stream that has captions has them from its start on, in nearly every picture: after so many without, one in so many is looked at."""


class Captions:
    """Finds what captions the pictures of one stream bring.

    Not in the decoder's picture itself: in PyAV a picture that was asked for its side data stays until Python next looks for garbage. A
    tiny picture made of it brings the same.
    """

    def __init__(self) -> None:
        self._smaller = av.video.reformatter.VideoReformatter()
        self._looked = self._without = 0

    def of(self, decoded: av.VideoFrame) -> av.VideoFrame | None:
        """A tiny picture with the captions of this one; None where it has none."""
        self._looked += 1
        if self._without >= TRIALS and self._looked % SELDOM:
            return None
        tiny = self._smaller.reformat(decoded, 16, 16, "gray", interpolation="POINT")
        if "A53_CC" in tiny.side_data:
            self._without = 0
            return tiny
        self._without += 1
        return None
