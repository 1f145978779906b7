"""What an archive on a cluster costs and loses, on a real cluster of a head and nodes that are all on this machine.

    python tests/bench/cluster.py equal [--photos N] [--videos N]   machines are killed: is anything missing, double or other?
    python tests/bench/cluster.py rate [--rounds N]                 one worker with two cores beside the same run without a cluster
    python tests/bench/cluster.py slots [--units N] [--slots N]     how busy workers are that only sleep: what the driver costs
    python tests/bench/cluster.py plan [--photos N]                 half a million photos: planned, found again, and the memory for it

Two cores cannot show that more machines do more; `slots` shows it of the driver, with workers on cores that are not there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from skimage import data
from sleeping_worker import UNIT_S, SleepingWorker

from tests.archives import contents, hidden_files, make_archive
from tests.stream.cluster.real_cluster import RealCluster, real_cluster

LIMIT_MB, LIMIT_S = 300, 15


def faces() -> dict[str, Image.Image]:
    import matplotlib.cbook as cbook

    with cbook.get_sample_data("grace_hopper.jpg", asfileobj=True) as file:
        hopper = Image.open(file).convert("RGB").crop((120, 10, 400, 350))
        hopper.load()
    return {"hopper": hopper, "collins": Image.fromarray(data.astronaut()).crop((110, 0, 330, 260))}


def command(archive: Path, place: Path, *more: str) -> list[str]:
    words = ["run", archive.name, "-o", str(place), "--events", str(place / "faces.jsonl"), *more]
    return [sys.executable, "-m", "stream", *words]


def records(place: Path) -> list[Path]:
    return sorted((place / ".facestream" / "done").glob("*/*.json"), key=lambda path: path.stat().st_mtime_ns)


def equal(folder: Path, photos: int, videos: int) -> None:
    archive = make_archive(folder / "photos", faces(), photos=photos // 2, videos=videos)
    plain, several = folder / "plain", folder / "several"
    began = time.monotonic()
    subprocess.run(command(archive, plain), cwd=folder, capture_output=True, check=False)
    print(f"{photos} photos and {videos} videos on one machine: {time.monotonic() - began:.0f} s")
    with real_cluster(nodes=3) as cluster:
        began = time.monotonic()
        process = subprocess.Popen(
            command(archive, several, "--cluster", cluster.address), cwd=folder, env=cluster.environment, stderr=subprocess.PIPE, text=True
        )
        units = 0
        for node, share in (("n1", 0.3), ("n2", 0.6)):
            while not units or len(records(several)) < share * units:
                plans = list((several / ".facestream").glob("plan-*.jsonl"))
                units = sum(1 for plan in plans for _ in plan.open())
                time.sleep(0.02)
            cluster.kill_node(node)
            print(f"machine {node} killed with {len(records(several))} of {units} units done")
        said = process.communicate()[1]
        print(f"the cluster: exit code {process.returncode}, {time.monotonic() - began:.0f} s")
    print("\n".join(line for line in said.splitlines() if "is lost" in line))
    mine, theirs = contents(several), contents(plain)
    still = [name for name in theirs if not name.endswith(".mp4")]
    print(
        f"missing: {len(theirs.keys() - mine.keys())}, extra: {len(mine.keys() - theirs.keys())}, left over: {len(hidden_files(several))}"
    )
    print(f"photos and events that differ: {sum(mine.get(name) != theirs[name] for name in still)} of {len(still)}")


def rate(folder: Path, rounds: int) -> None:
    archive = make_archive(folder / "photos", faces(), photos=700, videos=4)
    ratios, begins = [], []
    with real_cluster(nodes=1, cpus=2) as cluster:
        for number in range(rounds):
            shares = {}
            for way, more in (("alone", ["--resume"]), ("cluster", ["--cluster", cluster.address])):
                place, began = folder / f"{way}{number}", time.time()
                subprocess.run(command(archive, place, *more), cwd=folder, env=cluster.environment, capture_output=True, check=False)
                done = records(place)
                first, last = (path.stat().st_mtime for path in (done[0], done[-1]))
                whole = [json.loads(path.read_text())["reports"][0]["read"] for path in done[1:]]
                shares[way] = sum(whole) / (last - first)
                begins += [first - began - json.loads(done[0].read_text())["seconds"]] if way == "cluster" else []
            ratios.append(shares["cluster"] / shares["alone"])
            print(f"pictures and frames/s: alone {shares['alone']:.1f}, on the cluster {shares['cluster']:.1f}")
    print(f"ratio {statistics.median(ratios):.3f} (lowest {min(ratios):.3f}); start-up {statistics.median(begins):.1f} s")


def slots(folder: Path, units: int, count: int) -> None:
    with real_cluster(nodes=4, cpus=count / 4, environment={"PYTHONPATH": ":".join(sys.path)}) as cluster:
        drive(cluster, folder, units, count)


def drive(cluster: RealCluster, folder: Path, units: int, count: int) -> None:
    os.environ.update(cluster.environment)
    from stream.archive.files import Files
    from stream.archive.store import Store
    from stream.archive.unit import Unit
    from stream.cluster.archive import Asked, RayCrew
    from stream.cluster.connection import connected
    from stream.settings.loading import load_settings

    store = Store(Files(folder / "out" / ".facestream"))
    store.begin({})
    lines = [Unit(id=f"{number:016x}", kind="pictures", source="a", paths=[f"a/{number}"], size=1).as_json() for number in range(units)]
    (store.place / "plan-0001.jsonl").write_text("".join(f"{line}\n" for line in lines))
    settings = load_settings(overrides=["cluster.cores_per_worker=1"])
    times: list[tuple[float, float]] = []
    with connected(cluster.address):
        crew = RayCrew(Asked(str(store.place), folder, settings, False, None, "bench", ""), SleepingWorker)
        crew.do(store, list(store.planned()), 0, units, lambda what, done, of: times.append((time.monotonic(), done)))
    busy = [(at, done) for at, done in times if 0.1 * units < done < 0.9 * units]
    (began, first), (ended, last) = busy[0], busy[-1]
    share = (last - first) * UNIT_S / (ended - began) / count
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{units} units of {UNIT_S} s on {count} slots: {100 * share:.1f} % busy; the driver took {memory:.0f} MB")


def plan(folder: Path, photos: int) -> None:
    from stream.archive.files import Files
    from stream.archive.here import Here
    from stream.archive.plan import write_plan
    from stream.archive.store import Store
    from stream.settings.schema import Settings

    for number in range(photos):
        if number % 1000 == 0:
            (folder / "photos" / f"{number // 1000:04}").mkdir(parents=True)
        (folder / "photos" / f"{number // 1000:04}" / f"img{number % 1000}.jpg").touch()
    store = Store(Files(folder / "out" / ".facestream"))
    store.begin({})
    began = time.monotonic()
    units = write_plan(store, Here(), [str(folder / "photos")], Settings(), folder / "out", None, overwrite=False)
    print(f"{photos} photos planned in {time.monotonic() - began:.1f} s: {units} units")
    again = """
import resource, sys, time
from pathlib import Path
began = time.monotonic()
import stream.archive.run
from stream.archive.files import Files
from stream.archive.store import Store
store = Store(Files(Path(sys.argv[1])))
done = store.done()
todo = [planned for planned in store.planned() if planned.id not in done]
first = store.unit(todo[0])
print(f"found again: {len(todo)} units in {time.monotonic() - began:.2f} s, "
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
"""
    subprocess.run([sys.executable, "-c", again, str(store.place)], check=True)
    print(f"asked: {LIMIT_S} s, {LIMIT_MB} MB")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["equal", "rate", "slots", "plan"])
    parser.add_argument("--photos", type=int)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--units", type=int, default=3000)
    parser.add_argument("--slots", type=int, default=16)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if asked.what == "equal":
            equal(folder, asked.photos or 2000, asked.videos)
        elif asked.what == "rate":
            rate(folder, asked.rounds)
        elif asked.what == "slots":
            slots(folder, asked.units, asked.slots)
        else:
            plan(folder, asked.photos or 500_000)


if __name__ == "__main__":
    main()
