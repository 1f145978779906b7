"""A video in segments comes out as in one piece: what was found to the letter, all times, the sound."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.errors import SourceError
from stream.media import av
from stream.segments.cut import Cut, probe
from stream.segments.joining import join
from stream.segments.looking import look
from stream.segments.painting import paint
from stream.segments.threaded import Place, thread
from stream.segments.whole import Done, in_segments
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from tests.command import facestream
from tests.enrolled import COLLINS, enrolled
from tests.joined import ffmpeg
from tests.media import make_clip, need, packets_of
from tests.moving_faces import Actor, Film, head

RATE, SECONDS = 12, 36
SEGMENT_S = 10
OPEN = "open-gop=1:keyint=24:min-keyint=24:scenecut=0:bframes=3"


def film(portrait: np.ndarray, astronaut: np.ndarray) -> Film:
    """One who is there all the time but behind a cut, and one who comes and goes; cuts lie on a border of segments, and just before one."""

    def first(time_s: float) -> tuple[float, float, float] | None:
        return (90 + 4 * time_s, 110 + 10 * np.sin(time_s), 90) if not 20 <= time_s < 23 else None

    def second(time_s: float) -> tuple[float, float, float] | None:
        return (240, 130 + 3 * np.sin(2 * time_s), 70 + time_s) if time_s % 11 > 4 else None

    actors = [Actor(head(portrait, "hopper"), first), Actor(head(astronaut, "astronaut"), second)]
    return Film(actors, (320, 240), wall=lambda time_s: 60 if 20 <= time_s < 29.8 else 110)


@pytest.fixture(scope="module")
def clips(portrait: np.ndarray, astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The film with a rising tone: in an MP4 that players must turn, at uneven times in Matroska, of open GOPs in a transport stream."""
    folder = tmp_path_factory.mktemp("clips")
    times = [number / RATE for number in range(RATE * SECONDS)]
    images = [film(portrait, astronaut).picture(time_s) for time_s in times]
    turned = [np.ascontiguousarray(np.rot90(image)) for image in images]
    timing = {"times": range(len(times)), "time_base": Fraction(1, RATE), "rate": RATE}
    options = {"preset": "ultrafast", "crf": "12", "g": "24", "bf": "2"}
    upright = make_clip(folder / "upright.mp4", images=images, size=(320, 240), options=options, **timing)
    lying = make_clip(folder / "lying.mp4", images=turned, size=(240, 320), options=options, quarter_turns=3, **timing)
    sound = ["-f", "lavfi", "-i", f"aevalsrc='sin(2*PI*(300+20*t)*t)':d={SECONDS}:s=48000"]
    drops = ["-vf", "select='gt(mod(n*7,10),1)'", "-fps_mode", "vfr", "-c:v", "libx264", "-g", "25", "-bf", "2"]
    made = {name: folder / name for name in ("turned.mp4", "uneven.mkv", "open.ts")}
    ffmpeg("-i", lying, *sound, "-c:v", "copy", "-c:a", "aac", "-metadata", "title=A film", made["turned.mp4"])
    ffmpeg("-i", upright, *sound, *drops, "-c:a", "libopus", made["uneven.mkv"])
    ffmpeg("-i", upright, *sound, "-c:v", "libx264", "-x264-params", OPEN, "-c:a", "mp2", made["open.ts"])
    return made


