"""`facestream bench`: a table of what this machine does with this program, and advice on how to reach a rate."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from stream.analysis.analyser import Analyser
from stream.diagnostics.advice import advise
from stream.diagnostics.devices import device_in_use
from stream.diagnostics.measurement import STAGES, Row, Spread, figure, measure
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.metrics import installed_version
from stream.settings.schema import Settings
from stream.signals import interrupted_after
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sources.demo import DemoSource
from stream.sources.opening import expand, open_source
from stream.sources.repeat import RepeatSource
from stream.sources.source import Source

SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080)}
TILES = (1, 2)
"""The virtual camera's picture once, and two by two: one face and four."""
CLIP_FRAMES, CLIP_RATE = 16, 30
WARM_UP_S = 0.3
"""Of a first measurement that is thrown away: the networks' first calls and the encoder's first frames are slow."""

Opener = Callable[[], Source]


def bench(settings: Settings, address: str | None, *, rate: float | None, seconds: float, as_json: bool) -> int:
    """Measure, and print the table as it grows, or everything as JSON at the end; the exit code.

    Args:
        address: the user's own source, measured before the virtual camera's clips.
        rate: frames/s to give advice on.
        seconds: how long each measurement counts.

    Raises:
        SourceError: the source cannot be opened or read.
        ModelError: the classifier's bundle is unknown or damaged.
    """
    say = _nothing if as_json else partial(print, flush=True)
    own = [] if address is None else [_own(expand(address)[0], settings)]  # a mistake is told at once, before the models load
    device = device_in_use(settings.detector.device, settings.detector.precision)
    analyser = Analyser.load(settings)
    wide = not sys.stdout.isatty() or shutil.get_terminal_size().columns >= WIDE
    say(f"facestream {installed_version()} on {device}\n\n{_heading(wide)}")
    with tempfile.TemporaryDirectory(prefix="facestream-bench-") as made:
        folder = Path(made)
        clips = [(name, partial(_clip, folder, settings, size, tiles)) for tiles in TILES for name, size in SIZES.items()]
        measure(clips[0][1](), analyser, settings, WARM_UP_S, folder)
        subjects = []
        for name, opener in own + clips:
            subjects.append((measure(opener(), analyser, settings, seconds, folder, name), opener))
            say(_line(subjects[-1][0], wide))
        say(f"\n{LEGEND}")
        advice = None
        if rate is not None:
            portraits = subjects[len(own) : len(own) + len(SIZES)]
            asked = [
                (row, partial(_again, opener, analyser, settings, seconds, folder)) for row, opener in subjects[: len(own)] or portraits
            ]
            advice = advise(rate, asked, [row for row, _ in portraits] if not own or asked[0][0].live else [])
    if advice is not None:
        say("\n" + "\n".join(advice.sentences))
    if as_json:
        rows = [asdict(row) for row, _ in subjects]
        told = {"version": installed_version(), "device": asdict(device), "rows": rows, "advice": advice and asdict(advice)}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    return 0


def _own(address: str, settings: Settings) -> tuple[str, Opener]:
    """The user's source, opened now; a camera that is open already is not opened a second time, which takes it seconds."""
    waiting = [open_source(address, settings.source)]
    name = waiting[0].info.name

    def opened() -> Source:
        source = waiting.pop() if waiting else open_source(address, settings.source)
        if source.info.live:
            return source
        source.close()
        return RepeatSource(partial(open_source, address, settings.source))

    return name, opened


def _clip(folder: Path, settings: Settings, size: tuple[int, int], tiles: int) -> Source:
    """The virtual camera's picture, `tiles` times each way, as a video file that goes on for ever."""
    path = folder / f"{size[0]}x{size[1]}-{tiles}.mp4"
    if not path.exists():
        with interrupted_after():
            _write_clip(path, settings, size, tiles)
    return RepeatSource(partial(open_source, path, settings.source))


def _write_clip(path: Path, settings: Settings, size: tuple[int, int], tiles: int) -> None:
    camera = DemoSource(size=(size[0] // tiles, size[1] // tiles))
    info = SourceInfo(path.name, *size, rate=Fraction(CLIP_RATE))
    sink = VideoSink(path, info, settings.output)
    there = [np.tile(camera.look(tick / CLIP_RATE), (tiles, tiles, 1)) for tick in range(CLIP_FRAMES // 2)]
    for tick, image in enumerate(there + there[::-1]):  # there and back, so that no face jumps where it begins again
        frame = Frame.of_image(image, source=path.name, captured_at=0.0, index=tick, pts=tick, time_base=Fraction(1, CLIP_RATE))
        sink.write(Result(frame, Analysis(path.name, tick, frame.time_s), info))
    sink.close()


def _again(opener: Opener, analyser: Analyser, settings: Settings, seconds: float, folder: Path, min_face_px: int) -> Row:
    """The measurement once more, with the same models looking for another smallest face."""
    return measure(opener(), analyser, settings.changed({"detector": {"min_face_px": min_face_px}}), seconds, folder)


# the table: plain text, so that each line can be printed as soon as it is known

WIDE = 116
"""Columns of the table with spreads; without them it is 80 wide."""
LEGEND = """\
Milliseconds per frame: median ± half the range of the middle 80 %. detect and classify,
which are more now and then, and encode, which comes in bursts, have their mean. Below,
how often all of the picture was searched, and known faces checked. Side by side run
decode | detect, track, classify | draw, encode, as in: facestream run clip.mp4 -o out.mp4
px: the smallest face looked for. frames/s: read, looked at, drawn and written."""


def _heading(wide: bool) -> str:
    return _columns("", "size", "faces", "px", list(STAGES), "frames/s", wide)


def _line(row: Row, wide: bool) -> str:
    cells = [_cell(row.stages_ms.get(stage), wide) for stage in STAGES]
    rates = row.frames_per_s
    rate = figure(rates.median) + (f" ({figure(rates.low)}–{figure(rates.high)})" if wide else "")
    line = _columns(row.name, f"{row.width}×{row.height}", f"{row.faces:.2g}", str(row.min_face_px), cells, rate, wide)
    looks = [f"{one.per_frame:.2f} {name} of {figure(one.ms)} ms" for name, one in row.looks.items() if one.per_frame]
    return line + ("\n  a frame: " + ", ".join(looks) if looks else "")


def _columns(name: str, size: str, faces: str, px: str, cells: list[str], rate: str, wide: bool) -> str:
    name_width = 14 if wide else 11
    name = name.rstrip("/").rpartition("/")[2] if len(name) >= name_width else name
    name = name if len(name) < name_width else f"{name[: name_width - 2]}…"
    stages = "".join(f"{cell:>{10 if wide else 9}}" for cell in cells)
    return f"{name:{name_width}}" + (f"{size:>9}" if wide else "") + f"{faces:>6}{px:>4}{stages}{rate:>{20 if wide else 9}}"


def _cell(ms: Spread | None, wide: bool) -> str:
    if ms is None:
        return "–"
    half = (ms.high - ms.low) / 2
    digits = 0 if max(ms.median, half) >= 100 else 1
    return f"{ms.median:.{digits}f}" + (f"±{half:.{digits}f}" if wide else "")


def _nothing(text: str) -> None:
    """Where only JSON is wanted."""
