"""An archive to work on, made anew: photos of two faces, videos of one, and rubbish."""

from __future__ import annotations
