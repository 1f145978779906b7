"""The doctor's checks that load foreign machine code, each run as `python -m stream.diagnostics.probes NAME`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from stream.diagnostics.doctor import MARK

Answer = tuple[Literal["ok", "note", "problem"], str, str]
"""State, what was found, what to do."""

DECODERS = ("h264", "hevc", "vp9", "libdav1d", "mjpeg")
"""libdav1d is the one for AV1: FFmpeg's own, `av1`, works with special hardware only."""
ENCODERS = ("libx264", "aac", "libvpx-vp9", "libopus")
NEEDED = {"h264", "mjpeg", "libx264", "aac"}
"""Without these an ordinary clip or webcam cannot be read or written; the others are for WebM and newer files."""
SCRIPTS = {"é": "è", "Ж": "Щ", "α": "β", "王": "田", "あ": "い", "한": "글", "ב": "ג", "ب": "ت", "ก": "ข", "ह": "म"}
"""Two letters of each of some scripts: a font that lacks them draws the same empty box for both."""
TENSORFLOW = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"


def opencv() -> Answer:
    try:
        import cv2
    except ImportError as error:
        message = str(error)
        for library, package in {"libGL": "libgl1", "libgthread": "libglib2.0-0", "libglib": "libglib2.0-0"}.items():
            if library in message:
                return "problem", f"cannot be imported: {message}", f"sudo apt-get install {package}"
        return "problem", f"cannot be imported: {message}", "pip install --force-reinstall opencv-python"
    return "ok", f"{cv2.__version__} works", ""


def display() -> Answer:
    from stream.sinks.screen.window import display_available

    available, reason = display_available()
    if available:
        return "ok", "a window can be opened", ""
    asked_for = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return "problem" if asked_for else "note", reason, "results can be written without one: facestream run SOURCE -o OUTPUT"


def text() -> Answer:
    from stream.drawing.overlay import draw
    from stream.faces import Analysis

    def drawn(letter: str) -> np.ndarray:
        return draw(np.zeros((60, 60, 3), np.uint8), Analysis("", 0, 0.0), letter)

    missing = [one for one, other in SCRIPTS.items() if (drawn(one) == drawn(other)).all()]
    if len(missing) == len(SCRIPTS):
        return "problem", "the font draws no letters", "pip install --upgrade opencv-python (5.0 or newer has a font inside)"
    has = " ".join(letter for letter in SCRIPTS if letter not in missing)
    if missing:
        return (
            "note",
            f"drawn: {has}; not in the font: {' '.join(missing)}",
            "labels in these scripts appear as boxes in pictures, not in --events",
        )
    return "ok", f"drawn: {has}", ""


def cameras() -> Answer:
    from stream.media import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    numbers = list(range(4))
    if sys.platform.startswith("linux"):
        devices = sorted(Path("/dev").glob("video[0-9]*"), key=lambda path: int(path.name[5:]))
        if not devices:
            return "note", "no webcam (there is no /dev/video*)", "network cameras and files work: facestream run rtsp://HOST/PATH"
        closed = [str(path) for path in devices if not os.access(path, os.R_OK | os.W_OK)]
        if closed:
            return "problem", f"no permission to use {', '.join(closed)}", "sudo usermod -aG video $USER, then log in again"
        numbers = [int(path.name[5:]) for path in devices]
    found = []
    for number in numbers:
        capture = cv2.VideoCapture(number)
        there, image = capture.read() if capture.isOpened() else (False, None)
        if there and image is not None:
            found.append(f"{number} ({image.shape[1]}×{image.shape[0]})")
        capture.release()
    if found:
        return "ok", f"{', '.join(found)}: facestream run {found[0].split()[0]}", ""
    tried = ", ".join(map(str, numbers))
    return "note", f"no webcam gave a picture (tried: {tried})", "is it connected, and does no other program use it?"


def decoders() -> Answer:
    state, found, advice = _codecs(DECODERS, "r")
    return state, found.replace("libdav1d", "av1 (libdav1d)"), advice


def encoders() -> Answer:
    from stream.sinks.recording.hardware import CODECS, why_not

    state, found, advice = _codecs(ENCODERS, "w")
    reasons = {codec: why_not(codec) for codec in CODECS}
    used = next((codec for codec, reason in reasons.items() if not reason), None)
    tried = "; ".join(f"{codec}: {reason}" for codec, reason in reasons.items() if reason)
    return state, f"{found}; H.264 is encoded by {used or 'libx264'}{f' ({tried})' if tried else ''}", advice


def _codecs(wanted: tuple[str, ...], mode: Literal["r", "w"]) -> Answer:
    from stream.media import av

    missing = []
    for name in wanted:
        try:
            av.codec.Codec(name, mode)
        except av.codec.codec.UnknownCodecError:
            missing.append(name)
    if not missing:
        return "ok", ", ".join(wanted), ""
    advice = "pip install --force-reinstall --only-binary=av av (its wheel has them all)"
    return "problem" if NEEDED & set(missing) else "note", f"missing: {', '.join(missing)}", advice


