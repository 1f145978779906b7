"""Real pictures to work on, and a check after each test that nothing was left running and no error was logged in silence."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from tests.paths import DATA
from tests.scheduling import (  # noqa: F401 - pytest finds them here
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_configure_node,
    pytest_runtest_protocol,
    pytest_xdist_auto_num_workers,
)
from tests.screen import x_server

hypothesis.settings.register_profile("facestream", deadline=None)  # a busy machine makes any example slow
hypothesis.settings.load_profile("facestream")


@pytest.fixture(scope="session", autouse=True)
def a_cache_and_a_state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither use nor fill the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def portrait_path() -> Path:
    """Grace Hopper's portrait, 512×600 JPEG with one face, shipped by matplotlib (public domain)."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def portrait(portrait_path: Path) -> np.ndarray:
    """(600, 512, 3) uint8 RGB with one face."""
    return np.asarray(Image.open(portrait_path).convert("RGB"))


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8 RGB with one face, shipped by scikit-image (public domain)."""
    from skimage import data

    return np.asarray(data.astronaut())


@pytest.fixture(scope="session")
def two_faces(portrait: np.ndarray, astronaut: np.ndarray) -> dict[str, Image.Image]:
    """The face of Eileen Collins and that of Grace Hopper, each with a little around it."""
    return {"collins": Image.fromarray(astronaut).crop((165, 40, 295, 190)), "hopper": Image.fromarray(portrait).crop((165, 70, 365, 310))}


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real photos and videos; tests that need it are skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no photos and videos at {DATA} (FACESTREAM_DATA names another place)")
    return DATA


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A screen of 1280×720 pixels, with nothing on it: the DISPLAY to use."""
    if shutil.which("Xvfb") is None:
        pytest.skip("missing program: Xvfb")
    with x_server() as (display, _):
        yield display


@pytest.fixture(autouse=True)
def nothing_is_left_behind(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test that leaves a thread running or logs an error that it did not expect (marker `logs_errors`)."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while (
        left := [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    ) and time.monotonic() < deadline:
        left[0].join(0.05)
    assert not left, f"threads left alive: {left}"
    errors = [
        record for record in caplog.get_records("call") if record.levelno >= logging.ERROR and record.name.startswith(("stream", "models"))
    ]
    if not request.node.get_closest_marker("logs_errors"):
        assert not errors, f"errors were logged: {[record.getMessage() for record in errors]}"
