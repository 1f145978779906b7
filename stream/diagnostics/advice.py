"""What to type to reach a rate: measured, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stream.diagnostics.measurement import WORKER, Row, figure

LADDER_PX = (20, 40, 80, 160, 320)
"""The smallest faces that are tried; each step is about four times less work for the detector's first network."""
LARGEST_SHARE = 4
"""Faces smaller than this fraction of the short side are still looked for, whatever the rate: most are."""
ALL_SEEN = 0.03
"""A camera of whose frames less than this share was skipped sets the rate itself."""

Remeasure = Callable[[int], Row]
"""Measures the same once more with another smallest face, px."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One measurement made for the advice."""

    name: str
    min_face_px: int
    frames_per_s: float


@dataclass(slots=True)
class Advice:
    """How to reach a rate."""

    rate: float
    sentences: list[str] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)


def advise(rate: float, subjects: Sequence[tuple[Row, Remeasure]], sizes: Sequence[Row]) -> Advice:
    """Whether and how each subject reaches a rate, in a sentence each.

    Args:
        rate: frames/s.
        subjects: what was measured with the settings as they are.
        sizes: the same for sizes that a webcam can be asked for, ascending; none where no webcam is meant.
    """
    advice = Advice(rate)
    for row, at in subjects:
        advice.sentences.append(_sentence(rate, row, at, advice.tried))
    fitting = [row for row in sizes if row.frames_per_s.median >= rate]
    if fitting and any(row.frames_per_s.median < rate for row, _ in subjects):
        size = fitting[-1]
        asked = f"--set source.camera_width={size.width} --set source.camera_height={size.height}"
        advice.sentences.append(f"A webcam is asked for the size of {size.name}, which reaches it, with {asked}.")
    return advice


def _sentence(rate: float, row: Row, at: Remeasure, tried: list[Tried]) -> str:
    rate_now = row.frames_per_s.median
    if rate_now >= rate:
        return f"{row.label} reaches {rate:g} frames/s with the settings as they are ({figure(rate_now)})."
    if row.live and row.skipped < ALL_SEEN:
        return (
            f"{row.label} does not reach {rate:g} frames/s because the camera gives no more than {figure(rate_now)}; each one is looked at."
        )
    best = last = row
    lost = ""
    for px in LADDER_PX:
        if not row.min_face_px < px <= min(row.width, row.height) // LARGEST_SHARE:
            continue
        if _slowest(last) != WORKER:
            break  # looking for fewer faces would not help any more
        last = at(px)
        gives = last.frames_per_s.median
        tried.append(Tried(row.name, px, gives))
        if last.faces < row.faces / 2:
            lost = f"; at {px} px its faces are no longer found"
            break
        if gives >= rate:
            before = f"{best.min_face_px} px gave {figure(best.frames_per_s.median)}"
            setting = f"--set detector.min_face_px={px} ({figure(gives)}; {before})"
            return f"{row.label} reaches {rate:g} frames/s with {setting}; smaller faces are then not looked for."
        best = max(best, last, key=lambda one: one.frames_per_s.median)
    setting = "" if best is row else f" with --set detector.min_face_px={best.min_face_px}"
    most = f"at most {figure(best.frames_per_s.median)}{setting} was measured"
    return f"{row.label} does not reach {rate:g} frames/s here: {most}, and {_slowest(best)} takes the longest there{lost}."


def _slowest(row: Row) -> str:
    return max(row.threads_ms, key=lambda part: row.threads_ms[part])
