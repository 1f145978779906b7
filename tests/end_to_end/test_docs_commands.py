"""Every command and every piece of Python in the documentation runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from models.classification.bundle import read_bundle
from stream.sources.demo import DemoSource
from stream.web.certificate import self_signed
from stream.web.place import Place
from tests import documentation
from tests.command import facestream, usual_environment
from tests.media import RtspServer, make_clip, rtsp_server
from tests.paths import DATA, ROOT, TESTS
from tests.photos import make_folder
from tests.ports import free_port

README = ROOT / "README.md"
YUNET = DATA / "models" / "yunet_n_dynamic.onnx"
CAMERA = re.compile(r"rtsp://\S*host/stream\b")

SUBSTITUTIONS = (
    (r"facestream run 0(?= --web)", "facestream run clip.mp4 --set source.loop=true"),  # there is no webcam, and a video waits for a page
    (r"facestream run 0(?= |$)", "facestream run clip.mp4"),
    (r"^facestream (run|draw|train|evaluate|export|people)$", r"facestream \1 --help"),  # named, not typed
    (r"^facestream people remove NAME$", "facestream people remove --help"),  # the same
    (r"--duration 3600", "--duration 2"),
    (r"--metrics-port 9100", "--metrics-port {port}"),  # this machine may have a run of its own
    (r"--web(?=$|\s)(?: [\d.]+(?::\d+)?(?=$|\s))?", "--web {port}"),  # the same
    (r"^(facestream run --web \S+)$", r"\1 --duration 2"),  # it waits for what pages bring
    (r"/etc/facestream/", ""),
    (r"/var/lib/facestream/?", "recordings/"),
    (r"python docs/draw_architecture\.py$", "python docs/draw_architecture.py --check"),  # nothing is changed here
)
"""What is replaced before a command runs, and why."""
BOUNDS = {"run": "--max-frames 5", "demo": "--seconds 1", "bench": "--seconds 0.1"}
"""Added to what would go on for ever, or for long; trainings are made short by tests/short_training.py."""
LEFT_OUT = {
    r"sudo .*": "changes the machine; test_docs.py",
    r"python3 -m venv .*": "takes minutes and the network; .ci/run does it by the README's command",
    r"\. \.venv/bin/activate": "the environment of this test is on the path",
    r"pip install .*": "the same; test_docs.py",
    r"pre-commit install": "changes the repository's hooks; test_docs.py",
    r"prometheus .*": "no part of this project; tests/stream/monitoring/test_monitoring_files.py",
    r"curl .*": "needs a run with a page; test_docs_web.py",
    r"ffmpeg .*:8000/.*": "the same",
    r"ray start .*": "begins a cluster; test_docs_cluster.py has one",
    r"facestream (cluster .*|.* --cluster .*)": "needs one; test_docs_cluster.py",
    r"facestream people calibrate( .*)?": "needs photos of a hundred people; test_people_sorted.py",
    r"ruff .*": "writes into the repository; .ci/checks",
    r"\.ci/(run|checks)": "runs these tests, or ran before them; test_docs.py",
    r"pytest( -m \"not slow\")?": "runs this very test",
    r"python tests/bench/.*": "takes minutes to hours; test_docs_benches.py",
}
"""What does not run here, why, and what looks after it otherwise."""
RUNS = re.compile(
    r"facestream (?!people calibrate|cluster |.* --cluster )|ffmpeg (?!.*:8000/)|"
    r"pytest .*tests/|python docs/|export \w+=|cd |find |head |cat "
)
OF_THE_REPOSITORY = re.compile(r"pytest |python docs/")

TIMEOUT_S = 240
"""Longer than the slowest block on a busy machine."""


def single(text: str) -> list[str]:
    """The single commands of a text, as they are called where the environment is on the path: so it is in these tests."""
    return documentation.simple_commands(re.sub(r"\.venv/bin/(?!activate)", "", text))


def is_left_out(command: str) -> bool:
    return any(re.fullmatch(pattern, command) for pattern in LEFT_OUT)


def prepared(text: str) -> str:
    """The command as it runs here, but for the address of the camera and the port; what is left out is gone."""
    text = re.sub(r"\.venv/bin/(?!activate)", "", text)
    for one in filter(is_left_out, single(text)):
        text = re.sub(rf"(?m)^{re.escape(one)} *($|;|&&) *|(?<=&& ){re.escape(one)} *(&& *|$)", "", text)
    for pattern, instead in SUBSTITUTIONS:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return re.sub(r" *&& *$", "", text).strip()


def executed() -> list[Any]:
    """The commands of which anything is left to run, each once."""
    left = dict.fromkeys(filter(None, map(prepared, documentation.commands())))
    return [pytest.param(text, id=" ".join(text.split())[:90]) for text in left]


@contextmanager
def revived(server: RtspServer) -> Iterator[None]:
    """The server is started anew whenever it has crashed, also in the middle of a command: that waits for its camera to come back."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            server.revive()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[RtspServer]:
    with rtsp_server() as one:
        yield one


@pytest.fixture
def camera(server: RtspServer) -> Iterator[str]:
    """The address of a camera that is there."""
    server.revive()
    with revived(server):
        yield server.address


