"""`facestream run ARCHIVE -o OUT --resume`: whatever ends it, the same command goes on, and nothing is missing, double or half."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.archives import contents, events, hidden_files, make_archive, make_long_clip
from tests.command import facestream, is_one_sentence, running, usual_environment
from tests.disk import small_disk
from tests.photos import make_folder
from tests.unprivileged import without_privileges
from tests.waiting import wait_for

QUICK = ("--set", "detector.min_face_px=60", "--model", "none")
"""Which faces are found does not matter here."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, two_faces: dict[str, Image.Image]) -> Path:
    return make_archive(tmp_path_factory.mktemp("archive") / "photos", two_faces, photos=200)


@pytest.fixture(scope="module")
def whole(archive: Path) -> Path:
    """The same run in one go, and without a note of what is done."""
    place = archive.parent / "whole"
    ended = facestream("run", archive.name, "-o", place, "--events", place / "faces.jsonl", *QUICK, cwd=archive.parent)
    assert ended.returncode == 1
    return place


def resume(archive: Path, place: Path, *words: str | Path) -> Any:
    return facestream("run", archive.name, "-o", place, "--events", place / "faces.jsonl", "--resume", *QUICK, *words, cwd=archive.parent)


def records(place: Path) -> list[Path]:
    return list((place / ".facestream" / "done").glob("*/*.json"))


