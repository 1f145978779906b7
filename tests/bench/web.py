"""The page in a browser: how old its pictures are when they are drawn, and what viewers cost.

    python tests/bench/web.py [--minutes 1] [--ways live wall viewers webcam]

Cameras served by GStreamer, `facestream run --web` and Chromium (headless: it paints in software) on the same cores. Each picture carries
the number of its moment on the machine's clock. The page's canvas is read back right after each drawing, so `drawn` is when the picture
is on the canvas, counted from the moment it left the camera.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.imaging.pictures import read_picture
from models.imaging.portrait import portrait_path
from stream.sources.demo import CYCLE_S, DemoSource
from tests import clock
from tests.browser import chromium
from tests.media import RtspServer
from tests.ports import free_port
from tests.served import TOKEN, Served, served
from tests.waiting import wait_for
from tests.web_guest import CAMERA_SIZE, camera_film, seen_by_camera

WARM_UP_S = 6.0
WEBCAM_RATE = 30
HOOK = """
(() => {
  const draw = CanvasRenderingContext2D.prototype.drawImage
  window.drawn = []
  CanvasRenderingContext2D.prototype.drawImage = function (...words) {
    draw.apply(this, words)
    if (!this.canvas.isConnected) return
    const scale = this.canvas.width / WIDTH, block = 16 * scale, now = performance.timeOrigin + performance.now()
    const row = this.getImageData(0, Math.floor(8 * scale), Math.ceil(13 * block), 1).data
    const bits = [...Array(13).keys()].map((place) => row[4 * Math.floor((place + 0.5) * block)] > 128)
    const whole = bits.filter(Boolean).length % 2 === 0
    const number = bits.slice(0, 12).reduce((sum, bit, place) => sum + (bit << place), 0)
    window.drawn.push([now, whole ? number : null])
  }
})()
"""
"""Reads the number off the canvas after each drawing. Milliseconds since 1970, and the number."""


AGES = """
window.ages = []
new MutationObserver((changes) => { for (const one of changes) window.ages.push(Number(one.target.dataset.age)) })
  .observe(document, { subtree: true, attributeFilter: ["data-age"] })
"""
"""Milliseconds from when a picture of the browser's camera was taken until its faces came."""


def camera_clip(folder: Path, size: tuple[int, int], rate: int) -> Path:
    """A camera's ten seconds: the demo's face, and the clock."""
    demo, pictures = DemoSource(size=size), clock.LOOP_S * rate
    return clock.make_clip(folder / f"{size[1]}", rate=rate, size=size, image=lambda number: demo.look(number * CYCLE_S / pictures))


def metrics(run: Served, port: int) -> dict[str, float]:
    """Sums over all sources, by name and outcome."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name + sample.labels.get("outcome", "")
            sums[name] = sums.get(name, 0.0) + sample.value
    return sums


def ages_of(drawn: Sequence[tuple[float, int | None]], rate: int) -> np.ndarray:
    """(N, 2) seconds: when each picture was drawn, on the monotonic clock, and how old it was."""
    offset = time.time() - time.monotonic()
    moments = np.array([(at / 1000 - offset, number / rate) for at, number in drawn if number is not None]).reshape(-1, 2)
    return np.stack((moments[:, 0], (moments[:, 0] - moments[:, 1]) % clock.LOOP_S), axis=1)


def in_browser(run: Served, picture_width: int, seconds: float, viewport: tuple[int, int], keys: str = "") -> list[Any]:
    """What the page drew in that time, by the hook."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": viewport[0], "height": viewport[1]})
        page.add_init_script(HOOK.replace("WIDTH", str(picture_width)))
        page.goto(run.invitation)
        wait_for(lambda: page.evaluate("window.drawn.length") > 0)
        if keys:
            page.keyboard.press(keys)
        page.wait_for_timeout(1000 * WARM_UP_S)
        drawn: list[Any] = []
        page.evaluate("window.drawn = []")
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            page.wait_for_timeout(min(10.0, left) * 1000)
            drawn += page.evaluate("window.drawn.splice(0)")
        browser.close()
    return drawn


