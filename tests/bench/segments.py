"""A long video in segments, beside the same run in one piece: whether both come out alike, and what each part costs.

    python tests/bench/segments.py [CLIP] [--minutes M] [--segments N] [--events-only]

Printed: lines of events that differ, and numbers in them that do by more than 0.001; pictures whose times differ; packets of sound that are
not those of the one piece, and, where it was copied, of CLIP itself; headers of H.264 besides the file's own; questions to the models that
the notes of the segments did not answer; CPU seconds (`time.process_time`: of all threads, without loading the models) of the run in one
piece and of each pass, of all segments together and of the longest. Without CLIP: clips of the data's folder, one after the other, again
and again, as 720p with a tone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from stream.analysis.analyser import Analyser
from stream.media import av
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.segments.cut import probe
from stream.segments.joining import join
from stream.segments.looking import look
from stream.segments.painting import paint
from stream.segments.threaded import thread
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from stream.sinks.events import EventsSink
from stream.sinks.recording.video import VideoSink
from stream.sources.opening import open_source

CLIPS = (
    "multi_face/m1079_presenters.mp4",
    "liveportrait/s18.mp4",
    "multi_face/short_hamilton_clip.mp4",
    "liveportrait/d9.mp4",
    "talking_heads/tps_driving.mp4",
    "intel_scenes/bottle-detection.mp4",
    "liveportrait/d13.mp4",
    "pedestrians_mot/MOT20-05-raw_even_shorter.mp4",
)
Made = TypeVar("Made")


def joined_clips(folder: Path, seconds: float) -> Path:
    from tests.paths import DATA

    fit = "scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720:(ow-iw)/2:(oh-ih)/2,setsar=1,fps=25"
    inputs = [word for name in CLIPS for word in ("-i", str(DATA / "video" / name))]
    parts = ";".join(f"[{number}:v]{fit}[v{number}]" for number in range(len(CLIPS)))
    graph = f"{parts};{''.join(f'[v{number}]' for number in range(len(CLIPS)))}concat=n={len(CLIPS)}:v=1[v]"
    tone = ["-f", "lavfi", "-i", "aevalsrc='sin(2*PI*(300+2*t)*t)':s=48000:d=600"]
    codecs = ["-c:v", "libx264", "-preset", "veryfast", "-g", "125", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    once, long = folder / "once.mp4", folder / "long.mp4"
    ffmpeg(*inputs, *tone, "-filter_complex", graph, "-map", "[v]", "-map", f"{len(CLIPS)}:a", "-shortest", *codecs, str(once))
    ffmpeg("-stream_loop", "-1", "-i", str(once), "-t", str(seconds), "-c", "copy", str(long))
    return long


def ffmpeg(*words: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words], check=True)


def timed(work: Callable[[], Made]) -> tuple[float, Made]:
    """CPU seconds, and what came of it."""
    begin = time.process_time()
    made = work()
    return time.process_time() - begin, made


def in_one_piece(clip: Path, settings: Settings, analyser: Analyser, output: Path | None, events: Path) -> None:
    source = open_source(clip, settings.source)
    told = EventsSink(events, overwrite=True)
    sinks = [] if output is None else [VideoSink(output, source.info, settings.output, overwrite=True)]
    Pipeline([Lane(source, sinks, [told])], analyser, settings).run()


def compare_events(one: Path, other: Path) -> str:
    lines, theirs = ([json.loads(line) for line in path.read_text().splitlines()] for path in (one, other))
    differ = sum(mine != its for mine, its in zip(lines, theirs, strict=False)) + abs(len(lines) - len(theirs))
    apart = sum(far_apart(mine, its) for mine, its in zip(lines, theirs, strict=False))
    return (
        f"events: {len(lines)} in one piece, {len(theirs)} in segments; {differ} lines differ, {apart} numbers or words by more than 0.001"
    )


def far_apart(one: Any, other: Any) -> int:
    """How many numbers differ by more than 0.001, or words at all."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return sum(far_apart(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return sum(map(far_apart, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return int(abs(one - other) > 0.001)
    return int(one != other)


