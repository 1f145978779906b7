"""How pictures are encoded: as good with each encoder, and never so far behind that a killed program costs more than a second."""

from __future__ import annotations

from dataclasses import dataclass

from models.cores import usable_cores
from stream.frame import USUAL_RATE, SourceInfo
from stream.settings.schema import OutputSettings

KEY_FRAME_S = 1
"""Time between key frames: how far a player that seeks has to decode."""

BEHIND_S = 0.8
"""How far the encoder may be behind what it was given; the container adds up to a tenth of a second and a picture to that."""
LOOKAHEAD = 10
"""Pictures that x264 looks at before it decides on one: the value of its preset `veryfast`, for all presets."""
BEHIND_BESIDES = 1
"""Pictures that x264 waits for beside the lookahead and one for each thread."""
LEAST_RATE = 20
"""Frames per second below which a lookahead would last too long."""
NO_LOOKAHEAD_CRF = 2
"""Without a lookahead x264 gives equal PSNR (46 to 52 dB on five clips, 0.6 dB worse to 0.7 better) at a crf so much higher."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder by FFmpeg's name, and how it is set."""

    codec: str
    options: dict[str, str]
    pixels: str = ""
    """The format it takes; empty: that of the pictures."""
    frame_threads: int = 0
    """Pictures encoded side by side, each a picture behind; 0: all threads work on the same picture."""


def software_encoder(codec: str, info: SourceInfo, settings: OutputSettings) -> Encoder:
    """libx264 or libvpx-vp9, as it suits a source. A camera's declared rate is not trusted: many give less at night."""
    if codec == "libvpx-vp9":  # VP9 counts quality from 0 to 63 and effort from 8 to 0; a lookahead changes nothing at this effort
        crf = round(settings.crf * 63 / 51)
        return Encoder(
            "libvpx-vp9", {"crf": str(crf), "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1", "lag-in-frames": "0"}
        )
    # No B-frames: pictures travel in the order of showing, so that each fragment of an MP4 ends where its pictures do (else the last one of
    # the file may be cut off). Key frames twice as far apart give the bytes back.
    options = {"preset": settings.preset, "bf": "0", "forced-idr": "1"}
    rate = float(info.rate or USUAL_RATE)
    if info.live or rate < LEAST_RATE:
        crf = min(settings.crf + NO_LOOKAHEAD_CRF, 51) if settings.crf else 0  # 0 is lossless
        return Encoder(codec, options | {"tune": "zerolatency", "crf": str(crf)})
    threads = min(3 * usable_cores() // 2, int(BEHIND_S * rate) - LOOKAHEAD - BEHIND_BESIDES)  # what x264 takes by itself, or less
    return Encoder(codec, options | {"crf": str(settings.crf), "rc-lookahead": str(LOOKAHEAD)}, frame_threads=threads)
