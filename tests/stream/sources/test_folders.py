"""What lies behind links is read, each once; what cannot be looked into is named, and the exit code says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.imaging.folders import files_below
from stream.sources.addresses import expand
from stream.sources.opening import open_source
from tests.command import facestream, usual_environment
from tests.media import make_clip
from tests.unprivileged import without_privileges


def put(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (value, value, value)).save(path)
    return path


@pytest.fixture
def album(tmp_path: Path) -> Path:
    put(tmp_path / "album/a.png")
    put(tmp_path / "album/trip/b.png")
    put(tmp_path / "elsewhere/c.png")
    put(tmp_path / "elsewhere/deep/d.png")
    (tmp_path / "album/linked").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "album"


def names(album: Path) -> list[str]:
    return sorted(Path(frame.source).relative_to(album).as_posix() for frame in open_source(album))


def test_linked_folders_are_gone_into(album: Path) -> None:
    assert names(album) == ["a.png", "linked/c.png", "linked/deep/d.png", "trip/b.png"]
    assert expand(album) == [str(album)]


def test_a_folder_is_read_once_however_many_links_lead_to_it(album: Path) -> None:
    (album / "again").symlink_to(album / "trip")
    (album / "trip/round").symlink_to(album)
    (album / "trip/self").symlink_to("self")
    (album.parent / "elsewhere/deep/up").symlink_to(album.parent / "elsewhere")
    found = names(album)
    assert len(found) == 4
    assert "trip/b.png" in found, "under its own name, not a link's"


def test_a_link_that_leads_nowhere_is_named(album: Path) -> None:
    (album / "gone.jpg").symlink_to("nowhere.jpg")
    (album / "disk").symlink_to("/media/not mounted")
    source = open_source(album)
    assert len(list(source)) == 4
    assert sorted(source.status.failures) == [
        f"{album}/disk: leads to /media/not mounted, which is not there or cannot be read.",
        f"{album}/gone.jpg: there is no such file.",
    ]


def test_a_folder_itself_may_be_a_link(album: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").symlink_to(album)
    assert names(tmp_path / "photos") == ["a.png", "linked/c.png", "linked/deep/d.png", "trip/b.png"]


def test_what_systems_leave_behind_does_not_count(album: Path) -> None:
    for name in ("@eaDir/a.png", "#recycle/a.png", "__MACOSX/a.png", ".trash/a.png", "trip/@eaDir/b.png"):
        put(album / name)
    assert len(names(album)) == 4
    (album / "Thumbs.db").write_bytes(b"")
    assert all(path.suffix == ".png" for path in files_below(album).files)


def test_a_picture_that_is_a_link_to_itself_is_named_and_the_others_are_written(album: Path) -> None:
    (album / "trip/itself.jpg").symlink_to("itself.jpg")
    done = facestream("run", album, "-o", album.parent / "out", "--model", "none")
    assert (done.returncode, done.stderr) == (
        1,
        f"facestream: {album}/trip/itself.jpg: cannot be read (Too many levels of symbolic links).\n",
    )
    assert len([path for path in (album.parent / "out").rglob("*") if path.is_file()]) == 4


def test_results_may_go_into_a_folder_around_the_input(album: Path) -> None:
    """It is not what the pictures come from, so nothing is left out."""
    done = facestream("run", album.name, "-o", ".", "--model", "none", cwd=album.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert (album.parent / "a.png").is_file()
    assert (album.parent / "trip/b.png").is_file()


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*without_privileges(), sys.executable, "-m", "stream", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=usual_environment(), check=False)


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
def test_a_folder_that_may_not_be_read_is_named_and_the_exit_code_is_1(album: Path, mode: int) -> None:
    (album / "trip").chmod(mode)
    try:
        done = run("run", album, "--model", "none", "--no-window")
    finally:
        (album / "trip").chmod(0o700)
    assert done.returncode == 1, done.stderr
    assert f"{album}/trip" in done.stderr
    assert "(Permission denied)" in done.stderr
    assert f"{album}/a.png: no face" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_pattern_over_such_a_folder_names_it_and_a_link_that_leads_nowhere(album: Path) -> None:
    (album / "gone.png").symlink_to("nowhere.png")
    (album / "trip").chmod(0)
    try:
        done = run("run", f"{album}/**/*.png", "--model", "none", "--no-window")
    finally:
        (album / "trip").chmod(0o700)
    assert done.returncode == 1
    assert f"{album}/trip: cannot be read (Permission denied)." in done.stderr
    assert f"{album}/gone.png: there is no such file." in done.stderr
    assert f"{album}/a.png: no face" in done.stdout


def test_nothing_but_a_folder_that_may_not_be_read_says_why(album: Path) -> None:
    (album / "trip").chmod(0)
    try:
        done = run("run", album / "trip", "--model", "none", "--no-window")
    finally:
        (album / "trip").chmod(0o700)
    assert done.returncode == 1
    assert done.stderr == f"facestream: {album}/trip: cannot be read (Permission denied).\n"


def test_videos_beside_such_a_folder_still_come(album: Path) -> None:
    (album.parent / "videos").mkdir()
    clip = make_clip(album.parent / "videos/clip.mp4", times=range(3))
    put(clip.parent / "closed/a.png").parent.chmod(0)
    try:
        done = run("run", clip.parent, "--model", "none", "--no-window")
    finally:
        (clip.parent / "closed").chmod(0o700)
    assert done.returncode == 1
    assert "closed: cannot be read (Permission denied)" in done.stderr
    assert "3 frames" in done.stdout


def test_a_long_list_is_walked_quickly(tmp_path: Path) -> None:
    image = np.zeros((1, 1, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    for number in range(300):
        (tmp_path / f"{number}.png").hardlink_to(tmp_path / "a.png")
    assert len(files_below(tmp_path).files) == 301