def packets(path: Path, kind: str) -> list[tuple[int | None, int | None, bytes]]:
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [(packet.pts, packet.duration, bytes(packet)) for packet in container.demux(*streams[:1]) if packet.size] if streams else []


def headers_within(data: bytes) -> int:
    """How many SPS and PPS lie in a picture's packet (lengths before each unit, as in MP4)."""
    count, place = 0, 0
    while place + 4 < len(data):
        count += data[place + 4] & 31 in (7, 8)
        place += 4 + int.from_bytes(data[place : place + 4], "big")
    return count


def compare_videos(clip: Path, one: Path, other: Path) -> list[str]:
    mine, theirs = packets(one, "video"), packets(other, "video")
    sound, their_sound, source = packets(one, "audio"), packets(other, "audio"), packets(clip, "audio")
    times = sum(a[:2] != b[:2] for a, b in zip(mine, theirs, strict=False)) + abs(len(mine) - len(theirs))
    differ = sum(a != b for a, b in zip(sound, their_sound, strict=False)) + abs(len(sound) - len(their_sound))
    of_source = sum(a[2] != b[2] for a, b in zip(source, their_sound, strict=False)) + abs(len(source) - len(their_sound))
    return [
        f"pictures: {len(mine)} in one piece, {len(theirs)} in segments; {times} times or lengths differ",
        f"sound: {len(sound)} packets in one piece, {len(their_sound)} in segments; {differ} differ; {of_source} are not the source's",
        f"headers besides the file's own: {sum(headers_within(data) for _, _, data in theirs)}",
        f"bytes: {one.stat().st_size} in one piece, {other.stat().st_size} in segments",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--segments", type=int, default=8)
    parser.add_argument("--events-only", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = asked.clip or joined_clips(folder, asked.minutes * 60)
        settings = load_settings(None, [])
        analyser = Analyser.load(settings)
        one, other = (None, None) if asked.events_only else (folder / "one.mp4", folder / "other.mp4")
        events, their_events = folder / "one.jsonl", folder / "other.jsonl"
        whole_s, _ = timed(lambda: in_one_piece(clip, settings, analyser, one, events))
        length_s = float(av.open(str(clip)).duration or 0) / av.time_base

        probing_s, cut = timed(lambda: probe(clip, settings, segment_s=length_s / (asked.segments + 0.5)))
        assert cut is not None
        numbers = [segment.number for segment in cut.segments]
        notes, chunks = ([folder / f"{what}-{number}" for number in numbers] for what in ("look", "pictures"))
        looks = [timed(lambda number=number: look(cut, number, settings, analyser, notes[number]))[0] for number in numbers]  # type: ignore[misc]
        threading_s, threaded = timed(lambda: thread(cut, settings, notes, analyser, their_events))
        print(f"{length_s:.0f} s of {cut.info.width}×{cut.info.height} in {len(numbers)} segments")
        print(compare_events(events, their_events))
        print(
            f"asked: {threaded.asked}; not in the notes: {threaded.anew or 0}; decoded once more: {threaded.decoded} of {cut.frames} frames"
        )
        looked = sum(segment.looked_at.count for segment in cut.segments)
        costs = {"in one piece": f"{whole_s:.1f}", "probe": f"{probing_s:.1f}"}
        costs["look"] = f"{sum(looks):.1f} (longest {max(looks):.1f}; {looked / cut.frames - 1:.1%} of all frames twice)"
        costs["thread"] = f"{threading_s:.1f}"
        if one is not None and other is not None:
            paints = [
                timed(lambda number=number: paint(cut, number, settings, their_events, threaded.places[number], chunks[number]))[0]  # type: ignore[misc]
                for number in numbers
            ]
            joining_s, _ = timed(lambda: join(cut, settings, chunks, other))
            costs |= {"paint": f"{sum(paints):.1f} (longest {max(paints):.1f})", "join": f"{joining_s:.1f}"}
            print(*compare_videos(clip, one, other), sep="\n")
        print("CPU seconds:", "; ".join(f"{what} {seconds}" for what, seconds in costs.items()))
        print(f"notes: {sum(path.stat().st_size for path in notes) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
