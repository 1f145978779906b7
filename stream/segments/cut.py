"""Where a video is cut, and which videos are not: what cannot be cut for certain is worked on in one piece."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from stream.analysis.anew import ANEW_S, passes_anew
from stream.frame import SourceInfo
from stream.settings.schema import Settings
from stream.sources.video import VideoSource
from stream.sources.video_part import PacketTimes, Stretch, packet_times, times_mark

SEGMENT_S = 90.0
"""About so long is a segment."""
WARM_S = ANEW_S
"""So long before a segment looking begins at least, when all is looked at anew; by the segment it has been once more."""
LONGEST_STEP_S = 10
"""A file whose pictures are further apart may have times that jump."""
SHORTEST_STEP_S = Fraction(1, 5000)
"""One whose pictures are closer on average has no times that can be believed."""
MISSING_S, MISSING_SHARE = 1.0, 0.05
"""One that ends so much before it declares to, whichever is more, was cut off."""
SOFTWARE = ("auto", "libx264")
"""Encoders whose packets fit together wherever they were made: `auto` is the software's here."""
STANDS_S = 1
"""So long before the others a last picture may come, and its time still be believed."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a video that is worked on alone. It begins at a key frame, and ends where the next one begins."""

    number: int
    own: Stretch
    """Its pictures; decoding begins a key frame earlier: those behind a key frame may refer to earlier ones."""
    looked_at: Stretch
    """The same and those that are looked at before, to know who is there, and the rest of the last batch."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A video, and its segments."""

    info: SourceInfo
    time_base: Fraction
    frames: int
    segments: tuple[Segment, ...]
    """Two or more; every frame is in one of them."""

    @property
    def path(self) -> Path:
        assert self.info.path is not None
        return self.info.path


def no_matter(frames: int) -> None:
    """Nobody wants to know how far a pass is."""


def probe(path: Path, settings: Settings, *, segment_s: float = SEGMENT_S, name: str | None = None, pictures: bool = True) -> Cut | None:
    """Where to cut a video. All of the file is read, its first picture decoded.

    Args:
        settings: as for the run.
        segment_s: about how long a segment is; what follows less than half of it is part of the one before.
        name: what the source is called; None: as its path is written.
        pictures: they are written, too.

    Returns:
        None: it stays in one piece. It is too short; its times are missing, jump or cannot be believed; it has no key frames where it must
        be cut, is cut off or joined of several; or it is asked for what needs all of it: faces are hidden; or for a hardware's encoder.

    Raises:
        SourceError: it cannot be read at all.
    """
    if not path.is_file() or not _may_be_cut(settings) or (pictures and settings.output.encoder not in SOFTWARE):
        return None
    source = VideoSource(str(path), settings.source)
    source.close()
    info = source.info if name is None else replace(source.info, name=name, named=True)
    times = packet_times(path)
    if times is None or not _can_be_believed(times):
        return None
    segments = _segments(times, settings.pipeline.batch_size, segment_s)
    return Cut(info, times.time_base, len(times.shown), segments) if len(segments) > 1 else None


def _may_be_cut(settings: Settings) -> bool:
    """Hiding searches every frame, and covers faces before they are first seen; without a detector, or searched in every frame, nothing is
    followed from a moment on at which all is looked at anew.
    """
    is_followed = settings.detector.enabled and settings.tracker.search_every_s > 0
    return is_followed and not settings.hide.on and not settings.source.loop


def _can_be_believed(times: PacketTimes) -> bool:
    """Whether a picture's time is what its packet says, whatever pictures there are before it."""
    shown, tick_s = np.sort(times.shown), times.time_base
    steps = np.diff(shown)
    if len(shown) < 2 or steps.min() <= 0 or np.diff(times.decoded).min() <= 0 or (times.decoded > times.shown).any():
        return False
    decoding = np.diff(times.decoded)
    if max(steps.max(), decoding.max()) * tick_s > LONGEST_STEP_S or steps[-1] * tick_s > STANDS_S:
        return False
    if (shown[-1] - shown[0]) * tick_s < (len(shown) - 1) * SHORTEST_STEP_S:
        return False
    if times.declared_end is None:
        return True
    missing_s = float((times.declared_end - shown[-1] - max(times.lasts, 1)) * tick_s)
    return missing_s <= max(MISSING_S, MISSING_SHARE * float((times.declared_end - shown[0]) * tick_s))


def _segments(times: PacketTimes, batch_size: int, segment_s: float) -> tuple[Segment, ...]:
    shown, order = np.sort(times.shown), np.argsort(times.shown)
    seconds = shown * times.time_base.numerator / times.time_base.denominator  # as `Frame.time_s`, to the bit
    keys = np.flatnonzero(times.is_key[order])
    if not len(keys) or keys[0] != 0:
        return ()
    keys_decoded = times.decoded[order][keys]

    def stretch(first: int, end: int, before: int) -> Stretch:
        """Decoded from the last key frame up to the picture `before`."""
        place = int(np.searchsorted(keys, before, "right")) - 1
        mark = times_mark(shown[first:end])
        return Stretch(int(shown[keys[place]]), int(keys_decoded[place]), first, int(shown[first]), end - first, mark)

    begins = [0]
    for key in keys.tolist():
        if seconds[key] - seconds[begins[-1]] >= segment_s and seconds[-1] - seconds[key] >= segment_s / 2:
            begins.append(key)
    segments = []
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], len(shown)], strict=True)):
        warm = _begin_of_looking(seconds, begin) // batch_size * batch_size
        looked_end = min(-(-end // batch_size) * batch_size, len(shown))
        segments.append(Segment(number, stretch(begin, end, max(begin - 1, 0)), stretch(warm, looked_end, max(warm - 1, 0))))
    return tuple(segments)


def _begin_of_looking(seconds: np.ndarray, begin: int) -> int:
    """The last frame, long enough before another one, in which all is looked at anew."""
    for index in range(begin, 0, -1):
        if seconds[begin] - seconds[index] >= WARM_S and passes_anew(seconds[index - 1], seconds[index]):
            return index
    return 0
