"""Encoders of H.264 on special hardware. Each is tried with real pictures before it is trusted: a driver may be missing, old, or worse."""

from __future__ import annotations

import functools
import logging

import numpy as np

from stream.errors import UsageError
from stream.frame import USUAL_RATE
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.recording.encoders import Encoder

CODECS = ("h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox")
"""NVIDIA, Intel, AMD, Apple; the first that works is used."""
QUANTIZER_ABOVE_CRF = 2
"""A fixed quantizer of crf + 2 is a step of 6.5 at the default; rounding to it costs 42.7 dB, whoever's hardware does it."""
LAMBDA = 118
"""FFmpeg counts a quality that belongs to no codec in so many parts of a quantizer (FF_QP2LAMBDA)."""
LEAST_DB = 40.0
"""PSNR that an encoder must reach at the default quality to be used."""
TRIAL_FRAMES, TRIAL_WIDTH, TRIAL_HEIGHT = 8, 640, 360

logger = logging.getLogger(__name__)


def hardware_encoder(codec: str, crf: int) -> Encoder:
    """Without B-frames and delay, at a fixed quantizer, so that quality is the same with each."""
    quantizer = min(crf + QUANTIZER_ABOVE_CRF, 51)
    by_lambda = {"flags": "+qscale", "global_quality": str(quantizer * LAMBDA)}
    by_name = {
        "h264_nvenc": {"rc": "constqp", "qp": str(quantizer), "delay": "0", "zerolatency": "1", "forced-idr": "1"},
        "h264_qsv": {**by_lambda, "async_depth": "1", "look_ahead": "0", "forced_idr": "1"},
        "h264_amf": {"rc": "cqp", "qp_i": str(quantizer), "qp_p": str(quantizer), "forced_idr": "1"},
        # Apple counts from 0 to 100, where more is better; the slope is a guess.
        "h264_videotoolbox": {"flags": "+qscale", "global_quality": str(max(100 - round(1.4 * crf), 1) * LAMBDA)},
    }
    return Encoder(codec, by_name[codec] | {"bf": "0"}, pixels="nv12" if codec == "h264_qsv" else "yuv420p")


def h264_codecs(settings: OutputSettings) -> tuple[str, ...]:
    """The codecs to use for H.264, by FFmpeg's names: the best first, then the one to fall back on.

    Raises:
        UsageError: one is asked for by name that does not work here.
    """
    if settings.encoder in CODECS:
        if reason := why_not(settings.encoder):
            raise UsageError(f"output.encoder: {settings.encoder} cannot be used here: {reason}; take auto or libx264.")
        return (settings.encoder,)
    tried = CODECS if settings.encoder == "auto" and settings.crf > 0 else ()  # 0 is lossless, which is libx264's alone
    return (*[codec for codec in tried if not why_not(codec)][:1], "libx264")


@functools.cache
def why_not(codec: str) -> str:
    """Why an encoder cannot be used on this machine; empty where it can. Tried once."""
    try:
        reason = trial(hardware_encoder(codec, OutputSettings().crf))
    except av.codec.codec.UnknownCodecError:
        reason = "this FFmpeg was built without it"
    except (av.error.FFmpegError, ValueError) as error:
        reason = f"its hardware or driver is missing ({getattr(error, 'strerror', None) or error})"
    logger.info("%s: %s", codec, reason or "works, and encodes H.264")
    return reason


def trial(encoder: Encoder) -> str:
    """Encode some pictures, decode them and compare: what is wrong, or nothing. Raises what FFmpeg raises."""
    context = av.CodecContext.create(encoder.codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = TRIAL_WIDTH, TRIAL_HEIGHT, encoder.pixels or "yuv420p"
    context.time_base, context.framerate, context.options = 1 / USUAL_RATE, USUAL_RATE, encoder.options
    context.open()
    pictures = _trial_pictures()
    packets = [packet for picture in [*pictures, None] for packet in context.encode(picture)]
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = context.extradata
    decoded = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
    if len(decoded) != len(pictures):
        return f"{len(pictures)} pictures were encoded, {len(decoded)} came out"
    arrays = [np.stack([picture.to_ndarray(format="yuv420p") for picture in side]).astype(np.float32) for side in (pictures, decoded)]
    error = float(np.square(arrays[0] - arrays[1]).mean())
    quality_db = 10 * np.log10(255**2 / max(error, 1e-9))
    return "" if quality_db >= LEAST_DB else f"its pictures come out at {quality_db:.1f} dB, {LEAST_DB:g} are needed"


def _trial_pictures() -> list[av.VideoFrame]:
    """A slope with grain that moves."""
    grain = np.random.default_rng(0).normal(0, 4, (TRIAL_HEIGHT * 3 // 2, TRIAL_WIDTH))
    slope = np.linspace(60, 190, TRIAL_WIDTH)[None, :]
    pictures = []
    for number in range(TRIAL_FRAMES):
        planes = np.clip(slope + np.roll(grain, 3 * number, axis=1), 16, 235).astype(np.uint8)
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts, picture.time_base = number, 1 / USUAL_RATE
        pictures.append(picture)
    return pictures