def h264() -> Answer:
    """Write a short video as `run` does, and read it back."""
    from stream.faces import Analysis
    from stream.frame import USUAL_RATE, Frame, SourceInfo
    from stream.settings.schema import OutputSettings
    from stream.sinks.recording.video import VideoSink
    from stream.sinks.result import Result
    from stream.sources.video import VideoSource

    with tempfile.TemporaryDirectory(prefix="facestream-doctor-") as folder:
        path = Path(folder) / "trial.mp4"
        info = SourceInfo("trial", 64, 48, rate=USUAL_RATE)
        sink = VideoSink(path, info, OutputSettings())
        for tick in range(8):
            image = np.full((48, 64, 3), 25 * tick, np.uint8)
            frame = Frame.of_image(image, source="trial", captured_at=0.0, index=tick, pts=tick, time_base=1 / USUAL_RATE)
            sink.write(Result(frame, Analysis("trial", tick, frame.time_s), info))
        sink.close()
        levels = [float(frame.image.mean()) for frame in VideoSource(str(path))]
    if len(levels) != 8 or np.abs(np.array(levels) - 25 * np.arange(8)).max() > 5:
        return "problem", f"8 pictures were written, {len(levels)} came back ({levels})", "pip install --force-reinstall av"
    return "ok", "8 pictures written and read back", ""


def openvino() -> Answer:
    from models.inference.openvino_quiet import ov
    from stream.diagnostics.devices import try_openvino

    core = ov.Core()
    name, precision, threads = try_openvino()
    others = [device for device in core.available_devices if device != "CPU"]
    also = f"; also there, not used: {', '.join(others)}" if others else ""
    return "ok", f"CPU: {name}, {threads} threads; a network was compiled and ran in {precision}{also}", ""


def gpu() -> Answer:
    """The driver is asked first: TensorFlow takes seconds to import and is left alone where there is no GPU."""
    from models.inference.device import choose_device
    from stream.diagnostics.devices import gpus

    kind, reason = choose_device("auto")
    cards = "; ".join(map(str, gpus()))
    if kind == "cpu":
        advice = "pip install 'facestream[gpu]'" if cards else ""
        return "note", f"not used: {reason}{f' ({cards})' if cards else ''}; the networks run on the CPU", advice
    done = subprocess.run([sys.executable, "-P", "-c", TENSORFLOW], capture_output=True, text=True, timeout=50, check=False)
    count = done.stdout.strip()
    if done.returncode != 0 or count == "0":
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        advice = (
            "pip install 'facestream[gpu]', and compare the driver's version with TensorFlow's needs; until then: --set detector.device=cpu"
        )
        return "problem", f"{cards or 'a GPU'} is there, but TensorFlow cannot use it: {last}", advice
    return "ok", f"{cards or reason}; TensorFlow uses {count}", ""


def job() -> Answer:
    """Find and score the face of the portrait, on the CPU."""
    from stream.analysis.analyser import Analyser
    from stream.frame import Frame
    from stream.settings.loading import load_settings
    from stream.sources.demo import DemoSource

    source = DemoSource()
    frame = Frame.of_image(source.look(0.0), source="demo", captured_at=0.0)
    settings = load_settings(None, ["detector.device=cpu"])
    analyser = Analyser.load(settings)
    (analysis,) = analyser.look([frame], [analyser.follow(source.info, settings)])
    if len(analysis.faces) != 1:
        return "problem", f"{len(analysis.faces)} faces were found in a portrait of one", "pip install --force-reinstall facestream mtcnn"
    (face,) = analysis.faces
    return "ok", f"found the portrait's face (score {face.score:.2f}) and called it {face.label} ({face.probability:.2f})", ""


def heic() -> Answer:
    if importlib.util.find_spec("pillow_heif") is None:
        return "note", "photos in HEIC cannot be read", "pip install 'facestream[heic]'"
    import pillow_heif

    return "ok", f"pillow-heif {pillow_heif.__version__} reads them", ""


PROBES: dict[str, Callable[[], Answer]] = {
    "OpenCV": opencv,
    "display": display,
    "text": text,
    "cameras": cameras,
    "decoders": decoders,
    "encoders": encoders,
    "H.264": h264,
    "OpenVINO": openvino,
    "GPU": gpu,
    "the job": job,
    "HEIC photos": heic,
}


def main(name: str) -> None:
    """Answer on one line."""
    try:
        state, found, advice = PROBES[name]()
    except Exception as error:  # noqa: BLE001 - a process's edge: handed over to the doctor
        state, found, advice = "problem", f"{type(error).__name__}: {error}", "reinstalling facestream may help; else please report this"
    print("\n" + MARK + json.dumps({"state": state, "found": " ".join(found.split()), "advice": advice}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
