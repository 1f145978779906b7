"""What is a video, a photo or neither is told by what is in a file; a healthy one is never called damaged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import SourceError
from stream.media import av
from stream.sources.opening import open_source
from tests.command import facestream
from tests.media import ffprobe_times, make_clip, need, picture


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("name", ["raw.mjpeg", "RAW.MJPG", "raw.bin", "no ending"])
def test_jpegs_one_after_the_other_are_a_video(name: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.avi", codec="mjpeg", pixels="yuvj420p", options={"qscale": "2"})
    with av.open(str(clip)) as container:
        (tmp_path / name).write_bytes(b"".join(bytes(packet) for packet in container.demux(video=0)))
    source = open_source(tmp_path / name)
    frames = list(source)
    assert not source.info.still
    assert [frame.time_s for frame in frames] == pytest.approx([number / 25 for number in range(30)])
    assert all(difference(frame.image, picture(frame.index)) < 8 for frame in frames)
    assert source.status.notes == [f"{tmp_path / name}: has no times of its own; 25 frames/s are assumed."]


@pytest.mark.parametrize("name", ["photo", "photo.bin", "photo.mjpeg"])
def test_one_jpeg_is_a_photo_whatever_its_name(name: str, tmp_path: Path) -> None:
    Image.fromarray(picture(3)).save(tmp_path / name, "JPEG")
    assert open_source(tmp_path / name).info.still


@pytest.mark.parametrize("ending", ["mp3", "m4a", "flac", "mka"])
def test_a_song_with_a_cover_is_no_video(ending: str, tmp_path: Path) -> None:
    Image.fromarray(picture(3)).save(tmp_path / "cover.jpg")
    sound = ["-f", "lavfi", "-i", "sine=duration=4"]
    cover = ["-i", tmp_path / "cover.jpg", "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"]
    if ending == "mka":
        cover = ["-attach", tmp_path / "cover.jpg", "-metadata:s:t", "mimetype=image/jpeg"]
    song = tmp_path / f"song.{ending}"
    subprocess.run([need("ffmpeg"), "-v", "error", *sound, *cover, song], check=True)
    with pytest.raises(SourceError, match=r"is not a video; there are no moving pictures in it\.$"):
        open_source(song)


def test_a_film_with_a_cover_is_the_film(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    Image.new("RGB", (640, 480), "red").save(tmp_path / "cover.jpg")
    film = tmp_path / "film.mp4"
    maps = ["-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic", "-disposition:v:1", "0"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", clip, "-i", tmp_path / "cover.jpg", *maps, film], check=True)
    frames = list(open_source(film))
    assert len(frames) == 30
    assert difference(frames[0].image, picture(0)) < 4


@pytest.mark.parametrize("name", ["long_sound.wmv", "long_sound.ogv", "dropped.ogv"])
def test_a_healthy_video_whose_pictures_end_before_its_file_is_not_called_cut_off(name: str, tmp_path: Path) -> None:
    path, sound = tmp_path / name, ["-f", "lavfi", "-i", "sine=duration=6"]
    pictures = ["-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25:duration=1,tpad=stop=100:stop_mode=add:color=gray"]
    codec = ["-c:v", "libtheora", "-b:v", "10k"]  # so few bits that the encoder leaves out pictures, the last ones, too
    if name != "dropped.ogv":
        pictures = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=1", *sound]
        codec = ["-c:v", "wmv2"] if name.endswith("wmv") else ["-c:v", "libtheora"]
    subprocess.run([need("ffmpeg"), "-v", "error", *pictures, *codec, path], check=True)
    source = open_source(path)
    assert len(list(source)) == len(ffprobe_times(path)) > 1
    assert source.status.notes == []


def test_an_avi_that_leaves_out_its_last_pictures_is_whole_and_half_of_it_is_cut_off(tmp_path: Path) -> None:
    clip, path = make_clip(tmp_path / "clip.avi", times=range(100)), tmp_path / "left_out.avi"
    with av.open(str(clip)) as container, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(container.streams.video[0])
        for number, packet in enumerate(container.demux(video=0)):
            if packet.dts is not None:
                shown = av.Packet(bytes(packet) if number < 40 else b"")  # as screen recorders write what has not changed
                shown.pts, shown.dts, shown.time_base, shown.stream = packet.pts, packet.dts, packet.time_base, stream
                out.mux(shown)
    source = open_source(path)
    assert len(list(source)) == 40
    assert source.status.notes == []
    (tmp_path / "half.avi").write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    half = open_source(tmp_path / "half.avi")
    assert 1 < len(list(half)) < 40
    assert "cut off" in half.status.notes[0]


@pytest.mark.parametrize("suffix", ["ogv", "wmv", "avi"])
def test_a_healthy_video_that_stands_still_is_not_called_damaged(suffix: str, tmp_path: Path) -> None:
    codec = {"ogv": ["libtheora"], "wmv": ["wmv2", "-bf", "0"], "avi": ["libxvid"]}[suffix]
    still = "testsrc=size=160x120:rate=25:duration=1,tpad=stop_mode=clone:stop_duration=4"
    path = tmp_path / f"still.{suffix}"
    subprocess.run([need("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", still, "-c:v", *codec, path], check=True)
    source = open_source(path)
    frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx(ffprobe_times(path), abs=2e-6)
    assert source.status.notes == []


def test_a_picture_in_a_format_that_nobody_reads_says_so_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(bytes.fromhex("0000000c4a584c200d0a870a") + bytes(64))  # JPEG XL's signature
    done = facestream("run", path)
    assert (done.returncode, done.stderr) == (1, f"facestream: {path}: JPEG XL cannot be read; convert it to JPEG or PNG first.\n")
