"""What a camera is called where there is little room."""

from __future__ import annotations

import pytest

from stream.web.short_names import LONG, short_names

CAMERA = "rtsp://192.168.1.20:554/Streaming/Channels/"


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["door", "0"], ["door", "0"]),
        ([f"{CAMERA}101", f"{CAMERA}102"], ["192.168.1.20:554 … 101", "192.168.1.20:554 … 102"]),
        (["rtsp://admin:***@10.0.0.1/Streaming/101"], ["10.0.0.1 … 101"]),
        (["rtsp://10.0.0.1/Streaming/Channels/101", "rtsp://10.0.0.2/Streaming/Channels/101"], ["10.0.0.1 … 101", "10.0.0.2 … 101"]),
        (["/home/anna/videos/holidays/2024/clip.mp4", "/home/anna/videos/holidays/2025/clip.mp4"], ["2024/clip.mp4", "2025/clip.mp4"]),
        (["/home/anna/videos/holidays/clip.mp4", "clip.mp4"], ["holidays/clip.mp4", "clip.mp4"]),
        ([f"http://10.0.0.9/axis-cgi/mjpg/video.cgi?camera={number}" for number in (1, 2)], None),
        (["/" * (LONG + 1)], None),
        ([], []),
    ],
)
def test_a_long_name_is_its_end_as_far_as_no_other_has_the_same(names: list[str], short: list[str] | None) -> None:
    assert short_names(names) == dict(zip(names, names if short is None else short, strict=True))
