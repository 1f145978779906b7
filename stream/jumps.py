"""Where the times of a file's pictures jump, told from its packets: whoever reads the file finds the same places."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any, TypeAlias

from stream.media import av

AnyPacket: TypeAlias = "av.Packet[Any]"

BACK_S = 0.1
"""Times of decoding never go back; by more than this they have begun anew (what FFmpeg's own program takes)."""
AHEAD_S = Fraction(10)
"""The same forward, where a container is known for times that jump: transport streams, VOB, HLS, Ogg (FFmpeg's own program)."""
FAR_AHEAD_S = Fraction(6 * 3600)
"""The same in all other containers, where a picture may well stand for hours. MP4 holds no step of more than 6.6 h at 90 000 ticks/s."""
SOME_STEPS = 3
"""Frames by which times may be off, without anything being wrong."""
WINDOW = 16
"""Packets that are looked at behind a jump: no codec shows a picture later than so many others."""
RUN = 5
"""So many pictures in a row may have wrong times; if more have, the times have jumped (a guess)."""
USUAL_STEP_S = Fraction(1, 25)


@dataclass(frozen=True, slots=True)
class Jump:
    """A place where the times of a file begin anew."""

    at_s: Fraction
    """Where the pictures go on, seconds; jumps before it are led over."""
    by_s: Fraction
    """By how much the times jump, seconds; below 0 for back."""


class Jumps:
    """Leads pictures over each jump: the first one behind it is shown a frame after the last one before it."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.ahead_s = AHEAD_S if jumps_are_usual(container) else FAR_AHEAD_S
        """A time that is later than the one before by more than this is a jump."""
        self.found: list[Jump] = []
        self.joined: list[tuple[Fraction, str]] = []
        """Where parts begin whose streams are others, seconds, jumps led over, and the codec of their pictures; kept by whoever reads."""
        self.sound_until_s: Fraction | None = None
        """When the last sound that has passed begins, seconds, as the file says it; kept by whoever reads."""
        self.offset = 0
        """Ticks that are added to the times of what was given out last."""
        self._tick_s = stream.time_base or Fraction(1, 1000)
        self._second = max(1, int(1 / self._tick_s))
        self._ahead = int(self.ahead_s / self._tick_s)
        self._waiting: deque[AnyPacket] = deque()
        self._last: int | None = None
        """The last time of decoding that was right, ticks, as the file says it."""
        self._step = max(1, round(USUAL_STEP_S / self._tick_s))
        self._latest: int | None = None
        """The time of the last picture so far, ticks, jumps led over."""
        self._end = 0
        """When it ends."""

    @property
    def latest_s(self) -> Fraction | None:
        """The time of the last picture so far whose time is right, seconds, jumps led over."""
        return None if self._latest is None else self._latest * self._tick_s

    @property
    def end_s(self) -> Fraction:
        """When that picture ends."""
        return self._end * self._tick_s

    @property
    def offset_s(self) -> Fraction:
        return self.offset * self._tick_s

    def hear(self, packet: AnyPacket) -> None:
        """One packet of a sound has passed."""
        if packet.pts is not None:
            self.sound_until_s = max(self.sound_until_s or Fraction(0), packet.pts * packet.time_base)

    def push(self, packet: AnyPacket) -> list[AnyPacket]:
        """One packet more of the pictures: those that are certain now, their times led over all jumps."""
        self._waiting.append(packet)
        return self._certain(most_waiting=WINDOW)

    def flush(self) -> list[AnyPacket]:
        """What still waits: nothing follows."""
        return self._certain(most_waiting=0)

    def _certain(self, most_waiting: int) -> list[AnyPacket]:
        certain = []
        while self._waiting:
            time = self._time(self._waiting[0])
            if time is not None and self._latest is None:
                if len(self._waiting) <= min(most_waiting, RUN):
                    break
                if self._is_late(time):
                    time = None
            elif time is not None and self._last is not None and abs(time - self._last) > self._slack:
                if len(self._waiting) <= most_waiting:
                    break
                if self._is_wrong(time, self._last):
                    time = None  # for this picture alone: it is put into its place once it is decoded
                elif len(self._waiting) == 1 and not -self._slack <= time - self._last <= AHEAD_S * self._second:
                    time = None  # nothing follows that would tell
                elif not -self._slack <= time - self._last <= self._ahead:
                    self._jump(time)
            certain.append(self._given_out(self._waiting.popleft(), time))
        return certain

    @property
    def _slack(self) -> int:
        return max(int(BACK_S * self._second), SOME_STEPS * self._step)

    @property
    def _near(self) -> int:
        """A picture is decoded no earlier than this before it is shown."""
        return max(int(AHEAD_S) * self._second, WINDOW * self._step)

    def _time(self, packet: AnyPacket) -> int | None:
        """Of decoding; of showing where there is no other, or one that was made up of the pictures before a jump."""
        made_up = packet.dts is None or (packet.pts is not None and abs(packet.pts - packet.dts) > self._near)
        return packet.pts if made_up else packet.dts

    def _is_wrong(self, time: int, last: int) -> bool:
        """The next pictures go on where the last one was."""
        following = [later for packet in islice(self._waiting, 1, RUN + 1) if (later := self._time(packet)) is not None]
        most = min(time - self._slack, last + self._ahead) if time > last else last + self._ahead
        return any(last - self._slack <= later < most for later in following)

    def _is_late(self, time: int) -> bool:
        """The file's first picture is said to be shown after those that follow it."""
        first = self._waiting[0]
        lasts = first.duration if first.duration and 0 < first.duration <= self._second else self._step
        following = [later for packet in islice(self._waiting, 1, RUN + 1) if (later := self._time(packet)) is not None]
        return any(later < time - max(self._slack, 2 * SOME_STEPS * lasts) for later in following)

    def _jump(self, time: int) -> None:
        shown = [packet.pts for packet in self._waiting if packet.pts is not None and abs(packet.pts - time) <= self._near]
        before, self.offset = self.offset, self._end - min(shown, default=time)
        self.found.append(Jump(self._end * self._tick_s, (before - self.offset) * self._tick_s))
        self._last = None

    def _given_out(self, packet: AnyPacket, time: int | None) -> AnyPacket:
        if time is not None:
            if self._last is not None and 0 < time - self._last <= self._second:
                self._step = time - self._last
            self._last = time
            shown = packet.pts if packet.pts is not None else time
            lasts = packet.duration if packet.duration and 0 < packet.duration <= self._second else self._step
            if self._latest is None or shown + self.offset >= self._latest:
                self._latest, self._end = shown + self.offset, shown + self.offset + lasts
        if self.offset:
            packet.pts = None if packet.pts is None else packet.pts + self.offset
            packet.dts = None if packet.dts is None else packet.dts + self.offset
        return packet


def jumps_are_usual(container: av.container.InputContainer) -> bool:
    """Whether the container is one whose times may jump, and begin anywhere: a transport stream, VOB, HLS or Ogg."""
    return av.format.Flags.ts_discont in av.format.Flags(container.format.flags)
