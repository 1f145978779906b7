"""The one home of PyAV and OpenCV: everything in `stream` takes `av` and `cv2` from here.

Importing `av` before `cv2` makes `cv2.imshow` hang for ever, so `import av` stands nowhere else:

    from stream.media import av, cv2

A file is opened as `av.open(ffmpeg_name(path))`: FFmpeg takes what stands before a colon for a protocol (`12:30.mp4`, `concat:...`).

Nor may anything set a level of `av.logging`: PyAV's log handler then takes Python's lock on FFmpeg's decoder threads, while the thread
that closes the decoder holds that lock and waits for them: any video not read to its end hangs on closing. Left alone, PyAV is silent.
"""

from __future__ import annotations

from pathlib import Path

# isort: off
import cv2  # must come first
import av
from av.subtitles.stream import SubtitleStream
# isort: on

__all__ = ["SubtitleStream", "av", "cv2", "ffmpeg_name"]


def ffmpeg_name(path: Path | str) -> str:
    """A path, as FFmpeg takes it for nothing else."""
    return f"file:{path}"
