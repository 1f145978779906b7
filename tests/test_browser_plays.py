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

from stream.config import Output
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.sinks import Result
from stream.sinks.video import VideoSink

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("missing program: chromium", allow_module_level=True)

PAGE = """
<body><video id="v" muted src="{name}"></video><script>
const video = document.getElementById("v")
const say = (result) => fetch("http://127.0.0.1:{port}/", {{method: "POST", mode: "no-cors", body: JSON.stringify(result)}})
video.onerror = () => say({{error: video.error.message}})
video.onended = () => {{
  const played = video.currentTime
  video.onseeked = () => {{
    const canvas = document.createElement("canvas")
    canvas.width = video.videoWidth; canvas.height = video.videoHeight
    const context = canvas.getContext("2d")
    context.drawImage(video, 0, 0)
    const pixel = [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3)
    say({{played, duration: video.duration, width: video.videoWidth, height: video.videoHeight, sought: video.currentTime, pixel}})
  }}
  video.currentTime = 0.5
}}
video.play()
</script></body>
"""


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_browser_plays_and_seeks(tmp_path: Path, suffix: str):
    color = (200, 60, 30)
    info = SourceInfo("camera", live=True, rate=Fraction(25))
    sink = VideoSink(tmp_path / f"out{suffix}", info, Output())
    image = np.full((240, 320, 3), color, np.uint8)
    for index in range(25):
        frame = Frame.of_image(image, source="camera", captured_at=0.0, index=index, pts=index, time_base=Fraction(1, 25))
        sink.write(Result(frame, Analysis("camera", index, frame.time_s), info))
    sink.close()
    seen = played_in_chromium(tmp_path, f"out{suffix}")
    assert seen["duration"] == pytest.approx(1.0, abs=0.01)
    assert seen["played"] == pytest.approx(1.0, abs=0.05)
    assert (seen["width"], seen["height"], seen["sought"]) == (320, 240, 0.5)
    assert seen["pixel"] == pytest.approx(color, abs=5)


def played_in_chromium(folder: Path, name: str) -> dict:
    """What a page saw that played the video to its end and then sought to 0.5 s."""
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
        page.write_text(PAGE.format(name=name, port=server.server_port))
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
