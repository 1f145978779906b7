"""When each picture of a file is shown."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction

from stream.frame import USUAL_RATE
from stream.jumps import AHEAD_S, RUN, SOME_STEPS, Jumps
from stream.media import av

EARLY_END = 0.05
"""A video that ends this share of its declared length too early (and a second at least) was cut off."""
MOST_RATE = 1000
"""Frames per second; a higher declared rate is a clock's (a DV file's is said to be 60 000)."""
NO_STEP_S = Fraction(1, 5000)
"""Pictures whose times are closer on average have none that can be believed (a guess: no camera is so fast)."""
REGULAR = 24
"""After so many steps at least, each about as long as the others, a last one that is much longer may be wrong."""
STANDS_S = Fraction(1)
"""So long a last picture may come after the others, though all sound is over by then."""
MOST_TOLD = 5
"""Parts that a note names."""


class PictureTimes:
    """Gives each decoded picture its own time, in ticks; strictly increasing whatever the file says."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream, jumps: Jumps, sound_s: Fraction | None) -> None:
        """
        Args:
            sound_s: how long its longest sound is, as far as is known.
        """
        self.assumed = _untimed(container)
        """The stream has no times: frames are a declared rate apart."""
        self.time_base: Fraction = stream.time_base or Fraction(1, 1000)
        self._jumps = jumps
        self._declared_end: int | None = None
        self._by_decoding = container.format.name == "avi"  # has no times of showing; what FFmpeg makes up is a frame late for H.264
        if self.assumed:
            self.time_base = 1 / (declared_rate(container, stream) or USUAL_RATE)
        elif not _declares_pictures(container):
            pass
        elif stream.duration is not None:
            self._declared_end = (stream.start_time or 0) + stream.duration
            self._declared = stream.duration
        elif end_s := _declared_end_s(container, stream):
            self._declared_end = self._declared = round(end_s / self.time_base)
        self._usual_s = 1 / (_spread_rate(stream, sound_s) or USUAL_RATE)
        self._spread: int | None = None
        """Ticks between two pictures of a file that says the same time of all of them."""
        self._reordered_alone = False
        """Its times of showing say nothing but the order, which is that of decoding's end anyway."""
        self._first = 0
        self._last: int | None = None
        self._step = 1
        self._steps: tuple[int, int, int] = (0, 0, 0)
        """How many steps there were, and the shortest and the longest, ticks."""
        self._wrong: list[int] = []
        self._timed = not self.assumed and container.format.name.startswith(("matroska", "mov", "flv"))
        """Each picture has a time in such a container: FFmpeg gives none where that is impossible."""
        self._untimed: list[int] = []

    def placed(self, pictures: Iterator[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, int]]:
        """Each picture and its time. One whose time is out of order is put between those before and behind it."""
        waiting: deque[av.VideoFrame] = deque()
        for picture in pictures:
            waiting.append(picture)
            yield from self._certain(waiting, most_waiting=RUN)
        yield from self._certain(waiting, most_waiting=0)

    def notes(self, name: str) -> list[str]:
        """What had to be mended, a sentence for each kind."""
        found, notes = self._jumps.found, []
        if found:
            by_s, at_s = float(found[0].by_s), self.since_first_s(found[0].at_s)
            where = f"{'ahead' if by_s > 0 else 'back'} by {abs(by_s):.1f} s at {at_s:.1f} s"
            again = {1: "", 2: ", and once more"}.get(len(found), f", and {len(found) - 1} times more")
            notes.append(f"{name}: its times jump {where}{again}; it goes on a frame later.")
        if self._jumps.joined:
            parts = ", ".join(f"{codec} at {self.since_first_s(at_s):.1f} s" for at_s, codec in self._jumps.joined[:MOST_TOLD])
            more = ", ..." if len(self._jumps.joined) > MOST_TOLD else ""
            notes.append(f"{name}: is joined of parts with streams of their own ({parts}{more}); they are read one after the other.")
        if self._spread is not None:
            notes.append(f"{name}: its pictures have no times that can be believed; {float(1 / self._usual_s):g} frames/s are assumed.")
        wrong = sorted(self._wrong + (self._untimed if len(self._untimed) <= RUN else []))  # more: it is how the file was made
        if wrong and not self._reordered_alone:
            which = "a picture has a wrong time" if len(wrong) == 1 else f"{len(wrong)} pictures have wrong times"
            notes.append(
                f"{name}: {which} (at {self.since_first_s(wrong[0] * self.time_base):.1f} s); put between those before and behind."
            )
        return notes

    def since_first_s(self, time_s: Fraction) -> float:
        return float(time_s - self._first * self.time_base)

    def _certain(self, waiting: deque[av.VideoFrame], most_waiting: int) -> Iterator[tuple[av.VideoFrame, int]]:
        while waiting:
            pts = self._time_of(waiting[0])
            if pts is not None and (not self._follows(pts) or self._is_far_behind(pts)):
                if len(waiting) <= most_waiting:
                    return
                if self._last is None and self._stands_still(waiting):
                    self._spread = max(1, round(self._usual_s / self.time_base))
                    if self._reordered_alone:
                        continue
                if len(waiting) == 1 and (self._is_far_behind(pts) or self._is_too_early(pts)):
                    picture = waiting.popleft()
                    usual = round((self._last - self._first) / max(1, self._steps[0])) if self._last is not None else 1
                    self._wrong.append(self._place((self._last or 0) + usual, picture))
                    yield picture, self._wrong[-1]
                    continue
                wrong, right = self._wrong_at_front(waiting, pts)
                for number in range(wrong):
                    lasts = int(waiting[0].duration or self._step)
                    if self._last is not None:
                        at = self._last + (right - self._last) // (wrong - number + 1)
                    else:
                        at = right - wrong * lasts if right <= 0 else max(0, right - wrong * lasts)
                    picture = waiting.popleft()
                    self._wrong.append(self._place(at, picture))
                    yield picture, self._wrong[-1]
                pts = right if wrong else pts
            if pts is None and self._last is None and self._timed:
                if len(waiting) <= most_waiting:
                    return
                pts = self._before_those_behind(waiting)
            picture = waiting.popleft()
            at = self._place(pts, picture)
            if self._timed and self._time_of(picture) is None:
                self._untimed.append(at)
            yield picture, at

    def _before_those_behind(self, waiting: deque[av.VideoFrame]) -> int | None:
        """The time of a first picture that has none."""
        for number, picture in enumerate(waiting):
            later = self._time_of(picture)
            if later is not None:
                return max(0, later - number * int(waiting[0].duration or self._step)) if later >= 0 else None
        return None

    def _time_of(self, picture: av.VideoFrame) -> int | None:
        return None if self.assumed or self._reordered_alone else picture.dts if self._by_decoding else picture.pts

    def _follows(self, pts: int) -> bool:
        """As usual after the last picture."""
        return self._last is not None and self._last < pts <= self._last + SOME_STEPS * self._step

    def _wrong_at_front(self, waiting: deque[av.VideoFrame], pts: int) -> tuple[int, int]:
        """How many of the first pictures have wrong times, and the first right one behind: a later picture is shown earlier."""
        last = self._last
        if self._spread is not None:
            return 0, pts
        for number, picture in enumerate(waiting):
            later = self._time_of(picture)
            if number and later is not None and (last is None or later > last) and (later < pts or (last is not None and pts <= last)):
                return number, later
        return 0, pts

    def _stands_still(self, waiting: deque[av.VideoFrame]) -> bool:
        """The first pictures have no times: those of showing are all one, or only say by how much each differs from that of decoding."""
        times = [time for picture in waiting if (time := self._time_of(picture)) is not None]
        if are_all_one(times, self.time_base):
            return True
        decoded = [picture.dts for picture in waiting if picture.dts is not None]
        self._reordered_alone = times != sorted(set(times)) and are_all_one(decoded, self.time_base)
        return self._reordered_alone

    def _is_far_behind(self, pts: int) -> bool:
        """Of the last picture: the others came regularly, and what the file declares is over by then, or it is very late."""
        count, shortest, longest = self._steps
        if self._last is None or count < REGULAR or longest > 2 * shortest:
            return False
        late_s, at_s = (pts - self._last) * self.time_base, pts * self.time_base
        if late_s <= max(STANDS_S, 10 * longest * self.time_base):
            return False
        ends_s = [end_s for end_s in (self._declared_end_s, self._jumps.sound_until_s) if end_s is not None]
        return min(ends_s) < at_s - STANDS_S if ends_s else late_s > AHEAD_S

    def _is_too_early(self, pts: int) -> bool:
        """Of the last picture: as only a wrong time is."""
        return self._last is not None and self._spread is None and pts < self._last

    @property
    def _declared_end_s(self) -> Fraction | None:
        return None if self._declared_end is None else self._declared_end * self.time_base

    def _place(self, pts: int | None, picture: av.VideoFrame) -> int:
        if self._last is None:
            self._last = self._first = pts or 0
        else:
            before = self._last
            lasts = max(self._step, self._steps[1]) if self._by_decoding else self._step  # AVI's ticks may be half a picture's
            self._last = before + (self._spread or lasts) if pts is None else max(pts, before + (self._spread or 1))
            count, shortest, longest = self._steps
            step = self._last - before
            self._steps = count + 1, min(shortest or step, step), max(longest, step)
        self._step = 1 if self.assumed else max(1, int(picture.duration or 1))
        return self._last

    @property
    def missing_s(self) -> float:
        """Seconds between the end of the last picture and the declared end; 0 where that is the usual imprecision."""
        mended = self._wrong or self._spread or self._jumps.found  # then the declared end is no better
        if self._declared_end is None or self._last is None or mended:
            return 0.0
        missing = float((self._declared_end - self._last - self._step) * self.time_base)
        return missing if missing > max(1.0, EARLY_END * float(self._declared * self.time_base)) else 0.0


