"""Each real video comes out as it went in: frames, times, sound, shape, colours. ffprobe and ffmpeg say so, not we."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.errors import SourceError
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.loading import load_settings
from stream.sinks.recording.video import VideoSink
from stream.sources.opening import open_source
from tests.media import ffprobe, ffprobe_times, need

REFUSED = {"empty.mp4", "text_not_video.mp4", "php_WrongFile.mp4", "streamio_broken.mp4"}
"""What expected.csv gives as "error message"."""
ODD = {
    "streamio_awesome movie.mov": ".mkv",
    "php_Test.ogv": ".webm",
    "php_sample.3gp": ".mkv",
    "php_portrait.MOV": ".mov",
    "short_hamilton_clip.mp4": ".mkv",
    "tps_driving.mp4": ".mkv",
    "brbk7n.mpg": ".mov",
    "vfr_jitter_drop.mp4": ".webm",
    "again.mkv": ".webm",
}
"""These go into another container too."""
KEPT = ("sample_aspect_ratio", "color_space", "color_primaries", "color_transfer")


def asked(path: Path, *wanted: str) -> list[dict[str, object]]:
    command = [need("ffprobe"), "-v", "quiet", "-of", "json", "-show_streams", *wanted, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)["streams"]


def sound_md5(path: Path) -> str:
    command = [need("ffmpeg"), "-v", "quiet", "-i", str(path), "-map", "0:a", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def psnr_db(path: Path, out: Path, width: int, height: int) -> float:
    """Of all samples of the first hundred frames together."""
    size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)

    def samples(video: Path) -> subprocess.Popen[bytes]:
        command = [need("ffmpeg"), "-v", "quiet", "-i", str(video), "-map", "0:v:0", "-fps_mode", "passthrough"]
        command += ["-frames:v", "100", "-f", "rawvideo", "-"]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    errors = []
    with samples(path) as before, samples(out) as after:
        assert before.stdout is not None
        assert after.stdout is not None
        while len(one := before.stdout.read(size)) == size:
            other = after.stdout.read(size)
            assert len(other) == size
            difference = np.frombuffer(one, np.uint8).astype(np.int32) - np.frombuffer(other, np.uint8)
            errors.append(float((difference * difference).mean()))
    return float(10 * np.log10(255**2 / max(np.mean(errors), 1e-9)))


def processed(path: Path, out: Path) -> list[str]:
    """The file through the pipeline, with analysis switched off; what the user is told."""
    settings = load_settings(None, ["detector.enabled=false", "classifier.model=none"])
    source = open_source(str(path), settings.source)
    lane = Lane(source, [VideoSink(out, source.info, settings.output)])
    return Pipeline([lane], Analyser.load(settings), settings).run().sources[0].notes


def is_turned(stream: dict[str, object]) -> bool:
    return any(abs(side.get("rotation", 0)) == 90 for side in stream.get("side_data_list", []))  # type: ignore[attr-defined]


def check(path: Path, out: Path) -> None:
    notes = processed(path, out)
    (before, *_), (after, *_) = asked(path, "-select_streams", "v:0"), asked(out, "-select_streams", "v:0")
    rgb = "gif" in path.suffix
    times = ffprobe_times(path)
    if times:
        tick = 0.00051 if out.suffix in (".mkv", ".webm") else 0.000002
        came_out = ffprobe_times(out)
        assert len(came_out) == len(ffprobe(path, "-show_entries", "frame=pict_type")["frames"])
        assert came_out[: len(times)] == pytest.approx(times, abs=tick)  # the last frame of an MPEG may have no time there
    else:
        assert any("has no times of its own" in note for note in notes)
        assert [round(25 * time_s, 3) for time_s in ffprobe_times(out)] == list(range(127)), "25 frames/s are what it declares"
    width, height = (before["height"], before["width"]) if is_turned(before) else (before["width"], before["height"])
    assert (after["width"], after["height"]) == (width, height)
    assert not any("rotation" in side for side in after.get("side_data_list", []))  # type: ignore[attr-defined]
    if out.suffix != ".webm":
        assert rgb or {name: after.get(name) for name in KEPT} == {name: before.get(name) for name in KEPT}
    assert (after.get("color_range") == "pc") == (before.get("color_range") == "pc")
    encoded = any("encoded as" in note for note in notes)
    assert encoded == (sound_md5(out) != sound_md5(path))
    sounds = asked(path, "-select_streams", "a"), asked(out, "-select_streams", "a")
    assert len(sounds[0]) == len(sounds[1])
    assert encoded == (path.suffix == ".3gp" or (out.suffix == ".webm" and bool(sounds[0]) and path.suffix != ".ogv"))
    if not rgb:
        assert psnr_db(path, out, int(str(width)), int(str(height))) >= 40


def videos(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "video").glob("*/*")) if path.suffix not in (".txt", ".csv", ".md")]


@pytest.mark.slow
def test_every_real_video_keeps_all_it_has(data_dir: Path, tmp_path: Path) -> None:
    paths = [path for path in videos(data_dir) if path.name not in REFUSED]
    assert len(paths) >= 40
    for path in paths:
        out = tmp_path / f"{path.stem}.mp4"
        try:
            check(path, out)
        except AssertionError as error:
            raise AssertionError(f"{path.name}: {error}") from error
        out.unlink()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "suffix"), ODD.items())
def test_other_containers_keep_as_much(data_dir: Path, tmp_path: Path, name: str, suffix: str) -> None:
    (path,) = (path for path in videos(data_dir) if path.name == name)
    check(path, tmp_path / f"out{suffix}")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_video_is_refused_in_a_sentence(data_dir: Path, name: str) -> None:
    (path,) = (path for path in videos(data_dir) if path.name == name)
    with pytest.raises(SourceError, match=name):
        open_source(str(path))


def test_what_a_decoder_swallows_at_the_start_of_the_sound_does_not_move_the_pictures(tmp_path: Path) -> None:
    path, out = tmp_path / "in.mp4", tmp_path / "out.mkv"
    sources = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run([need("ffmpeg"), "-v", "error", *sources, "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)], check=True)
    processed(path, out)
    assert ffprobe_times(out) == pytest.approx(ffprobe_times(path), abs=0.00051)
    assert ffprobe_times(out)[0] == 0
    assert sound_md5(out) == sound_md5(path)