def test_results_are_those_of_a_run_in_one_go(archive: Path, whole: Path, tmp_path: Path) -> None:
    ended = resume(archive, tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert contents(tmp_path) == contents(whole)
    assert (tmp_path / "faces.jsonl").read_bytes() == (whole / "faces.jsonl").read_bytes()
    assert "photos: 400 pictures, " in ended.stdout
    assert f"{archive.name}/clips/clip1.mp4: 25 frames" in ended.stdout
    failed = events(tmp_path / ".facestream" / "failed.jsonl")
    assert [one["source"] for one in failed] == [f"{archive.name}/empty.jpg", f"{archive.name}/clips/empty.mp4"]
    assert [one["reason"] for one in failed] == [
        f"{failed[0]['source']}: is empty.",
        f"{failed[1]['source']}: is not a video that can be read.",
    ]


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_comes_to_its_end(archive: Path, whole: Path, tmp_path: Path) -> None:
    seed = random.Random(17)
    for kill in range(3):
        words = ("run", archive.name, "-o", tmp_path, "--events", tmp_path / "faces.jsonl", "--resume", *QUICK)
        with running(*words, cwd=archive.parent) as process:
            wait_for(lambda least=kill: len(records(tmp_path)) > least, 60)
            time.sleep(seed.random() * 0.3)
            process.kill()
            assert process.wait() == -signal.SIGKILL
    finished = {path: path.stat().st_mtime_ns for path in records(tmp_path)}
    assert len(finished) >= 3, "each attempt got on"
    ended = resume(archive, tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert "goes on: " in ended.stderr
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "what was done is not done again"
    assert contents(tmp_path) == contents(whole)
    assert hidden_files(tmp_path) == []
    assert list((tmp_path / ".facestream" / "begun").iterdir()) == []


def test_a_unit_whose_end_was_not_written_is_done_once_more(archive: Path, whole: Path, tmp_path: Path) -> None:
    """Killed between the last output and the record: the outputs are there, and say nothing."""
    assert resume(archive, tmp_path).returncode == 1
    record = next(path for path in records(tmp_path) if any(name.endswith(".mp4") for name, _ in json.loads(path.read_text())["outputs"]))
    unit = json.loads(record.read_text())
    record.unlink()
    (tmp_path / ".facestream" / "begun" / unit["unit"]).write_text("begun \n")
    video = Path(unit["outputs"][0][0])
    video.write_bytes(video.read_bytes()[:1000])
    left = video.with_name(f".{video.stem}-0123456789abcdef.part.mp4")
    left.touch()
    cut_record = record.with_name(f".{record.stem}-0123456789abcdef")
    cut_record.touch()
    (tmp_path / "faces.jsonl").unlink()
    assert resume(archive, tmp_path).returncode == 1
    assert contents(tmp_path) == contents(whole)
    assert not left.exists()
    assert not cut_record.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_and_goes_on(archive: Path, whole: Path, tmp_path: Path, number: signal.Signals) -> None:
    words = ("run", archive.name, "-o", tmp_path, "--events", tmp_path / "faces.jsonl", "--resume", *QUICK)
    with running(*words, cwd=archive.parent) as process:
        wait_for(lambda: len(records(tmp_path)) > 0, 60)
        process.send_signal(number)
        asked = time.monotonic()
        said = process.communicate(timeout=20)[1]
        assert time.monotonic() - asked < 3.0
    assert process.returncode == 130
    assert "stopped; the same command goes on where it was\n" in said
    assert hidden_files(tmp_path) == []
    assert not (tmp_path / "faces.jsonl").exists()
    assert resume(archive, tmp_path).returncode == 1
    assert contents(tmp_path) == contents(whole)


def test_another_run_is_refused_with_the_difference(archive: Path, tmp_path: Path) -> None:
    assert resume(archive, tmp_path).returncode == 1
    ended = resume(archive, tmp_path, "--set", "output.jpeg_quality=50")
    assert ended.returncode == 2
    assert is_one_sentence(ended.stderr)
    assert "output.jpeg_quality 95 and not 50" in ended.stderr
    ended = resume(archive, tmp_path, "--max-frames", "5")
    assert "--max-frames unset and not 5" in ended.stderr
    ended = resume(archive, tmp_path, "--max-frames", "5", "--overwrite")
    assert ended.returncode == 1
    assert "clip0.mp4: 5 frames" in ended.stdout


def test_files_that_came_later_are_done_next(archive: Path, tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    mine = make_archive(tmp_path / "photos", two_faces, photos=3, videos=1)
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 1
    before = contents(place)
    next(iter(two_faces.values())).resize((150, 150)).save(mine / "later.png")
    (mine / "clips" / "clip0.mkv").write_bytes((mine / "clips" / "clip0.mp4").read_bytes())
    ended = resume(mine, place)
    assert ended.returncode == 1, ended.stderr
    after = contents(place)
    assert sorted(after.keys() - before.keys()) == ["clips/clip0-2.mp4", "later.png"]
    assert {name: after[name] for name in before if name != "faces.jsonl"} == {
        name: value for name, value in before.items() if name != "faces.jsonl"
    }
    assert [one["source"] for one in events(place / "faces.jsonl")].count("photos/later.png") == 1
    assert sorted(path.name for path in (place / ".facestream").glob("plan-*")) == ["plan-0001.jsonl", "plan-0002.jsonl"]


def test_what_failed_is_tried_again_when_asked(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    mine = make_archive(tmp_path / "photos", two_faces, photos=2, videos=0)
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 1
    for name in ("empty.jpg", "clips/empty.mp4"):
        (mine / name).unlink()
    next(iter(two_faces.values())).resize((150, 150)).save(mine / "empty.jpg")
    (mine / "clips" / "empty.mp4").write_bytes(
        make_archive(tmp_path / "other", two_faces, photos=1, videos=1).joinpath("clips/clip0.mp4").read_bytes()
    )
    assert resume(mine, place).returncode == 1, "not asked to"
    ended = resume(mine, place, "--retry-failed")
    assert ended.returncode == 0, ended.stderr
    assert "photos: 5 pictures" in ended.stdout
    assert (place / "empty.jpg").exists()
    assert (place / "clips" / "empty.mp4").exists()
    assert (place / ".facestream" / "failed.jsonl").read_bytes() == b""


def test_a_picture_that_cannot_be_written_costs_none_of_the_others(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    mine = make_archive(tmp_path / "photos", two_faces, photos=3, videos=0)
    place = tmp_path / "out"
    (place / "collins" / "01.png").mkdir(parents=True)
    ended = resume(mine, place, "--overwrite")
    assert ended.returncode == 1
    failed = events(place / ".facestream" / "failed.jsonl")
    assert f"{mine.name}/collins/01.png" in [one["source"] for one in failed], ended.stderr
    assert len(contents(place)) == 3 + 2 + 1
    assert len(events(place / "faces.jsonl")) == 6


def test_a_file_that_ends_the_program_each_time_is_left_out_in_the_end(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    """What a crash of a decoder leaves behind: marks of attempts that never came to their end."""
    mine = make_archive(tmp_path / "photos", two_faces, photos=3, videos=1)
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 1
    deadly = [f"{mine.name}/collins/01.png", f"{mine.name}/clips/clip0.mp4"]
    for record in records(place):
        unit = json.loads(record.read_text())
        mark = "".join(
            f"begun \nbegun \nbegun \n{json.dumps(path)}\nbegun \n{json.dumps(path)}\n"
            for path in deadly
            if any(Path(name).stem == Path(path).stem for name, _ in unit["outputs"])
        )
        if mark:
            record.unlink()
            (place / ".facestream" / "begun" / unit["unit"]).write_text(mark)
    for name in ("collins/01.png", "clips/clip0.mp4"):
        (place / name).unlink()
    (place / "clips" / ".clip0-0123456789abcdef.part.mp4").touch()
    ended = resume(mine, place)
    assert ended.returncode == 1
    failed = {one["source"]: one["reason"] for one in events(place / ".facestream" / "failed.jsonl")}
    assert [failed[path] for path in deadly] == [f"{path}: whatever reads it dies or never ends; left out." for path in deadly]
    assert hidden_files(place) == [], "what the killed ones had begun"
    assert not (place / "collins" / "01.png").exists()
    assert not (place / "clips" / "clip0.mp4").exists()
    assert len(events(place / "faces.jsonl")) == 5


def test_events_alone_can_be_resumed(archive: Path, whole: Path, tmp_path: Path) -> None:
    place = tmp_path / "faces.jsonl"
    ended = facestream("run", archive.name, "--events", place, "--resume", *QUICK, cwd=archive.parent)
    assert ended.returncode == 1
    assert place.read_bytes() == (whole / "faces.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".faces.jsonl.facestream", "faces.jsonl"]


def test_events_can_go_to_standard_output(archive: Path, whole: Path, tmp_path: Path) -> None:
    ended = facestream("run", archive.name, "-o", tmp_path, "--events", "-", "--resume", *QUICK, cwd=archive.parent)
    assert ended.stdout == (whole / "faces.jsonl").read_text(encoding="utf-8")
    assert f"{archive.name}: 400 pictures" in ended.stderr


def test_two_at_once_are_refused(archive: Path, tmp_path: Path) -> None:
    words = ("run", archive.name, "-o", tmp_path, "--events", tmp_path / "faces.jsonl", "--resume", *QUICK)
    with running(*words, cwd=archive.parent) as process:
        wait_for(lambda: len(records(tmp_path)) > 0, 60)
        ended = resume(archive, tmp_path)
        assert process.poll() is None
    assert ended.returncode == 2
    assert is_one_sentence(ended.stderr)
    assert f"{tmp_path}: another command is at work here" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip", "--resume"], "name a folder with -o, or a file for --events"),
        (["clip", "--resume", "--events", "-"], "name a folder with -o, or a file for --events"),
        (["clip", "-o", "out", "--resume", "--duration", "5"], "--duration: has no meaning"),
        (["clip", "-o", "out", "--resume", "--window"], "--window: has no meaning"),
        (["rtsp://localhost:1/x", "-o", "out", "--resume"], "rtsp://localhost:1/x: is no file or folder"),
        (["-", "-o", "out", "--resume"], "-: is no file or folder"),
        (["0", "-o", "out", "--resume"], "0: is no file or folder"),
        (["clip", "-o", "clip", "--resume"], "clip/00.png: this is an input"),
    ],
)
def test_what_cannot_be_resumed_is_refused_in_a_sentence(
    tmp_path: Path, two_faces: dict[str, Image.Image], words: list[str], said: str
) -> None:
    (tmp_path / "clip").mkdir()
    next(iter(two_faces.values())).save(tmp_path / "clip" / "00.png")
    ended = facestream("run", *words, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert is_one_sentence(ended.stderr)
    assert said in ended.stderr
    assert not list(tmp_path.rglob(".facestream"))


def test_a_full_disk_ends_it_and_room_lets_it_go_on(archive: Path, whole: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4_000_000) as disk:
        ended = resume(archive, disk)
        assert ended.returncode == 1
        assert is_one_sentence(ended.stderr), ended.stderr
        assert "No space left on device" in ended.stderr
        subprocess.run(["mount", "-o", "remount,size=100M", str(disk)], check=True)
        ended = resume(archive, disk)
        assert ended.returncode == 1, ended.stderr
        assert contents(disk) == contents(whole)
        assert hidden_files(disk) == []


def test_events_go_to_a_pipe_that_stays_one(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    """A device such as /dev/null would else be replaced by a file."""
    mine = make_archive(tmp_path / "photos", two_faces, photos=1, videos=0)
    assert resume(mine, tmp_path / "out").returncode == 1
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        ended = facestream("run", "photos", "-o", "again", "--events", "pipe", "--resume", *QUICK, cwd=tmp_path)
        assert pipe.is_fifo()
        assert reader.communicate(timeout=20)[0] == (tmp_path / "out" / "faces.jsonl").read_bytes()
    assert ended.returncode == 1


def test_events_behind_a_link_are_where_it_leads(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    make_archive(tmp_path / "photos", two_faces, photos=1, videos=0)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere.jsonl")
    assert facestream("run", "photos", "-o", "out", "--events", "link", "--resume", *QUICK, cwd=tmp_path).returncode == 1
    assert (tmp_path / "link").is_symlink()
    assert len(events(tmp_path / "elsewhere.jsonl")) == 2


def test_events_that_cannot_be_written_are_told_before_any_work(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    make_archive(tmp_path / "photos", two_faces, photos=1, videos=0)
    ended = facestream("run", "photos", "-o", "out", "--events", "photos", "--resume", *QUICK, cwd=tmp_path)
    assert ended.returncode in (1, 2)
    assert is_one_sentence(ended.stderr)
    assert "photos: is a folder" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_an_archive_that_is_not_there_does_not_fail_file_by_file(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    """It is not mounted, or the command was typed in another folder."""
    mine = make_archive(tmp_path / "photos", two_faces, photos=1, videos=0)
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 1
    for record in records(place):
        record.unlink()
    before = contents(place)
    mine.rename(tmp_path / "unmounted")
    ended = resume(mine, place)
    assert ended.returncode == 1
    assert ended.stderr == "facestream: photos: there is no such file or folder.\n"
    assert records(place) == []
    (tmp_path / "unmounted").rename(mine)
    assert resume(mine, place).returncode == 1
    assert contents(place) == before
    assert len(events(place / ".facestream" / "failed.jsonl")) == 2


def test_a_damaged_note_of_what_is_done_is_named(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    mine = make_folder(tmp_path / "photos", two_faces, 1)
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 0
    before = contents(place)
    [record] = records(place)
    record.write_bytes(b"")
    ended = resume(mine, place)
    assert ended.returncode == 1
    assert is_one_sentence(ended.stderr)
    assert f"{record}: is damaged; remove it, and the same command does its files again." in ended.stderr
    record.unlink()
    assert resume(mine, place).returncode == 0
    assert contents(place) == before

    [part] = (place / ".facestream" / "events").iterdir()
    part.unlink()
    ended = resume(mine, place)
    assert "events: 1 of its files are gone; the same command makes them again." in ended.stderr
    assert resume(mine, place).returncode == 0
    assert contents(place) == before

    plan = place / ".facestream" / "plan-0001.jsonl"
    plan.write_bytes(plan.read_bytes()[:50])
    ended = resume(mine, place)
    assert ended.returncode == 1
    assert is_one_sentence(ended.stderr)
    assert f"{plan}: is damaged; remove the folder it is in, and begin anew with --overwrite." in ended.stderr


def test_a_folder_that_can_be_read_again_has_not_failed(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    make_folder(tmp_path / "photos", two_faces, 1)
    locked = make_folder(tmp_path / "photos" / "locked", two_faces, 1)
    words = ["run", "photos", "-o", "out", "--resume", *QUICK]
    locked.chmod(0)
    try:
        command = [*without_privileges(), sys.executable, "-m", "stream", *words]
        subprocess.run(command, cwd=tmp_path, env=usual_environment(), timeout=60, check=False)
    finally:
        locked.chmod(0o700)
    failed = tmp_path / "out" / ".facestream" / "failed.jsonl"
    assert [one["reason"] for one in events(failed)] == ["photos/locked: cannot be read (Permission denied)."]
    ended = facestream(*words, "--retry-failed", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "photos: 4 pictures, " in ended.stdout
    assert events(failed) == []


def test_an_archive_that_may_not_be_read_has_failed_once(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    mine = make_folder(tmp_path / "photos", two_faces, 1)
    words = ["run", "photos", "-o", "out", "--resume", *QUICK]
    mine.chmod(0)
    try:
        command = [*without_privileges(), sys.executable, "-m", "stream", *words]
        assert subprocess.run(command, cwd=tmp_path, env=usual_environment(), timeout=60, check=False).returncode == 1
    finally:
        mine.chmod(0o700)
    failed = tmp_path / "out" / ".facestream" / "failed.jsonl"
    assert [one["reason"] for one in events(failed)] == ["photos: cannot be read (Permission denied)."]
    ended = facestream(*words, "--retry-failed", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "photos: 2 pictures, " in ended.stdout


def test_what_was_begun_of_a_video_is_left_to_whoever_is_at_it(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    """As phones name them: IMG_1.png and IMG_1.mp4. On a cluster they are done at the same time."""
    mine = make_folder(tmp_path / "photos", two_faces, 1)
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 0
    [record] = records(place)
    record.unlink()
    unit, photo = json.loads((place / ".facestream" / "plan-0001.jsonl").read_text())["id"], next(place.rglob("*.png"))
    (place / ".facestream" / "begun" / unit).write_text("begun \n")
    video = photo.with_name(f".{photo.stem}-0123456789abcdef.part.mp4")
    begun = [photo.with_name(f".{photo.stem}-0123456789abcdef"), place / ".faces-0123456789abcdef"]
    for left in (video, *begun):
        left.touch()
    assert resume(mine, place).returncode == 0
    assert video.exists()
    assert not any(left.exists() for left in begun)


def test_an_output_whose_name_is_too_long_is_told(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    make_archive(tmp_path / "photos", two_faces, photos=0, videos=1)
    ended = facestream("run", "photos/clips/clip0.mp4", "-o", f"{'x' * 252}.mp4", "--resume", *QUICK, cwd=tmp_path)
    assert ended.returncode == 1
    assert is_one_sentence(ended.stderr)
    assert "(File name too long)" in ended.stderr


def test_a_photo_that_came_later_does_not_replace_another_s_output(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    """photo.tga has become photo.png where photo.png was not there yet."""
    mine = make_folder(tmp_path / "photos", two_faces, 1)
    next(iter(two_faces.values())).convert("RGB").save(mine / "photo.tga")
    place = tmp_path / "out"
    assert resume(mine, place).returncode == 0
    before = (place / "photo.png").read_bytes()
    next(iter(two_faces.values())).resize((150, 150)).save(mine / "photo.png")
    for words in ((), ("--overwrite",)):
        ended = resume(mine, place, *words)
        assert ended.returncode == 2
        assert is_one_sentence(ended.stderr)
        assert f"{place}/photo.png: two results would be written to it" in ended.stderr
        assert (place / "photo.png").read_bytes() == before


def test_a_video_that_is_removed_while_it_is_written_has_failed(tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    make_long_clip(tmp_path / "videos" / "long.mp4", np.asarray(two_faces["hopper"].convert("RGB")), seconds=40)
    place = tmp_path / "out"
    words = ["run", "videos", "-o", "out", "--resume", *QUICK]
    with running(*words, cwd=tmp_path) as process:
        wait_for(lambda: list(place.glob(".long-*.part.mp4")), 60)
        next(place.glob(".long-*.part.mp4")).unlink()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "out/long.mp4: somebody has removed it while it was written.\n" in said
    ended = facestream(*words, "--retry-failed", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (place / "long.mp4").is_file()
