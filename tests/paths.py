"""Where the repository and the folder of real photos and videos are."""

from __future__ import annotations

import os
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
DATA = Path(os.environ.get("FACESTREAM_DATA", ROOT.parent / "shared" / "data"))
"""Real photos, videos and labels; may be absent."""