def said(name: str, ages: np.ndarray, seconds: float) -> str:
    p50, p99, most = np.percentile(ages[:, 1], [50, 99, 100]) * 1000
    return f"{name}: {len(ages) / seconds:.1f} drawn/s, age p50 {p50:.0f}, p99 {p99:.0f}, largest {most:.0f} ms"


def live(folder: Path, minutes: float) -> None:
    """One camera of 720p at 25 pictures/s in one page."""
    rate, seconds = 25, 60 * minutes
    server = RtspServer(clip=str(camera_clip(folder, (1280, 720), rate)), rate=rate)
    server.start()
    try:
        with served("run", server.address) as run:
            drawn = in_browser(run, 1280, seconds, (1320, 900))
    finally:
        server.kill()
    ages = ages_of(drawn, rate)
    print(said("720p at 25/s, one page", ages, seconds))
    part = min(60.0, seconds / 2)
    begin, end = ages[ages[:, 0] < ages[0, 0] + part, 1], ages[ages[:, 0] > ages[-1, 0] - part, 1]
    print(f"  p50 of the first {part:.0f} s {1000 * np.median(begin):.0f} ms, of the last {1000 * np.median(end):.0f} ms")


def wall(folder: Path, minutes: float) -> None:
    """Eight cameras in one page, and the same run without it."""
    rate, seconds = 15, 30.0
    clip = camera_clip(folder, (640, 360), rate)
    servers = [RtspServer(clip=str(clip), rate=rate) for _ in range(8)]
    with ExitStack() as stack:
        for server in servers:
            server.start()
            stack.callback(server.kill)
        port = free_port()
        with served("run", *[server.address for server in servers], "--metrics-port", str(port)) as run:
            time.sleep(WARM_UP_S)
            alone = _rate(run, port, seconds / 2)
            watched = threading_result(lambda: in_browser(run, 640, seconds, (1900, 1080)))
            time.sleep(2 * WARM_UP_S)
            beside = _rate(run, port, seconds / 2)
            ages = ages_of(watched(), rate)
    print(said("eight cameras of 640x360 at 15/s, one page, all together", ages, seconds), f"(each {len(ages) / seconds / 8:.1f}/s)")
    for name, numbers in (("no page", alone), ("one page", beside)):
        shown, looked = numbers["shown"] / 8, numbers["analysed"] / 8
        print(f"  {name}: shown {shown:.1f}/s a camera, looked at {looked:.1f}/s, {numbers['cpu']:.2f} cores")


def threading_result(work: Callable[[], Any]) -> Callable[[], Any]:
    """What a function on another thread gives, once it is asked for."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    return future.result


def _rate(run: Served, port: int, seconds: float) -> dict[str, float]:
    before, began = metrics(run, port), time.monotonic()
    time.sleep(seconds)
    after, took = metrics(run, port), time.monotonic() - began
    frames = "facestream_frames_total"
    return {
        "shown": (after[frames + "shown"] - before[frames + "shown"]) / took,
        "analysed": (after[frames + "analysed"] - before[frames + "analysed"]) / took,
        "encoded": (after.get("facestream_web_encodes_total", 0) - before.get("facestream_web_encodes_total", 0)) / took,
        "cpu": (after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) / took,
        "memory_mib": after["process_resident_memory_bytes"] / 2**20,
    }


async def _view(port: int, camera: str, ages: list[float], ends_at: float, *, reads: bool = True) -> None:
    """A page without a browser, that draws at once; one that does not read gets nothing more out of its socket after the first picture."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with connect(f"ws://127.0.0.1:{port}/ws", additional_headers=headers, max_size=None, compression=None) as socket:
        await socket.send(json.dumps({"type": "watch", "cameras": {camera: 1280}}))
        while (left := ends_at - time.monotonic()) > 0:
            try:
                data = await asyncio.wait_for(socket.recv(), left)
            except TimeoutError:
                return
            if isinstance(data, str):
                continue
            header = json.loads(data[4 : 4 + struct.unpack(">I", data[:4])[0]])
            ages.append(time.time() - header["captured_at"])
            await socket.send(json.dumps({"type": "drawn", "camera": camera, "seq": header["seq"]}))
            if not reads:
                await asyncio.sleep(max(0.0, ends_at - time.monotonic()))