def are_all_one(times: Sequence[int], time_base: Fraction) -> bool:
    """Times, in ticks, of pictures that follow each other, between which there is no time."""
    return len(times) > RUN and (max(times) - min(times)) * time_base < (len(times) - 1) * NO_STEP_S


def declared_rate(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction | None:
    """Frames per second, as declared. A stream without times has no average; FFmpeg then reports 25 as such."""
    rates = (stream.guessed_rate, stream.average_rate) if _untimed(container) else (stream.average_rate, stream.guessed_rate)
    return next((Fraction(rate) for rate in rates if rate and rate <= MOST_RATE), None)


def longest_sound_s(container: av.container.InputContainer) -> Fraction | None:
    """When the last sound ends, as far as the file says it."""
    ends_s: list[Fraction] = []
    for stream in container.streams.audio:
        if container.format.name.startswith("mov") and stream.duration and stream.time_base:
            ends_s.append(((stream.start_time or 0) + stream.duration) * stream.time_base)
        elif written_s := _written_s(stream):
            ends_s.append(Fraction(written_s))
    return max(ends_s, default=None)


def _spread_rate(stream: av.VideoStream, sound_s: Fraction | None) -> Fraction | None:
    """Frames per second of pictures whose times say nothing: as many as last as long as the sound, else as declared."""
    by_sound = stream.frames / sound_s if sound_s and stream.frames else None
    return next((Fraction(rate) for rate in (by_sound, stream.guessed_rate, stream.average_rate) if rate and 1 <= rate <= MOST_RATE), None)


def _untimed(container: av.container.InputContainer) -> bool:
    return av.format.Flags.no_timestamps in av.format.Flags(container.format.flags) or container.format.name.endswith("_pipe")


def _declares_pictures(container: av.container.InputContainer) -> bool:
    """Whether the declared length is one that says that pictures are missing.

    That of Ogg is found at the end of what is there, perhaps a still picture that is shown on; that of ASF is that of the longest stream.
    """
    return container.format.name != "ogg" and (container.format.name != "asf" or len(container.streams) == 1)


def _declared_end_s(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """When the pictures of a Matroska file end, in seconds: as a tag of theirs says, or the file if nothing else is in it."""
    if written_s := _written_s(stream):
        return written_s
    alone = len(container.streams) == 1 and container.duration is not None
    return float(container.duration / av.time_base) if alone and container.duration else None


def _written_s(stream: av.stream.Stream) -> float | None:
    written = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
    if not written:
        return None
    hours, minutes, seconds = map(float, written.groups())
    return 3600 * hours + 60 * minutes + seconds
