"""What windows show while a live source gives no picture."""

from __future__ import annotations

from dataclasses import replace

from stream.drawing.no_signal import no_signal, span
from stream.faces import Analysis
from stream.frame import Frame
from stream.sinks.result import Result
from stream.sources.source import Source

STALE_S = 1.0
"""Without a new frame for so long, a live picture says so."""


class Silence:
    """What windows show while a live source gives no picture: the last one with its age; a dark one as soon as the source is lost."""

    def __init__(self, source: Source, now: float) -> None:
        """
        Args:
            now: `time.monotonic()` when the source was first asked for a picture.
        """
        self._source = source
        self._since = now
        self._told: tuple[object, ...] = ()

    def ended_by(self, frame: Frame) -> bool:
        """A picture came. Whether it is the first after a silence: what was found before does not belong to it."""
        gap_s = frame.captured_at - self._since
        self._since, self._told = frame.captured_at, ()
        return gap_s > STALE_S

    def picture(self, now: float, last: Result | None) -> Result | None:
        """What to show now, for eyes only; None while what is on the screen may stay.

        Args:
            last: what was shown last.
        """
        status, info, silent_s = self._source.status, self._source.info, now - self._since
        told = (int(silent_s), status.state, status.cause)
        if silent_s <= STALE_S or told == self._told:
            return None
        self._told = told
        nobody = Analysis(info.name, -1, 0.0)
        if status.state == "up" and last is not None:
            hidden = replace(nobody, hidden=last.analysis.hidden)
            return Result(last.frame, hidden, info, f"no picture for {span(silent_s)}")
        card = no_signal(info.width, info.height, silent_s, status.cause or "connecting")
        return Result(Frame.of_image(card, source=info.name, captured_at=now, index=-1), nobody, info)
