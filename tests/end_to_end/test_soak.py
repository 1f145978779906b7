"""The long run in short: what must hold after a minute, so that it can hold after a month. `tests/bench/soak.py` runs an hour of it."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from tests.bench.soak import soak

MOMENT = 2
"""Threads and handles that come and go: of a scrape that is answered, of a piece that ends. One left behind by each reconnect is more."""


@pytest.mark.slow
def test_after_each_reconnect_threads_and_handles_are_as_before(tmp_path: Path) -> None:
    done = soak(tmp_path, minutes=0.9, every_s=0.5, break_every_s=6)
    assert done.exit_code == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert done.breaks >= 4
    assert done.reconnects >= 4
    assert done.unplayable == []
    assert set(done.pieces) == {"camera0", "camera1", "loop"}
    assert min(done.pieces.values()) >= 2
    samples = [sample for sample in done.samples if sample.minute > 0.2]  # by then everything has been made once
    half = len(samples) // 2
    assert half > 2, "it must have been well for long enough"
    for name in ("threads", "handles"):
        earlier, later = ([getattr(sample, name) for sample in part] for part in (samples[:half], samples[half:]))
        assert median(later) <= median(earlier) + MOMENT, (name, earlier, later)