def _viewers(port: int, camera: str, count: int, seconds: float, *, stalled: int = 0) -> list[list[float]]:
    async def all_of_them() -> list[list[float]]:
        ends_at = time.monotonic() + seconds
        ages: list[list[float]] = [[] for _ in range(count + stalled)]
        await asyncio.gather(*(_view(port, camera, one, ends_at, reads=number < count) for number, one in enumerate(ages)))
        return ages

    return asyncio.run(all_of_them())


def viewers(folder: Path, minutes: float, count: int = 20) -> None:
    """Many viewers of one camera, none, and one that does not read."""
    rate, seconds = 25, 20.0
    server = RtspServer(clip=str(camera_clip(folder, (1280, 720), rate)), rate=rate)
    server.start()
    port = free_port()
    try:
        with served("run", server.address, "--metrics-port", str(port)) as run:
            camera = re.sub(r"\s", "", server.address)
            time.sleep(WARM_UP_S)
            for number, stalled in ((0, 0), (1, 0), (count, 0), (1, 1)):
                watched = threading_result(partial(_viewers, run.port, camera, number, seconds + 4, stalled=stalled))
                time.sleep(3)
                numbers = _rate(run, port, seconds - 2)
                seen = np.concatenate([np.array(one) for one in watched()[:number]] or [np.zeros(1)])
                p50, p99 = 1000 * np.percentile(seen, [50, 99])
                words = f"{len(seen) / (seconds + 4) / max(number, 1):.1f} pictures/s each, age p50 {p50:.0f}, p99 {p99:.0f} ms"
                cost = f"{numbers['encoded']:.1f} encodes/s, {numbers['cpu']:.2f} cores, {numbers['memory_mib']:.0f} MiB"
                print(f"{number} viewers{' and one that does not read' if stalled else ''}: {words}, {cost}")
    finally:
        server.kill()


def webcam(folder: Path, minutes: float) -> None:
    """The browser's own camera: from when a picture was taken until its faces are on the page, by the browser's clock."""
    seconds = 30.0
    film = camera_film(read_picture(portrait_path()), folder / "camera.y4m", WEBCAM_RATE)
    with served("run") as run, chromium(*seen_by_camera(film)) as browser:
        page = browser.new_page(viewport={"width": 1320, "height": 1000})
        page.add_init_script(AGES)
        page.goto(run.invitation)
        page.get_by_role("button", name="Use my camera").click()
        wait_for(lambda: page.evaluate("window.ages.length") > 0)
        page.wait_for_timeout(1000 * WARM_UP_S)
        page.evaluate("window.ages = []")
        page.wait_for_timeout(1000 * seconds)
        ages = np.array(page.evaluate("window.ages"), float)
    p50, p99, most = np.percentile(ages, [50, 99, 100])
    print(
        f"the browser's camera, {CAMERA_SIZE[0]}x{CAMERA_SIZE[1]} at {WEBCAM_RATE}/s: {len(ages) / seconds:.1f} answers/s, "
        f"age p50 {p50:.0f}, p99 {p99:.0f}, largest {most:.0f} ms"
    )


WAYS = {"webcam": webcam, "live": live, "wall": wall, "viewers": viewers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long one camera is watched")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for way in options.ways:
            WAYS[way](Path(folder), options.minutes)


if __name__ == "__main__":
    main()
