"""What a tab keeps that shows the page for long: the scripts' heap after a collection, and all that the tab's process holds.

    python tests/bench/web_tab.py [--minutes 15]

`facestream demo --web` and Chromium (headless) on the same cores; a sample each ten seconds.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.browser import chromium
from tests.served import served

EVERY_S = 10


def tab_mib() -> float:
    """Memory that the pages of this program's browser have for themselves."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    pages = [folder for pid in ours if b"--type=renderer" in ((folder := Path(f"/proc/{pid}")) / "cmdline").read_bytes()]
    return sum(float(re.findall(r"RssAnon:\s+(\d+)", (page / "status").read_text())[0]) for page in pages) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    minutes = parser.parse_args().minutes
    sizes = []
    with served("demo") as run, chromium() as browser:
        page = browser.new_page(viewport={"width": 1320, "height": 900})
        page.goto(run.invitation)
        console = page.context.new_cdp_session(page)
        for number in range(max(6, round(60 * minutes / EVERY_S))):
            page.wait_for_timeout(1000 * EVERY_S)
            console.send("HeapProfiler.collectGarbage")
            sizes.append((number * EVERY_S / 60, page.evaluate("performance.memory.usedJSHeapSize") / 2**20, tab_mib()))
        drawn = page.locator(".age").inner_text()
    table = np.array(sizes)
    print(f"{minutes:.0f} minutes; at the end {drawn}")
    third = len(table) // 3
    for name, mib in zip(("scripts' heap", "the tab's process"), table.T[1:], strict=True):
        rise = 60 * np.polyfit(table[third:, 0], mib[third:], 1)[0]
        middles = [np.median(part) for part in (mib[:third], mib[third : 2 * third], mib[2 * third :])]
        print(f"{name}: medians of its thirds {', '.join(f'{one:.1f}' for one in middles)} MiB; after the first third {rise:+.1f} MiB/h")


if __name__ == "__main__":
    main()
