"""`--hide` as a user runs it: what our own detector still finds in the files that come out, and what has changed beside the faces."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from models.detection.detector import Detector, load_detector
from stream.media import av
from tests.command import facestream, is_one_sentence
from tests.media import ffprobe_times, make_clip, need
from tests.moving_faces import Actor, Film, at_rate, head
from tests.recorded import audio_md5

CENTRE, WIDE = 200, 110


def there(time_s: float) -> tuple[float, float, float] | None:
    """Where the face is: it walks in at the left, waits, and is gone for a while."""
    if 1.2 <= time_s < 1.4:
        return None
    return -60 + 320 * min(time_s, 0.8), CENTRE, WIDE


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector()


@pytest.fixture(scope="module")
def clip(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hiding")
    film = Film([Actor(head(portrait, "hopper"), there)])
    silent = make_clip(folder / "silent.mp4", times=range(50), images=[film.picture(time_s) for time_s in at_rate(2.0)], size=(480, 360))
    path = folder / "clip.mp4"
    sound = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", silent, *sound, "-c:v", "copy", "-c:a", "aac", path], check=True)
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def found_in(detector: Detector, images: list[np.ndarray]) -> list[int]:
    """The numbers of the pictures in which a face is found, by the usual search."""
    return [number for number, image in enumerate(images) if len(detector.detect([image], 20)[0])]


def test_the_clip_shows_a_face_without_hiding(clip: Path, detector: Detector) -> None:
    assert len(found_in(detector, pictures(clip))) >= 35


@pytest.mark.parametrize("style", ["blur", "pixelate", "fill"])
def test_no_frame_of_a_file_shows_the_face_and_the_rest_is_as_it_was(clip: Path, detector: Detector, tmp_path: Path, style: str) -> None:
    out, log = tmp_path / "out.mp4", tmp_path / "events.jsonl"
    done = facestream("run", clip, "-o", out, "--events", log, "--hide", style)
    assert done.returncode == 0, done.stderr
    hidden, bare = pictures(out), pictures(clip)
    assert found_in(detector, hidden) == []
    assert ffprobe_times(out) == pytest.approx(ffprobe_times(clip), abs=1e-6)
    assert audio_md5(out) == audio_md5(clip)
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if "faces" in json.loads(line)]
    assert len(events) == 50
    for event, before, after in zip(events, bare, hidden, strict=True):
        assert event["hidden"]["style"] == style
        assert not event["hidden"]["whole"]
        assert all(face["hidden"] for face in event["faces"])
        beside = np.ones(before.shape[:2], bool)
        for x1, y1, x2, y2 in event["hidden"]["areas"]:
            beside[max(0, int(y1) - 8) : max(0, int(y2) + 9), max(0, int(x1) - 8) : max(0, int(x2) + 9)] = False
        if beside.any():  # what is left is H.264's own
            assert np.abs(before.astype(int) - after)[beside].mean() < 2.0


def test_no_frame_of_a_camera_shows_it_not_even_the_first(clip: Path, detector: Detector, tmp_path: Path) -> None:
    out = tmp_path / "live.mp4"
    words = ["--hide", "blur", "--set", "source.loop=true", "--duration", "5", "--no-window"]
    done = facestream("run", clip, "-o", out, *words)
    assert done.returncode == 0, done.stderr
    recorded = pictures(out)
    assert len(recorded) > 10
    shown = [image[: image.shape[0] - 40] for image in recorded]  # above the status line
    assert found_in(detector, shown) == []


def test_where_no_faces_are_looked_for_all_is_hidden(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = facestream("run", clip, "-o", out, "--hide", "fill", "--set", "detector.enabled=false")
    assert done.returncode == 0, done.stderr
    assert max(image.std() for image in pictures(out)) < 3


def test_a_photo_loses_its_face_and_what_else_shows_it(portrait_path: Path, detector: Detector, tmp_path: Path) -> None:
    photo, exif = Image.open(portrait_path).convert("RGB"), Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" GDepth:Data="' + b"QUJD" * 1000 + b'"/>'
    photos = tmp_path / "photos"
    photos.mkdir()
    photo.save(photos / "a.jpg", exif=exif, xmp=xmp)
    kept = facestream("run", photos, "-o", tmp_path / "kept", "--hide", "pixelate")
    assert kept.returncode == 0, kept.stderr
    assert "remarks that hold pictures" in kept.stderr + kept.stdout
    with Image.open(tmp_path / "kept" / "a.jpg") as out:
        assert b"QUJD" not in out.info.get("xmp", b"")
        assert out.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        assert len(detector.detect([np.asarray(out)])[0]) == 0
    placeless = facestream("run", photos, "-o", tmp_path / "placeless", "--hide", "pixelate", "--set", "hide.keep_gps=false")
    assert "the place where it was taken" in placeless.stderr + placeless.stdout
    with Image.open(tmp_path / "placeless" / "a.jpg") as out:
        assert not out.getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_what_a_video_says_of_itself_holds_no_picture_and_no_place_where_that_is_asked(clip: Path, tmp_path: Path) -> None:
    tagged, picture = tmp_path / "tagged.mkv", "QUJD" * 1000
    tags = {"title": "A walk", "METADATA_BLOCK_PICTURE": picture, "location": "+48.85+002.29/", "GPSLatitude": "48.85"}
    told = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", clip, "-t", "0.2", "-c", "copy", *told, tagged], check=True)
    for words, stays, said in (
        ([], True, ["pictures"]),
        (["--set", "hide.keep_gps=false"], False, ["pictures", "the place where it was taken, which is left out"]),
    ):
        done = facestream("run", tagged, "-o", tmp_path / "out.mkv", "--hide", "fill", "--overwrite", *words)
        assert done.returncode == 0, done.stderr
        assert all(what in done.stderr + done.stdout for what in said)
        with av.open(str(tmp_path / "out.mkv")) as container:
            told_now = {key.lower(): value for key, value in container.metadata.items()}
        assert told_now["title"] == "A walk"
        assert "metadata_block_picture" not in told_now
        assert ("location" in told_now, "gpslatitude" in told_now) == (stays, stays)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--hide", "blur", "--set", "hide.whom=unknown"], "identity.people"),
        (["--set", "hide.whom=unknown"], "--hide blur"),
        (["--hide", "blur", "--set", "hide.whom=[Ada, Bo]"], "identity.people"),
        (["--hide", "blur", "--set", "hide.whom=mask=without_mask"], "classifier.model"),
        (["--hide", "blur", "--model", "mask", "--set", "hide.whom=mask=masked"], "without_mask"),
    ],
)
def test_whom_nobody_can_tell_is_refused(clip: Path, tmp_path: Path, words: list[str], says: str) -> None:
    done = facestream("run", clip, "-o", tmp_path / "out.mp4", *words)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert says in done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_only_whom_the_classifier_calls_so_is_hidden(portrait: np.ndarray, detector: Detector, tmp_path: Path) -> None:
    """The portrait smiles or does not: one of the two labels hides it, the other does not."""
    film = Film([Actor(head(portrait, "hopper"), lambda _: (240, CENTRE, WIDE))])
    clip = make_clip(tmp_path / "still.mp4", times=range(25), images=[film.picture(0.0)] * 25, size=(480, 360))
    shown = []
    for label in ("smile", "non_smile"):
        out = tmp_path / f"{label}.mp4"
        done = facestream("run", clip, "-o", out, "--hide", "fill", "--model", "smile", "--set", f"hide.whom=smile={label}")
        assert done.returncode == 0, done.stderr
        shown.append(len(found_in(detector, pictures(out))))
    assert sorted(shown) == [0, 25]


@pytest.mark.slow
def test_strangers_are_hidden_and_known_people_are_not_and_the_other_way_round(
    portrait: np.ndarray, portrait_path: Path, astronaut: np.ndarray, detector: Detector, tmp_path: Path
) -> None:
    people = tmp_path / "people"
    done = facestream("people", "add", "Grace Hopper", portrait_path, "--people", people)
    assert done.returncode == 0, done.stderr
    known, stranger = (150, 180), (480, 180)
    film = Film(
        [Actor(head(portrait, "hopper"), lambda _: (*known, 150)), Actor(head(astronaut, "astronaut"), lambda _: (*stranger, 150))],
        size=(640, 360),
    )
    clip = make_clip(tmp_path / "two.mp4", times=range(50), images=[film.picture(0.0)] * 50, size=(640, 360))
    for whom, shown, hidden in (("unknown", known, stranger), ("known", stranger, known), ("[Grace Hopper]", stranger, known)):
        out = tmp_path / "out.mp4"
        words = ["--people", people, "--hide", "fill", "--set", f"hide.whom={whom}", "--overwrite"]
        done = facestream("run", clip, "-o", out, *words)
        assert done.returncode == 0, done.stderr
        images = pictures(out)
        assert len(images) == 50
        there = [[box_has(box, shown) for box in detector.detect([image], 20)[0].boxes] for image in images]
        assert sum(any(one) for one in there) >= 45, whom
        assert not any(box_has(box, hidden) for image in images for box in detector.detect([image], 20)[0].boxes), whom
    refused = facestream("run", clip, "-o", out, "--people", people, "--hide", "fill", "--set", "hide.whom=[Ada]", "--overwrite")
    assert refused.returncode == 2
    assert "nobody is called Ada" in refused.stderr


def box_has(box: np.ndarray, point: tuple[float, float]) -> bool:
    x1, y1, x2, y2 = box
    return bool(x1 <= point[0] <= x2 and y1 <= point[1] <= y2)