@pytest.fixture(scope="module")
def changes(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    people = enrolled(tmp_path_factory.mktemp("known") / "people", {COLLINS: astronaut})
    return ["output.track_events=true", f"identity.people={people}"]


@pytest.fixture(scope="module")
def settings(changes: list[str]) -> Settings:
    return load_settings(None, changes)


@pytest.fixture(scope="module")
def analyser(settings: Settings) -> Analyser:
    return Analyser.load(settings)


@pytest.fixture(scope="module")
def whole(clips: dict[str, Path], changes: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what one run of each clip gives, in one piece."""
    folder = tmp_path_factory.mktemp("whole")
    words = ["-o", folder, "--events", folder / "faces.jsonl", *(word for change in changes for word in ("--set", change))]
    done = facestream("run", *clips.values(), *words)
    assert done.returncode == 0, done.stderr
    return folder


def told_of(events: Path, source: Path) -> list[str]:
    return [line for line in events.read_text().splitlines() if json.loads(line)["source"] == str(source)]


def shown(path: Path) -> list[tuple[int, int]]:
    """When each picture is shown, and how long, in ticks, as they lie in the file."""
    command = [need("ffprobe"), "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts,duration", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["packets"]
    return [(one["pts"], one["duration"]) for one in found]


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", ["turned.mp4", "uneven.mkv", "open.ts"])
def test_in_segments_all_is_found_and_written_as_in_one_piece(
    name: str, clips: dict[str, Path], whole: Path, settings: Settings, analyser: Analyser, tmp_path: Path
) -> None:
    out, events = tmp_path / "out.mp4", tmp_path / "faces.jsonl"
    done = in_segments(clips[name], out, events, settings, tmp_path / "scratch", analyser=analyser, segment_s=SEGMENT_S)
    assert done is not None
    assert len(done.cut.segments) >= 3
    alone, lines = whole / Path(name).with_suffix(".mp4").name, told_of(events, clips[name])
    assert lines == told_of(whole / "faces.jsonl", clips[name])
    assert len(lines) > done.cut.frames > 300
    assert COLLINS in "".join(lines)
    assert {face["track"] for line in lines for face in json.loads(line).get("faces", ())} >= {1, 2, 3}
    assert shown(out) == shown(alone)
    assert packets_of(out, "a:0") == packets_of(alone, "a:0")
    assert len(packets_of(out, "a:0")) > 1000
    pictures, theirs = decoded(out), decoded(alone)
    assert len(pictures) == len(theirs) == done.cut.frames
    apart = [float(np.square(a.astype(np.float32) - b).mean()) for a, b in zip(pictures, theirs, strict=True)]
    assert max(apart) < 10, "as good as in one piece (38 dB apart), with the same boxes and words"


def test_who_crosses_a_border_keeps_the_number_and_nothing_is_asked_twice(
    clips: dict[str, Path], settings: Settings, analyser: Analyser, tmp_path: Path
) -> None:
    done = in_segments(clips["turned.mp4"], None, tmp_path / "faces.jsonl", settings, tmp_path, analyser=analyser, segment_s=SEGMENT_S)
    assert done is not None
    assert done.joined is None, "events only"
    first, second, third, _ = done.cut.segments
    assert third.own.first == 20 * RATE, "where the cut is"
    assert second.looked_at.first < second.own.first, "who was there before"
    events = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text().splitlines()]
    frames = {event["frame"]: event for event in events if "kind" not in event}
    before, after = (frames[second.own.first + number]["faces"] for number in (-1, 0))
    assert before
    assert {face["track"] for face in before} == {face["track"] for face in after}
    threaded = done.threaded
    assert sum(threaded.asked.values()) > 300
    assert sum(threaded.anew.values()) < 0.1 * sum(threaded.asked.values())
    assert first.own.count + second.own.count < threaded.frames == done.cut.frames == len(frames)


def passes(cut: Cut, settings: Settings, analyser: Analyser, folder: Path) -> tuple[list[Path], Path, Sequence[Place]]:
    notes = [folder / f"notes-{one.number}" for one in cut.segments]
    for one, path in zip(cut.segments, notes, strict=True):
        look(cut, one.number, settings, analyser, path)
    events = folder / "faces.jsonl"
    return notes, events, thread(cut, settings, notes, analyser, events).places


def test_segments_that_do_not_fit_together_are_refused(
    clips: dict[str, Path], settings: Settings, analyser: Analyser, tmp_path: Path
) -> None:
    cut = probe(clips["turned.mp4"], settings, segment_s=SEGMENT_S)
    assert cut is not None
    notes, events, places = passes(cut, settings, analyser, tmp_path)
    other = settings.changed({"output": {"preset": "medium", "crf": 30}})
    chunks = [tmp_path / f"pictures-{one.number}" for one in cut.segments]
    for one, place, chunk in zip(cut.segments, places, chunks, strict=True):
        paint(cut, one.number, other if one.number == 1 else settings, events, place, chunk)
    with pytest.raises(SourceError, match="encoded in different ways"):
        join(cut, settings, chunks, tmp_path / "out.mp4")
    chunks[1].write_bytes(chunks[1].read_bytes()[:-200])
    with pytest.raises(SourceError, match="cannot be read"):
        join(cut, settings, chunks, tmp_path / "out.mp4")
    with pytest.raises(SourceError, match=r"have .* pictures"):
        join(cut, settings, [chunks[0], chunks[2]], tmp_path / "out.mp4")
    notes[2].write_bytes(notes[2].read_bytes()[:5000])
    with pytest.raises(SourceError, match="notes"):
        thread(cut, settings, notes, analyser, events)
    with pytest.raises(SourceError, match="not of this cut"):
        thread(cut, settings, notes[:2], analyser, events)


def test_what_nobody_has_asked_is_asked_in_the_end(clips: dict[str, Path], settings: Settings, analyser: Analyser, tmp_path: Path) -> None:
    cut = probe(clips["open.ts"], settings, segment_s=SEGMENT_S)
    assert cut is not None
    notes, events, _ = passes(cut, settings, analyser, tmp_path)
    told = events.read_bytes()
    first = cut.segments[1].own.first
    with np.load(notes[1]) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    lost = kept["frames"][np.isin(np.arange(len(kept["frames"])) + cut.segments[1].looked_at.first, range(first, first + 20)), 0]
    for frames, *names in (
        ("check_frames", "check_places", "checked_boxes", "checked_scores", "checked_landmarks"),
        ("ask_frames", "ask_rows", "ask_crops", "asked_boxes", "asked_scores", "asked_landmarks"),
        ("who_frames", "who_vectors", "who_boxes", "who_scores", "who_landmarks"),
    ):
        there = ~np.isin(kept[frames], lost)
        kept |= {name: kept[name][there] for name in (frames, *names)}
    with notes[1].open("wb") as file:
        np.savez_compressed(file, **kept)
    frames_done: list[int] = []
    threaded = thread(cut, settings, notes, analyser, events, done=frames_done.append)
    assert events.read_bytes() == told
    assert threaded.anew["Check"] >= 5
    assert 0 < threaded.decoded < 100
    assert sum(frames_done) == cut.frames


def test_a_pass_ends_when_it_is_told_to_and_sees_pictures_that_are_others(
    clips: dict[str, Path], settings: Settings, analyser: Analyser, tmp_path: Path
) -> None:
    cut = probe(clips["uneven.mkv"], settings, segment_s=SEGMENT_S)
    assert cut is not None

    def no_more(frames: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look(cut, 1, settings, analyser, tmp_path / "notes", done=no_more)
    _, events, places = passes(cut, settings, analyser, tmp_path)
    with pytest.raises(SourceError, match="not those that were looked at"):
        paint(cut, 1, settings, events, replace(places[1], marks=places[0].marks), tmp_path / "pictures")
    with pytest.raises(SourceError, match="no event"):
        paint(cut, 1, settings, events, places[2], tmp_path / "pictures")


def test_each_pass_gets_and_gives_what_can_be_sent_to_another_machine(clips: dict[str, Path], settings: Settings) -> None:
    import pickle

    cut = probe(clips["turned.mp4"], settings, segment_s=SEGMENT_S)
    sent = pickle.dumps((cut, settings))
    assert len(sent) < 10_000
    assert pickle.loads(sent) == (cut, settings)


def test_webm_is_joined_too(clips: dict[str, Path], settings: Settings, analyser: Analyser, tmp_path: Path) -> None:
    out = tmp_path / "out.webm"
    done = in_segments(clips["uneven.mkv"], out, None, settings, tmp_path / "scratch", analyser=analyser, segment_s=SEGMENT_S)
    assert isinstance(done, Done)
    assert [pts for pts, _ in shown(out)] == [pts for pts, _ in shown_in_order(clips["uneven.mkv"])]
    assert [content for _, content in packets_of(out, "a:0")] == [content for _, content in packets_of(clips["uneven.mkv"], "a:0")]
    assert len(decoded(out)) == done.cut.frames


def shown_in_order(path: Path) -> list[tuple[int, int]]:
    return sorted(shown(path))
