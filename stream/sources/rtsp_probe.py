"""What listens at a camera's address, asked before FFmpeg is."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from stream.sources.live import Lost

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
CONNECT_S = 0.9
"""Longest wait for the first answer of a host: around the world and back takes a third of it, and TCP asks again after a second."""
ANSWER_S = 1.0
"""How long a camera may take to say that it speaks RTSP. One that is slower gets twice the time next, `open_timeout_s` at most."""
RTSP = b"RTSP/1."
"""How each answer begins."""


class RtspProbe:
    """What listens at an address, asked before each try: on a dead network FFmpeg's own attempt would hang for `open_timeout_s`, ever
    later repeating its first packet, and on a line that carries garbage it would wait as long for the rest of an answer. So both would
    miss the line's return by seconds.
    """

    def __init__(self, address: str, open_timeout_s: float) -> None:
        self._parts = urlsplit(address)
        self._longest_s = open_timeout_s
        self._answer_s = min(ANSWER_S, open_timeout_s)

    def check(self) -> None:
        """Make sure that something listens there, and that it speaks RTSP where it should.

        Raises:
            Lost: nothing does; the cause is exact, FFmpeg's is not.
        """
        parts = self._parts
        try:
            line = socket.create_connection((parts.hostname or "", parts.port or PORTS[parts.scheme.lower()]), timeout=CONNECT_S)
        except socket.gaierror:
            raise Lost("unreachable: no host of that name is known") from None
        except ConnectionRefusedError:
            raise Lost("refused: nothing listens there") from None
        except TimeoutError:
            raise Lost("timed out: nothing answers there") from None
        except OSError:
            raise Lost("unreachable") from None
        with line:
            if parts.scheme.lower() == "rtsp":
                self._ask(line)

    def _ask(self, line: socket.socket) -> None:
        """Ask what it can do: needs no password, and every camera answers at once. Any answer in RTSP will do."""
        host = f"[{self._parts.hostname}]" if ":" in (self._parts.hostname or "") else self._parts.hostname
        place = f"rtsp://{host}:{self._parts.port or PORTS['rtsp']}/"
        deadline, answer = time.monotonic() + self._answer_s, b""
        try:
            line.sendall(f"OPTIONS {place} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: facestream\r\n\r\n".encode())
            while len(answer) < len(RTSP) and RTSP.startswith(answer):
                line.settimeout(max(0.01, deadline - time.monotonic()))
                more = line.recv(len(RTSP) - len(answer))
                if not more:
                    raise Lost("connection lost")
                answer += more
        except TimeoutError:
            self._answer_s = min(2 * self._answer_s, self._longest_s)
            raise Lost("timed out: something listens there, but does not answer") from None
        except OSError:
            raise Lost("connection lost") from None
        if answer != RTSP:
            raise Lost("no stream: something answers there, but not in RTSP")
        self._answer_s = min(ANSWER_S, self._longest_s)
