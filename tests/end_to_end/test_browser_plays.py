"""What is written plays in Chromium, with its colours, from a local page."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from tests import clock
from tests.command import facestream
from tests.media import make_clip, need

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("missing program: chromium", allow_module_level=True)

PAGE = """
<body><video id="v" muted src="{name}"></video><script>
const video = document.getElementById("v"), seen = []
const say = (result) => fetch("http://127.0.0.1:{port}/", {{method: "POST", mode: "no-cors", body: JSON.stringify(result)}})
const row = (y) => {{
  const canvas = document.createElement("canvas")
  canvas.width = video.videoWidth; canvas.height = video.videoHeight
  const context = canvas.getContext("2d")
  context.drawImage(video, 0, 0)
  return [...context.getImageData(0, y, canvas.width, 1).data]
}}
const seek = (times) => {{
  if (times.length == 0) return say({{...played, width: video.videoWidth, height: video.videoHeight, seen}})
  video.onseeked = () => {{ seen.push({{at: video.currentTime, head: row(8), middle: row(video.videoHeight / 2)}}); seek(times.slice(1)) }}
  video.currentTime = times[0]
}}
let played
video.onerror = () => say({{error: video.error.message}})
video.onended = () => {{ played = {{played: video.currentTime, duration: video.duration}}; seek({times}) }}
video.play()
</script></body>
"""

COLOR = (200, 60, 30)
SOUGHT = [60, 12, 74, 0, 25, 49, 24, 33]
"""Numbers of frames: forwards and backwards, on a key frame, before one, far from one."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds with sound; each picture says its number."""
    folder = tmp_path_factory.mktemp("clip")
    images = [np.full((240, 320, 3), COLOR, np.uint8) for _ in range(75)]
    for number, image in enumerate(images):
        clock.paint(image, number)
    silent = make_clip(folder / "silent.mp4", times=range(75), images=images)
    sound = ["-f", "lavfi", "-i", "sine=duration=3", "-c:v", "copy", "-c:a", "aac"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", silent, *sound, folder / "clip.mp4"], check=True)
    return folder / "clip.mp4"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_browser_plays_and_seeks_to_the_very_frame(clip: Path, tmp_path: Path, suffix: str):
    done = facestream("run", clip, "-o", tmp_path / f"out{suffix}", "--model", "none", "--set", "detector.enabled=false")
    assert done.returncode == 0, done.stderr
    seen = played_in_chromium(tmp_path, f"out{suffix}", [(number + 0.5) / 25 for number in SOUGHT])
    assert seen["duration"] == pytest.approx(3.0, abs=0.05)  # the sound may be a packet longer
    assert seen["played"] == pytest.approx(seen["duration"], abs=0.05)
    assert (seen["width"], seen["height"]) == (320, 240)
    check_sought(seen["seen"])


@pytest.mark.slow
def test_a_browser_plays_and_seeks_what_a_killed_camera_s_run_left(tmp_path: Path):
    info = SourceInfo("camera", live=True, rate=Fraction(25))
    sink = VideoSink(tmp_path / "running.mp4", info, OutputSettings())
    for index in range(90):
        image = np.full((240, 320, 3), COLOR, np.uint8)
        clock.paint(image, index)
        frame = Frame.of_image(image, source="camera", captured_at=0.0, index=index, pts=index, time_base=Fraction(1, 25))
        sink.write(Result(frame, Analysis("camera", index, frame.time_s), info))
    shutil.copy(tmp_path / "running.mp4", tmp_path / "killed.mp4")  # what is on the disk at this moment
    sink.close()
    check_sought(played_in_chromium(tmp_path, "killed.mp4", [(number + 0.5) / 25 for number in SOUGHT])["seen"])


def check_sought(seen: list[dict]) -> None:
    """Each place shows the frame of its time, in its colours."""
    numbers = []
    for one in seen:
        head, middle = (np.array(one[place], np.uint8).reshape(1, -1, 4)[..., :3] for place in ("head", "middle"))
        numbers.append(clock.read(np.repeat(head, 16, axis=0)))
        assert middle[0, 160].tolist() == pytest.approx(COLOR, abs=5)
    assert numbers == SOUGHT


def played_in_chromium(folder: Path, name: str, times: list[float]) -> dict:
    """What a page saw that played the video to its end and then sought to each time, in seconds."""
    told: queue.Queue[dict] = queue.Queue()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = folder / "page.html"
        page.write_text(PAGE.format(name=name, port=server.server_port, times=json.dumps(times)))
        command = [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files",
            "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder / 'profile'}", page.as_uri(),
        ]  # fmt: skip
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            result = told.get(timeout=60)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
            thread.join()
    assert "error" not in result, result
    return result
