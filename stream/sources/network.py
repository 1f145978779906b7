"""Network cameras: RTSP, and HTTP without an end. An HTTP address of known length is a file."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Generator
from contextlib import closing
from fractions import Fraction
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from stream.frame import SourceInfo
from stream.media import av
from stream.settings.schema import Settings, SourceSettings
from stream.sources.access_units import AccessUnits
from stream.sources.addresses import redact
from stream.sources.live import LiveSource, Lost, Picture
from stream.sources.reader_thread import pumped
from stream.sources.rtsp_probe import KNOCK_S, RtspProbe
from stream.sources.video import VideoSource

READ_SLICE_S = 0.4
"""RTSP reads give up after so long and are started again where they were, so that the thread of a frozen camera is gone within a second.

An HTTP read cannot be started again: the connection is lost with it. It waits for `read_timeout_s`, on a thread left behind if need be.
"""


UNDECODABLE = 100
"""So many packets without one picture: what comes cannot be decoded (a guess: four seconds of video)."""

OPTIONS = {"probesize": "1000000", "analyzeduration": "500000"}
"""Half a second and a megabyte of the stream are enough to know what it is; FFmpeg's own limits are ten times that.

`fflags=nobuffer` is not among them: it throws away the packets that were looked at, and with them the first key frame, so that the
first picture comes with the next one, on many cameras ten seconds later. Kept, they are decoded in a burst and delay nothing.
"""

RTSP_OPTIONS = {"allowed_media_types": "video", "max_delay": "100000", "fflags": "noparse+nofillin"}
"""No sound is asked for; UDP packets out of order are waited for 0.1 s, not 0.5; packets come as RTP has them (`units`)."""

WHOLE = frozenset({"mjpeg", "vp8", "vp9"})
"""Codecs of which each packet from RTP is a whole picture."""


def open_network(address: str, settings: SourceSettings | None = None, name: str | None = None) -> LiveSource | VideoSource:
    """A live source, or a video where the address has an end.

    Args:
        name: what it is called; the address without its password if None.
    """
    settings = settings or Settings().source
    if address.lower().startswith("http"):
        with closing(pumped(partial(_try, address, settings), threading.Event())) as answers:  # PyAV's calls swallow Ctrl-C
            if next(answer for answer in answers if answer is not None):
                return VideoSource(address, settings)
    info = SourceInfo(name=name or redact(address), live=True)
    probe = RtspProbe(address, settings.open_timeout_s)
    return LiveSource(info, partial(pumped, partial(_pictures, address, settings, probe)), settings)


def _try(address: str, settings: SourceSettings, unwanted: threading.Event) -> Generator[bool, None, None]:
    yield _has_an_end(address, settings)


def _has_an_end(address: str, settings: SourceSettings) -> bool:
    """False too for what does not answer: it may be a camera that is switched off."""
    try:
        container = _open(address, settings)
    except Lost:
        return False
    try:
        if container.format.name in ("hls", "dash"):  # the size is that of the playlist
            return container.duration is not None
        return container.size > 0
    finally:
        container.close()


def _pictures(address: str, settings: SourceSettings, probe: RtspProbe, unwanted: threading.Event) -> Generator[Picture, None, None]:
    """The pictures of one connection. Blocks for `open_timeout_s` or a read; the container never leaves this thread."""
    if not getproxies().get(urlsplit(address).scheme.lower()):
        probe.check()
    container = _open(address, settings)
    try:
        stream = _video_stream(container)
        yield from _decoded(container, stream, unwanted)
    except av.error.FFmpegError as error:
        raise Lost(_cause(error, address)) from None
    finally:
        container.close()


def _open(address: str, settings: SourceSettings) -> av.container.InputContainer:
    options, slice_s = OPTIONS, settings.read_timeout_s
    if address.lower().startswith("rtsp"):
        options, slice_s = {**OPTIONS, **RTSP_OPTIONS, "rtsp_transport": settings.rtsp_transport}, READ_SLICE_S
    started = time.monotonic()
    try:
        return av.open(address, options=options, timeout=(settings.open_timeout_s, slice_s), metadata_errors="replace")
    except av.error.FFmpegError as error:
        timed_out = time.monotonic() - started >= settings.open_timeout_s  # FFmpeg then reports all kinds of errors
        raise Lost("timed out" if timed_out else _cause(error, address)) from None  # its own text holds the password


def _video_stream(container: av.container.InputContainer) -> av.VideoStream:
    if not container.streams.video:
        raise Lost("there is no video in the stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise Lost("unsupported codec")
    stream.codec_context.thread_count = 1  # threads for frames hold back as many; with threads for slices what is missing turns green
    stream.codec_context.flags |= av.codec.context.Flags.low_delay
    return stream


def _decoded(container: av.container.InputContainer, stream: av.VideoStream, unwanted: threading.Event) -> Generator[Picture, None, None]:
    undecodable = 0
    decoder = stream.codec_context
    units = None if container.format.name != "rtsp" or decoder.name in WHOLE else AccessUnits(hevc=decoder.name == "hevc")
    while not unwanted.is_set():
        try:
            for packet in container.demux(stream):
                arrived_at = time.monotonic()
                for whole in [packet] if units is None or not packet.size else _packets(units, packet):
                    for picture in decoder.decode(whole):
                        camera_s = None if picture.pts is None else picture.pts * (stream.time_base or Fraction(1))
                        yield Picture(picture, arrived_at, camera_s, undecodable + picture.is_corrupt)
                        undecodable = 0
                if unwanted.is_set():
                    return
        except av.error.InvalidDataError:  # half a packet, after a slice ended inside it or one was lost on the way: the next may be whole
            undecodable += 1
            if undecodable == UNDECODABLE:
                raise Lost("unsupported codec, or damaged: nothing can be decoded") from None
        except av.error.ExitError:  # a slice without data
            if container.read_timeout != READ_SLICE_S:
                raise
        else:
            return


def _packets(units: AccessUnits, fragment: av.Packet[Any]) -> list[av.Packet[Any]]:
    packets = []
    for ticks, data in units.add(bytes(fragment), fragment.pts):
        packet = av.Packet(data)
        packet.pts, packet.time_base = ticks, fragment.time_base
        packets.append(packet)
    return packets


def _cause(error: av.error.FFmpegError, address: str) -> str:
    """Why there is no stream, in a few words. Raises `Lost` itself where nothing listens (any more)."""
    known: list[tuple[type[BaseException], str]] = [
        (av.error.HTTPUnauthorizedError, "wrong user name or password"),
        (av.error.HTTPForbiddenError, "access denied"),
        (av.error.HTTPNotFoundError, "no such stream"),
        (av.error.HTTPError, f"the server says: {error.strerror}"),
        (av.error.ConnectionRefusedError, "refused: nothing listens there"),
        (av.error.ConnectionResetError, "connection lost"),
        (av.error.BrokenPipeError, "connection lost"),
        (av.error.EOFError, "the stream ended"),
        (av.error.TimeoutError, "timed out"),
        (av.error.ExitError, "timed out"),
        (av.error.DecoderNotFoundError, "unsupported codec"),
    ]
    for kind, words in known:
        if isinstance(error, kind):
            return words
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "unreachable"
    RtspProbe(address, KNOCK_S).check()  # FFmpeg reports many failures as bad data
    return "no stream: something answers there, but not with a video that can be read"
