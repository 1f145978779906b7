"""Network cameras: RTSP, and HTTP without an end. An HTTP address of known length is a file."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from fractions import Fraction
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from stream.errors import SourceError
from stream.frame import SourceInfo
from stream.media import av
from stream.settings.schema import Settings, SourceSettings
from stream.sources.access_units import AccessUnits
from stream.sources.addresses import is_file_s, redact
from stream.sources.hls import PATIENCE_S, Segments, has_ended, is_hls
from stream.sources.live import Alive, LiveSource, Lost, Over, Picture
from stream.sources.reader_thread import pumped
from stream.sources.rtsp_probe import CONNECT_S, RtspProbe
from stream.sources.video import VideoSource
from stream.sources.web_page import why_never

READ_SLICE_S = 0.4
"""RTSP reads give up after so long and are started again where they were, so that the thread of a frozen camera is gone within a second.

An HTTP read cannot be started again: the connection is lost with it. It waits for `read_timeout_s`, on a thread left behind if need be.
"""


READ_AHEAD = 750
"""So many packets of a playlist wait for their time: 30 s, a few megabytes."""

UNDECODABLE = 100
"""So many packets without one picture, from a key frame on: what comes cannot be decoded (a guess: four seconds of video)."""

KEY_FRAME_S = 60.0
"""Longest wait for a first picture while packets come: cameras send a key frame each 1 to 10 s, slow ones each 250 pictures (a guess)."""

OPTIONS = {"probesize": "1000000", "analyzeduration": "500000", "fpsprobesize": "0", "max_ts_probe": "0"}
"""Half a second and a megabyte of the stream are enough to know what it is; FFmpeg's own limits are ten times that. Its rate is not asked.

