"""An archive done by a real cluster: whatever dies, nothing is missing, double or half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.media import av
from tests.archives import contents, events, hidden_files, make_archive, make_long_clip
from tests.command import facestream, is_one_sentence
from tests.disk import small_disk
from tests.stream.cluster.real_cluster import RealCluster, descendants, is_alive, real_cluster
from tests.waiting import wait_for

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.slow

QUICK = ("--set", "detector.min_face_px=60", "--model", "none")
PHOTOS, VIDEOS = 300, 8


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    with real_cluster(nodes=3) as made:
        yield made


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, two_faces: dict[str, Image.Image]) -> Path:
    return make_archive(tmp_path_factory.mktemp("archive") / "photos", two_faces, photos=PHOTOS, videos=VIDEOS)


@pytest.fixture(scope="module")
def whole(archive: Path) -> Path:
    """The same run on this machine, in one go."""
    place = archive.parent / "whole"
    assert facestream("run", archive.name, "-o", place, "--events", place / "faces.jsonl", *QUICK, cwd=archive.parent).returncode == 1
    return place


def words(archive: Path, place: Path, cluster: RealCluster, *more: str) -> list[str]:
    return ["run", archive.name, "-o", str(place), "--events", str(place / "faces.jsonl"), "--cluster", cluster.address, *QUICK, *more]


@contextmanager
def running(archive: Path, place: Path, cluster: RealCluster, *more: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "stream", *words(archive, place, cluster, *more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=archive.parent,
        env=cluster.environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def done(place: Path) -> set[Path]:
    return set((place / ".facestream" / "done").glob("*/*.json"))


def check_equal(place: Path, whole: Path) -> None:
    """Files and events are those of a run in one go: photos bit for bit, of videos times and, but for the encoder, pictures."""
    mine, theirs = contents(place), contents(whole)
    assert mine.keys() == theirs.keys()
    assert {name: value for name, value in mine.items() if not name.endswith(".mp4")} == {
        name: value for name, value in theirs.items() if not name.endswith(".mp4")
    }
    for name in (name for name in mine if name.endswith(".mp4")):
        for (time_s, picture), (other_s, other) in zip(frames(place / name), frames(whole / name), strict=True):
            assert time_s == other_s
            assert np.abs(picture.astype(int) - other).mean() < 1
    assert hidden_files(place / ".facestream" / "begun") == hidden_files(place) == []
    assert list((place / ".facestream" / "begun").iterdir()) == []


def frames(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.time, frame.to_ndarray(format="rgb24")


def test_results_are_those_of_one_machine(cluster: RealCluster, archive: Path, whole: Path, tmp_path: Path) -> None:
    with running(archive, tmp_path, cluster) as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 1, err
    check_equal(tmp_path, whole)
    assert f"photos: {2 * PHOTOS} pictures, " in out
    assert out.count(": 25 frames, ") == VIDEOS
    failed = [one["source"] for one in events(tmp_path / ".facestream" / "failed.jsonl")]
    assert failed == ["photos/empty.jpg", "photos/clips/empty.mp4"]


def test_a_driver_that_is_killed_is_gone_on_with(cluster: RealCluster, archive: Path, whole: Path, tmp_path: Path) -> None:
    with running(archive, tmp_path, cluster) as process:
        wait_for(lambda: len(done(tmp_path)) >= 6, 120)
        process.kill()
    wait_for(lambda: not workers(cluster), 30)
    finished = {path: path.stat().st_mtime_ns for path in done(tmp_path)}
    with running(archive, tmp_path, cluster) as process:
        err = process.communicate(timeout=200)[1]
    assert process.returncode == 1, err
    assert "goes on: " in err
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "what was done is not done again"
    check_equal(tmp_path, whole)


def test_ctrl_c_ends_it_within_5_s_and_leaves_nobody(cluster: RealCluster, archive: Path, whole: Path, tmp_path: Path) -> None:
    with running(archive, tmp_path, cluster) as process:
        wait_for(lambda: len(done(tmp_path)) >= 3, 120)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        _, err = process.communicate(timeout=30)
        assert time.monotonic() - asked < 5.0 + 1.0, "and a second for a busy machine"
    assert process.returncode == 130
    assert "stopped; the same command goes on where it was" in err
    wait_for(lambda: not workers(cluster), 10)
    assert hidden_files(tmp_path) == []
    with running(archive, tmp_path, cluster) as process:
        process.communicate(timeout=200)
    check_equal(tmp_path, whole)


def test_what_kills_and_what_hangs_is_found_and_all_else_is_done(
    cluster: RealCluster, two_faces: dict[str, Image.Image], portrait: np.ndarray, tmp_path: Path
) -> None:
    """Each process that opens one video dies, each that opens another stands still: what decoders in C can do."""
    archive, place = make_archive(tmp_path / "photos", two_faces, photos=10, videos=4), tmp_path / "out"
    deadly, endless = archive / "clips" / "clip1.mp4", archive / "clips" / "clip2.mp4"
    for path in (deadly, endless):
        make_long_clip(path, portrait, seconds=20)
    deaths = Counter[str]()

    def strike(pid: int, path: Path) -> None:
        deaths[path.name] += 1
        os.kill(pid, signal.SIGKILL if path == deadly else signal.SIGSTOP)

    with (
        striking({deadly, endless}, lambda: workers(cluster), strike),
        running(archive, place, cluster, "--set", "cluster.silent_s=4") as process,
    ):
        err = process.communicate(timeout=280)[1]
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert (place / ".facestream" / "failed.jsonl").exists(), err
    failed = {one["source"]: one["reason"] for one in events(place / ".facestream" / "failed.jsonl")}
    assert sorted(failed) == ["photos/clips/clip1.mp4", "photos/clips/clip2.mp4", "photos/clips/empty.mp4", "photos/empty.jpg"]
    assert failed["photos/clips/clip1.mp4"] == "photos/clips/clip1.mp4: whatever reads it dies or never ends; left out."
    assert max(deaths.values()) <= 3
    assert {"clips/clip0.mp4", "clips/clip3.mp4"} == {name for name in contents(place) if name.endswith(".mp4")}
    assert len(contents(place)) == 2 * 10 + 2 + 1
    assert hidden_files(place) == []


def test_a_lost_machine_costs_nothing_but_time(archive: Path, whole: Path, tmp_path: Path) -> None:
    """Power cuts at a third and at two thirds of the run."""
    with real_cluster(nodes=3) as cluster, running(archive, tmp_path, cluster) as process:
        units = 2 * PHOTOS // 128 + VIDEOS + 2
        for node, share in (("n1", 0.3), ("n2", 0.6)):
            wait_for(lambda least=share * units: len(done(tmp_path)) >= least, 120)
            cluster.kill_node(node)
        err = process.communicate(timeout=250)[1]
    assert process.returncode == 1, err
    assert err.count("is lost (") == 2, err
    check_equal(tmp_path, whole)


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """36 s in which a face comes, moves and goes, with a key frame each second."""
    return make_long_clip(tmp_path_factory.mktemp("long") / "videos" / "long.mp4", portrait, seconds=36)


IN_SEGMENTS = ("--set", "cluster.cut_minutes=0.4")


def test_a_long_video_is_done_by_several_as_by_one(cluster: RealCluster, long_video: Path, tmp_path: Path) -> None:
    archive = long_video.parent
    alone = facestream("run", archive.name, "-o", tmp_path / "alone", "--events", tmp_path / "alone" / "faces.jsonl", cwd=archive.parent)
    assert alone.returncode == 0, alone.stderr
    several = tmp_path / "several"
    command = ["run", archive.name, "-o", several, "--events", several / "faces.jsonl", "--cluster", cluster.address, *IN_SEGMENTS]
    ended = facestream(*command, cwd=archive.parent, environment=cluster.environment, timeout_s=250)
    assert ended.returncode == 0, ended.stderr
    assert "videos/long.mp4: is done in 6 segments" in ended.stderr
    assert (several / "faces.jsonl").read_bytes() == (tmp_path / "alone" / "faces.jsonl").read_bytes()
    check_equal(several, tmp_path / "alone")
    assert ended.stdout.split(" followed")[0] == alone.stdout.split(" followed")[0]


def test_machines_lost_while_a_long_video_is_looked_at_and_painted(long_video: Path, tmp_path: Path) -> None:
    archive, several = long_video.parent, tmp_path / "several"
    alone = facestream("run", archive.name, "-o", tmp_path / "alone", "--events", tmp_path / "alone" / "faces.jsonl", cwd=archive.parent)
    assert alone.returncode == 0, alone.stderr
    with real_cluster(nodes=3) as cluster:
        command = ["run", archive.name, "-o", several, "--events", several / "faces.jsonl", "--cluster", cluster.address, *IN_SEGMENTS]
        process = subprocess.Popen(
            [sys.executable, "-m", "stream", *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=archive.parent,
            env=cluster.environment,
        )
        try:
            for node, kind in (("n1", "look"), ("n2", "paint")):
                wait_for(lambda kind=kind: len(list(several.rglob(f".facestream/segments/*/{kind}-*"))) >= 2, 120)
                cluster.kill_node(node)
            _, err = process.communicate(timeout=250)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, err
    assert err.count("is lost (") == 2, err
    check_equal(several, tmp_path / "alone")
    assert not (several / ".facestream" / "segments").exists()


def test_a_full_disk_ends_it_with_a_sentence(cluster: RealCluster, archive: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 3_000_000) as disk:
        ended = facestream(*words(archive, disk, cluster), cwd=archive.parent, environment=cluster.environment)
        assert ended.returncode == 1
        assert is_one_sentence(ended.stderr.splitlines()[-1] + "\n"), ended.stderr
        assert "No space left on device" in ended.stderr
        assert (disk / ".facestream" / "run.json").exists(), "it can be gone on with"


def test_a_machine_alone_can_be_a_cluster(archive: Path, tmp_path: Path, two_faces: dict[str, Image.Image]) -> None:
    mine = make_archive(tmp_path / "photos", two_faces, photos=4, videos=1)
    ended = facestream("run", mine, "-o", tmp_path / "out", "--cluster", "local", *QUICK, environment={"RAY_AUTH_MODE": "disabled"})
    assert ended.returncode == 1, ended.stderr
    assert len(contents(tmp_path / "out")) == 4 * 2 + 1
    assert len(ended.stderr.splitlines()) == 3, "two files that could not be done, and where that is noted"


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--metrics-port", "9999"], "--metrics-port: "), (["--duration", "3"], "--duration: has no meaning"), (["--window"], "--window: ")],
)
def test_what_has_no_meaning_is_refused_before_any_cluster_is_asked(archive: Path, tmp_path: Path, more: list[str], said: str) -> None:
    ended = facestream("run", archive, "-o", tmp_path / "out", "--cluster", "localhost:1", *more)
    assert ended.returncode == 2
    assert is_one_sentence(ended.stderr)
    assert said in ended.stderr
    assert not (tmp_path / "out").exists()


def workers(cluster: RealCluster) -> list[int]:
    """The processes of our workers."""
    found = []
    for raylet in cluster.nodes.values():
        for pid in descendants(raylet):
            with suppress(OSError):
                if is_alive(pid) and b"ray::ArchiveWorker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
    return found


@contextmanager
def striking(files: set[Path], processes: Callable[[], list[int]], strike: Callable[[int, Path], None]) -> Iterator[None]:
    """Strikes each of the processes, once, that has one of the files open."""
    over, struck = threading.Event(), set[int]()

    def watch() -> None:
        there, looked_at = list[int](), 0.0
        while not over.is_set():
            if time.monotonic() - looked_at > 0.3:
                there, looked_at = processes(), time.monotonic()
            for pid in there:
                for path in _open_files(pid) & files:
                    if pid not in struck:
                        struck.add(pid)
                        strike(pid, path)
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _open_files(pid: int) -> set[Path]:
    found = set()
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(entry.readlink())
    return found
