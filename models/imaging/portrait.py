"""A real picture with a face that is always there: for the demo, and to check a model on."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from models.errors import PictureError


def portrait_path() -> Path:
    """Grace Hopper's portrait, 512×600, public domain, shipped by matplotlib.

    Raises:
        PictureError: it is missing.
    """
    path = matplotlib_data() / "sample_data" / "grace_hopper.jpg"
    if not path.is_file():
        raise PictureError(f"{path}: the portrait that this needs is missing; reinstalling matplotlib brings it back.")
    return path


def matplotlib_data() -> Path:
    """The folder of what matplotlib brings along: pictures, fonts."""
    spec = importlib.util.find_spec("matplotlib")  # finds the folder without the second that importing takes
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) / "mpl-data" if folders else Path("mpl-data")