@pytest.fixture(scope="module")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory, portrait_path: Path, two_faces: dict[str, Image.Image]) -> Path:
    """What the documentation takes for granted, but for what needs a camera."""
    folder, demo = tmp_path_factory.mktemp("docs"), DemoSource(size=(320, 240))
    (folder / "videos").mkdir()
    for name in ("clip.mp4", "videos/a.mp4", "videos/b.mp4"):
        make_clip(folder / name, times=range(10), images=[demo.look(number / 10) for number in range(10)])
    shutil.copy(portrait_path, folder / "photo.jpg")
    (folder / "frames").mkdir()
    for number in range(3):
        Image.fromarray(demo.look(number / 10)).save(folder / "frames" / f"img{number:03}.png")
    make_folder(folder / "photos", two_faces, 2)
    classes = read_bundle("smile").info.classes
    for name in ("people", "other-people"):
        make_folder(folder / name, dict(zip(classes, two_faces.values(), strict=True)), 10, seed=len(name))
    make_folder(folder / "family", {"Eileen Collins": two_faces["collins"]}, 3)
    shutil.copytree(folder / "family" / "Eileen Collins", folder / "ada")
    assert facestream("people", "add", "Grace Hopper", "photo.jpg", "--people", "known", cwd=folder).returncode == 0
    both = Image.new("RGB", (900, 512))
    both.paste(Image.open(portrait_path).resize((310, 363)), (0, 50))
    both.paste(two_faces["collins"].resize((260, 300)), (550, 50))
    both.save(folder / "several.jpg", quality=95)
    (folder / "recordings").mkdir()
    (folder / "my.yaml").write_text("detector: {min_face_px: 60}\n", encoding="utf-8")
    for name in ("cert.pem", "key.pem"):
        shutil.copy(self_signed(Place("127.0.0.1", 8000), [], folder), folder / name)
    (folder / "docs").symlink_to(ROOT / "docs")
    if YUNET.is_file():
        shutil.copy(YUNET, folder / "yunet.onnx")
    (folder / "yunet.yaml").write_text("detector: {kind: yunet, weights: yunet.onnx}\n", encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path, prepared_folder: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(prepared_folder, tmp_path / "here", symlinks=True))


def run(text: str, folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Have the shell run it, with a `facestream` that ends soon."""
    bounds = "\n".join(f'{name}) set -- "$@" {more} ;;' for name, more in BOUNDS.items())
    python, short = shlex.quote(sys.executable), shlex.quote(str(TESTS / "short_training.py"))
    script = f'#!/bin/sh\ncase "$1" in\n{bounds}\ntrain) exec {python} -P {short} "$@" ;;\nesac\nexec {python} -m stream "$@"\n'
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "facestream"
    command.write_text(script, encoding="utf-8")
    command.chmod(0o755)
    path = os.pathsep.join([str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", f"{text}\nfor job in $(jobs -p); do wait $job; done"],
        cwd=ROOT if OF_THE_REPOSITORY.match(text) else folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=usual_environment() | {"PATH": path, "PYTEST_ADDOPTS": "-n 0"},
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # the shell's children too: they hold the pipes open
        out, errors = process.communicate()
        errors += f"\nhas not ended after {TIMEOUT_S} s"
    return subprocess.CompletedProcess(text, process.returncode, out, errors)


@pytest.mark.parametrize("text", documentation.commands(), ids=lambda text: " ".join(text.split())[:90])
def test_a_rule_covers_every_command(text: str) -> None:
    for one in single(text):
        assert is_left_out(one) != bool(RUNS.match(one)), f"{one!r}: say in this file how it is run, or why it cannot be"


@pytest.mark.slow
@pytest.mark.parametrize("text", executed())
def test_a_command_does_what_it_should(text: str, folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "yunet" in text and not YUNET.is_file():
        pytest.skip(f"no YuNet at {YUNET} (FACESTREAM_DATA names another place)")
    ready = text.replace("{port}", str(free_port()))
    if CAMERA.search(ready) or "cams.yaml" in ready:
        address = request.getfixturevalue("camera")
        ready = CAMERA.sub(address, ready)
        sources = [{"name": name, "address": address} for name in ("door", "desk")]
        (folder / "cams.yaml").write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    if "people" in text and "train people" not in text:
        shutil.rmtree(folder / "people")
        if "people add" not in text or "--group" in text or "--force" in text:
            (folder / "known").rename(folder / "people")
    if "--group groups.json" in text:
        run("facestream people group family -o groups.json", folder, tmp_path)
        shutil.rmtree(tmp_path / "bin")
    if "train" not in text:
        (folder / "my-model").symlink_to(read_bundle("smile").folder)
    if "facestream draw faces.jsonl" in text and "--events" not in text:
        frames = [{"source": "clip.mp4", "frame": n, "time_s": n / 25, "width": 320, "height": 240, "faces": []} for n in range(10)]
        (folder / "faces.jsonl").write_text("".join(json.dumps(frame) + "\n" for frame in frames), encoding="utf-8")
    done = run(ready, folder, tmp_path)
    finds_problems = "facestream doctor" in text
    assert done.returncode in ((0, 1) if finds_problems else (0,)), f"{ready}\n{done.stdout[-800:]}{done.stderr[-2000:]}"
    for place in re.findall(r"(?:-o|--events|>>?) ([\w./-]*\w[\w./-]*)", ready):
        assert is_written(folder / place), f"nothing is in {place}\n{done.stderr[-2000:]}"


def is_written(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.stat().st_size > 0


@pytest.mark.parametrize("block", documentation.blocks("python"), ids=str)
def test_python_runs(block: documentation.Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(block.text, str(block.page), "exec"), namespace)
    if block.page == README:
        assert namespace["result"].frame.index == 9
        assert namespace["probabilities"].shape == (1, 2)
        assert namespace["probabilities"][0, 1] > 0.9
    if "areas" in namespace:
        assert namespace["areas"](np.array([[1, 2, 4, 7], [4, 4, 3, 9]])).tolist() == [15, 0]
