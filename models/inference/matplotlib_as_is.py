"""matplotlib, whatever the variable MPLBACKEND says: notebooks leave it to their children, and it may name what is not installed there."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def import_matplotlib() -> None:
    """Imports matplotlib, where nobody has yet. It refuses to load where MPLBACKEND names a window system that it cannot find."""
    if "matplotlib" in sys.modules:
        return
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen
    if chosen:
        with suppress(ValueError):  # of a name that it does not know, it takes what fits
            mpl.rcParams["backend"] = chosen