`fflags=nobuffer` is not among them: it throws away the packets that were looked at, and with them the first key frame, so that the
first picture comes with the next one, on many cameras ten seconds later. Kept, they are decoded in a burst and delay nothing.
"""

RTSP_OPTIONS = {"allowed_media_types": "video", "max_delay": "100000", "fflags": "noparse+nofillin"}
"""No sound is asked for; UDP packets out of order are waited for 0.1 s, not 0.5; packets come as RTP has them (`units`)."""

QUICK = {"probesize": "32"}
"""RTSP says itself what it carries: one packet is enough. Where a camera declares no rate or no parameter sets, FFmpeg would else wait for
its next key frames, or for `open_timeout_s`. Only where nothing is declared (one transport stream of everything) it must look for longer.
"""

REFUSALS = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, av.error.HTTPNotFoundError, av.error.HTTPOtherClientError)

WHOLE = frozenset({"mjpeg", "vp8", "vp9"})
"""Codecs of which each packet from RTP is a whole picture."""


class Refused(Lost):
    """A web server answers that it does not give this: there is no such file, it is gone, or not for this user."""


class Unreadable(Lost):
    """Something answers, and FFmpeg cannot make a video of it."""


def open_network(address: str, settings: SourceSettings | None = None, name: str | None = None) -> LiveSource | VideoSource:
    """A live source, or a video where the address has an end.

    Args:
        name: what it is called; the address without its password if None.
    """
    settings = settings or Settings().source
    segments = Segments(expected=urlsplit(address).path.lower().endswith(".m3u8"))
    if address.lower().startswith("http"):
        with closing(pumped(partial(_try, address, settings, segments), threading.Event())) as answers:  # PyAV's calls swallow Ctrl-C
            if next(answer for answer in answers if answer is not None):
                return VideoSource(address, settings)
    info = SourceInfo(name=name or redact(address), live=True)
    probe = RtspProbe(address, settings.open_timeout_s)
    return LiveSource(info, partial(pumped, partial(_pictures, address, settings, probe, segments)), settings)


def _try(address: str, settings: SourceSettings, segments: Segments, unwanted: threading.Event) -> Generator[bool, None, None]:
    try:
        container = _open(address, settings, Segments(expected=False))  # patience comes later: the run has not begun
    except Unreadable as error:
        if reason := why_never(address, settings):
            raise SourceError(f"{redact(address)}: {reason}.") from error
        yield False
    except Refused as refused:
        if is_file_s(address):  # a camera that is starting may answer so, and is waited for; a file that is not there does not come
            raise SourceError(f"{redact(address)}: {refused}.") from None
        yield False
    except Lost:  # may be a camera that is switched off
        yield False
    else:
        segments.expected = is_hls(container)
        ends = has_ended(container) if segments.expected else container.size > 0  # of a playlist the size is its own
        container.close()
        yield ends


def _pictures(
    address: str, settings: SourceSettings, probe: RtspProbe, segments: Segments, unwanted: threading.Event
) -> Generator[Picture | Alive, None, None]:
    """The pictures of one connection. Blocks for `open_timeout_s` or a read; the container never leaves the thread that opened it."""
    if not getproxies().get(urlsplit(address).scheme.lower()):
        probe.check()
    try:
        if not segments.expected:
            with closing(_open(address, settings, segments)) as container:
                segments.expected = is_hls(container) or (container.format.name != "rtsp" and container.size > 0)  # a file, by now
                if not segments.expected:
                    stream = _video_stream(container)
                    yield from _decoded(stream, partial(container.demux, stream), None, unwanted)
                    return
        yield Alive(patience_s=PATIENCE_S)
        with closing(pumped(partial(_read_ahead, address, settings, segments), unwanted, READ_AHEAD)) as packets:
            first = next((item for item in packets if item is not None), None)
            if isinstance(first, av.VideoStream):
                yield from _decoded(first, lambda: packets, segments, unwanted)
    except av.error.FFmpegError as error:
        raise Lost(_cause(error, address, settings)) from None
    if not unwanted.is_set() and _is_over(address, settings):
        raise Over


def _read_ahead(
    address: str, settings: SourceSettings, segments: Segments, unwanted: threading.Event
) -> Generator[av.VideoStream | av.Packet[Any], None, None]:
    """The stream, and then its packets, for whoever takes them at their pace: the next segment is fetched while one is shown."""
    with closing(_open(address, settings, segments)) as container:
        stream = _video_stream(container)
        if unwanted.is_set():  # left behind: another connection has the segments by now
            return
        segments.connect(container, stream)
        yield stream
        yield from container.demux(stream)


def _is_over(address: str, settings: SourceSettings) -> bool:
    try:
        with closing(_open(address, settings, Segments(expected=True))) as container:
            return has_ended(container)
    except Lost:
        return False


def _open(address: str, settings: SourceSettings, segments: Segments) -> av.container.InputContainer:
    """
    Args:
        segments: whether a playlist is expected: it is read with more patience.
    """
    if address.lower().startswith("rtsp"):
        timeout = (settings.open_timeout_s, READ_SLICE_S)
        options = {**OPTIONS, **RTSP_OPTIONS, "rtsp_transport": settings.rtsp_transport}
        container = _opened(address, settings, {**options, **QUICK}, timeout)
        if not container.streams.video:
            container.close()
            container = _opened(address, settings, options, timeout)
        return container
    least_s = PATIENCE_S if segments.expected else 0.0  # a playlist takes a request after the other
    return _opened(address, settings, OPTIONS, (max(settings.open_timeout_s, least_s), max(settings.read_timeout_s, least_s)))


def _opened(address: str, settings: SourceSettings, options: dict[str, str], timeout: tuple[float, float]) -> av.container.InputContainer:
    started = time.monotonic()
    try:
        return av.open(address, options=options, timeout=timeout, metadata_errors="replace")
    except av.error.FFmpegError as error:  # its own text holds the password
        if time.monotonic() - started >= timeout[0]:  # FFmpeg then reports all kinds of errors
            raise Lost("timed out") from None
        cause = _cause(error, address, settings)
        kind = Unreadable if isinstance(error, av.error.InvalidDataError) else Refused if isinstance(error, REFUSALS) else Lost
        raise kind(cause) from None


def _video_stream(container: av.container.InputContainer) -> av.VideoStream:
    if not container.streams.video:
        raise Lost("there is no video in the stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise Lost("unsupported codec")
    stream.codec_context.thread_count = 1  # threads for frames hold back as many; with threads for slices what is missing turns green
    stream.codec_context.flags |= av.codec.context.Flags.low_delay
    return stream


def _decoded(
    stream: av.VideoStream,
    packets: Callable[[], Iterable[av.Packet[Any] | av.VideoStream | None]],
    segments: Segments | None,
    unwanted: threading.Event,
) -> Generator[Picture | Alive, None, None]:
    """
    Args:
        packets: goes on with the stream's packets where it was; None among them: none has come for a while.
    """
    decoder, container = stream.codec_context, stream.container
    units = None if container.format.name != "rtsp" or decoder.name in WHOLE else AccessUnits(hevc=decoder.name == "hevc")
    tick_s = None if av.format.Flags.no_timestamps in av.format.Flags(container.format.flags) else stream.time_base or Fraction(1)
    began_at, undecodable, begun = time.monotonic(), 0, False
    while not unwanted.is_set():
        try:
            for packet in packets():
                if not isinstance(packet, av.Packet):
                    continue
                arrived_at = time.monotonic()
                if segments is not None:
                    segments.note(packet)
                for whole in [packet] if units is None or not packet.size else _packets(units, packet):
                    if not begun and (packet.is_keyframe or (units is not None and units.had_key)):
                        begun, undecodable = True, 0
                    for picture in decoder.decode(whole):
                        begun = True
                        camera_s = None if picture.pts is None or tick_s is None else picture.pts * tick_s
                        if segments is not None and camera_s is not None:
                            if not segments.wait_for(picture.pts or 0, camera_s, unwanted):
                                continue
                            arrived_at = time.monotonic()
                        yield Picture(picture, arrived_at, camera_s, undecodable + picture.is_corrupt)
                        undecodable = 0
                if unwanted.is_set():
                    return
                if not begun and arrived_at - began_at < KEY_FRAME_S:
                    yield Alive("waiting for a key frame")
        except av.error.InvalidDataError:  # half a packet, after a slice ended inside it or one was lost on the way: the next may be whole
            undecodable += 1
            waiting = not begun and time.monotonic() - began_at < KEY_FRAME_S
            if undecodable >= UNDECODABLE and not waiting:
                raise Lost("unsupported codec, or damaged: nothing can be decoded") from None
            if waiting:
                yield Alive("waiting for a key frame")
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


def _cause(error: av.error.FFmpegError, address: str, settings: SourceSettings) -> str:
    """Why there is no stream, in a few words. Raises `Lost` itself where nothing listens (any more)."""
    refused = (av.error.HTTPOtherClientError, "the server refuses it, with an error 4xx such as 410, gone")
    refused_on_the_web = [refused] if address.lower().startswith("http") else []  # an RTSP server without pictures says so, too
    known: list[tuple[type[BaseException], str]] = [
        (av.error.HTTPUnauthorizedError, "wrong user name or password"),
        (av.error.HTTPForbiddenError, "access denied"),
        (av.error.HTTPNotFoundError, "there is no such file" if is_file_s(address) else "no such stream"),
        *refused_on_the_web,
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
    if error.errno == errno.EPROTONOSUPPORT and address.lower().startswith("rtsp"):
        other = "udp" if settings.rtsp_transport == "tcp" else "tcp"
        return f"it sends no pictures over {settings.rtsp_transport}; set source.rtsp_transport to {other}"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "unreachable"
    RtspProbe(address, CONNECT_S).check()  # FFmpeg reports many failures as bad data
    return "no stream: something answers there, but not with a video that can be read"
