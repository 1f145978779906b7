"""`facestream doctor`: what works here, and what to do about what does not.

Whatever loads foreign machine code is tried in a process of its own (`stream.diagnostics.probes`): a library that breaks, hangs or ends the
process is then a finding, not the end of the doctor. So nothing but the standard library is imported here.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

State = Literal["ok", "note", "problem"]

PROBE_TIMEOUT_S = 60
"""Longest time of one probe: a camera that does not answer, TensorFlow on a slow disk (4 s here)."""
LITTLE_SPACE = 1_000_000_000
"""Bytes: under a quarter of an hour of 1080p."""
NO_SPACE = 50_000_000
"""Bytes: a few seconds of video."""
TOLD = ("facestream", "av", "mtcnn", "numpy", "opencv-python", "openvino", "tensorflow")
"""Packages whose versions are told also where all is well."""
MARK = "finding:"
"""Begins the line on which a probe answers; a library may print others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    state: State
    found: str
    advice: str = ""
    """What to do; empty where nothing needs to be done."""


def doctor(*, as_json: bool) -> int:
    """Run every check, and tell; 1 where there is a problem, else 0."""
    return tell(_examine(), as_json=as_json)


def tell(examined: Iterable[Finding], *, as_json: bool) -> int:
    """Print a line for each finding as it comes, or all as JSON at the end; 1 where there is a problem, else 0."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a letter is no reason to end
    findings = []
    for finding in examined:
        findings.append(finding)
        if not as_json:
            print(_line(finding), flush=True)
    states = [finding.state for finding in findings]
    problems, notes = states.count("problem"), states.count("note")
    if as_json:
        print(
            json.dumps({"problems": problems, "notes": notes, "findings": [asdict(one) for one in findings]}, indent=2, ensure_ascii=False)
        )
    else:
        print(f"\n{problems or 'no'} problem{'' if problems == 1 else 's'}, {notes or 'no'} note{'' if notes == 1 else 's'}")
    return 1 if problems else 0


def _examine() -> Iterator[Finding]:
    for name, check in CHECKS.items():
        try:
            yield check()
        except Exception as error:  # noqa: BLE001 - the edge of a check: whatever breaks is what it found
            yield Finding(name, "problem", f"the check itself failed ({type(error).__name__}: {error})", "please report this")
    opencv = _probe("OpenCV")
    yield opencv
    for name, needs_opencv in PROBES.items():
        if needs_opencv and opencv.state == "problem":
            yield Finding(name, "note", "not checked, because OpenCV does not work")
        else:
            yield _probe(name)


def _line(finding: Finding) -> str:
    advice = f"\n{'':22}→ {finding.advice}" if finding.advice else ""
    return f"{finding.state:8}{finding.check:13} {finding.found}{advice}"


# what the standard library can tell


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores"
    return Finding("Python", "ok", found)


def _packages() -> Finding:
    """Everything that facestream says it needs, against what is installed: nothing is imported."""
    try:
        found = [f"facestream {metadata.version('facestream')}"]
        required = metadata.requires("facestream") or []
    except metadata.PackageNotFoundError:
        return Finding("packages", "note", "facestream is not installed, only run from its folder", "pip install . in that folder")
    wrong = []
    for requirement in required:
        name, least, extra = re.fullmatch(r"([\w.-]+)(?:\[.*?\])?[^\d;]*([\d.]*)[^;]*(;.*)?", requirement).groups()  # type: ignore[union-attr]
        if extra:
            continue
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        found.append(f"{name} {version}")
        if _numbers(version) < _numbers(least):
            wrong.append(f"{name} {version} is older than {least}")
    if wrong:
        return Finding("packages", "problem", "; ".join(wrong), "pip install --upgrade facestream brings what it needs")
    shown = [one for one in found if one.split()[0] in TOLD]
    return Finding("packages", "ok", f"{', '.join(shown)}, and {len(found) - len(shown)} others")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _two_opencvs() -> Finding:
    """All of OpenCV's packages install into one folder, over one another."""
    names = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
    there = [name for name in names if _is_installed(name)]
    if len(there) > 1:
        others = " ".join(name for name in there if name != "opencv-python")
        advice = f"pip uninstall -y {' '.join(there)}; pip install opencv-python (each overwrites the others' files: {others})"
        return Finding("OpenCV wheels", "problem", f"{len(there)} packages of OpenCV are installed", advice)
    return Finding("OpenCV wheels", "ok", ", ".join(there) or "none by pip")


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _libraries() -> Finding:
    """What OpenCV's wheel takes from a Linux system."""
    if not sys.platform.startswith("linux"):
        return Finding("libraries", "ok", "nothing is needed from the system")
    packages = {"libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0"}
    missing = [name for name in packages if not _loads(name)]
    if missing:
        needed = " ".join(dict.fromkeys(packages[name] for name in missing))
        return Finding(
            "libraries", "note", f"{', '.join(missing)} cannot be loaded", f"if OpenCV fails below: sudo apt-get install {needed}"
        )
    return Finding("libraries", "ok", f"{', '.join(packages)} load")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _folder() -> Finding:
    try:
        here = Path.cwd()
        with tempfile.NamedTemporaryFile(dir=here, prefix=".facestream-"):
            pass
    except OSError as error:
        where = error.filename or "the current folder"
        advice = "go to a folder of your own, or name one that can be written: -o FOLDER"
        return Finding("this folder", "problem", f"nothing can be written here ({error.strerror}: {where})", advice)
    return Finding("this folder", "ok", f"{here} can be written")


def _space() -> Finding:
    try:
        disk = shutil.disk_usage(".")
    except OSError as error:
        return Finding("disk space", "note", f"cannot be asked for ({error.strerror})")
    if not disk.total:
        return Finding("disk space", "note", "this is no disk, so its space is unknown")
    free, found = disk.free, f"{disk.free / 1e9:.1f} GB free here"
    if free < LITTLE_SPACE:
        return Finding("disk space", "problem" if free < NO_SPACE else "note", found, "make room, or write elsewhere: -o FOLDER")
    return Finding("disk space", "ok", found)


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "packages": _packages,
    "OpenCV wheels": _two_opencvs,
    "this folder": _folder,
    "disk space": _space,
    "libraries": _libraries,
}

# what a process of its own must tell

PROBES = {
    "display": True,
    "text": True,
    "cameras": True,
    "decoders": True,
    "encoders": True,
    "H.264": True,
    "OpenVINO": False,
    "GPU": False,
    "the job": True,
    "HEIC photos": False,
}
"""Whether each is of no use where OpenCV cannot be imported."""


def _probe(name: str) -> Finding:
    """Run one probe in a process of its own, which sees the same modules as this one."""
    command = [sys.executable, "-P", "-m", "stream.diagnostics.probes", name]
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            check=False,
            env=os.environ | {"PYTHONPATH": paths},
        )
    except subprocess.TimeoutExpired:
        return Finding(name, "problem", f"did not answer within {PROBE_TIMEOUT_S} s", "try again; if it stays, a driver or a device hangs")
    except OSError as error:
        return Finding(name, "problem", f"could not be checked ({error})")
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return Finding(name, **json.loads(line.removeprefix(MARK)))
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Finding(name, "problem", f"its check broke off with {how}: {last}", "reinstalling facestream may help; else please report this")
