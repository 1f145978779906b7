"""Who may come in: the token, the cookie that stands for it, and the names that this server answers to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stream.errors import UsageError
from stream.passwords import hide
from stream.web.place import Place

TOKEN_VARIABLE = "FACESTREAM_WEB_TOKEN"
SHORTEST_TOKEN = 16
BAD_TOKENS_A_MINUTE = 10
"""From one address."""
BAD_TOKENS_A_MINUTE_OVERALL = 100
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")


def chosen_token() -> str:
    """The token of this run: that of the environment, or a new one.

    Raises:
        UsageError: the environment's is too short to be safe, or has characters that no header can carry.
    """
    given = os.environ.get(TOKEN_VARIABLE, "")
    if not given:
        token = secrets.token_urlsafe(32)
        hide(token)
        return token
    hide(given)
    if len(given) < SHORTEST_TOKEN or not re.fullmatch(r"[\x21-\x7e]+", given):
        raise UsageError(f"{TOKEN_VARIABLE}: at least {SHORTEST_TOKEN} letters and digits, no spaces.")
    return given


@dataclass(slots=True)
class Throttle:
    """Counts wrong tokens: whoever tries too many in a minute must wait."""

    clock: Callable[[], float] = time.monotonic
    _tries: dict[str, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)

    def too_many(self, peer: str) -> bool:
        """Whether a peer has tried too often, or all of them together have."""
        return len(self._recent(self._tries.get(peer, deque()))) >= BAD_TOKENS_A_MINUTE or (
            len(self._recent(self._all)) >= BAD_TOKENS_A_MINUTE_OVERALL
        )

    def count(self, peer: str) -> None:
        """A wrong one came."""
        now = self.clock()
        for other in [other for other, tries in self._tries.items() if not self._recent(tries)]:
            del self._tries[other]
        self._tries.setdefault(peer, deque()).append(now)
        self._all.append(now)

    def _recent(self, tries: deque[float]) -> deque[float]:
        while tries and self.clock() - tries[0] > 60:
            tries.popleft()
        return tries


class Access:
    """The one who is asked whether a request may pass."""

    def __init__(self, token: str, place: Place, *, names: Collection[str] = (), tls: bool = False) -> None:
        """
        Args:
            names: host names that this server is reached by besides its own, as behind a proxy.
            tls: it speaks https itself.
        """
        self.token, self.tls = token, tls
        self.cookie = f"facestream-{place.port}"  # cookies do not tell ports apart
        self.throttle = Throttle()
        self._place = place
        self._names = {_name(name) for name in names}
        if not place.is_loopback:
            self._names |= {place.host.lower(), *own_names()}

    def is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.token.encode())

    def new_cookie(self) -> str:
        """A value that only this token's owner can make: it still holds when the program is started anew with the same token."""
        session = secrets.token_urlsafe(12)
        return f"{session}.{self._sealed(session)}"

    def is_cookie(self, value: str) -> bool:
        session, _, seal = value.partition(".")
        return bool(seal) and hmac.compare_digest(seal.encode("utf-8", "surrogatepass"), self._sealed(session).encode())

    def _sealed(self, session: str) -> str:
        digest = hmac.digest(self.token.encode(), b"facestream session " + session.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def is_host(self, host: str) -> bool:
        """Whether a `Host` header names this server. A page of another site that has its name lead here (DNS rebinding) says its own."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].lower().strip("[]").removesuffix(".")
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name == "localhost"
        return address.is_loopback or not self._place.is_loopback  # a number needs no name service: nobody can make it lead here

    def is_origin(self, origin: str, host: str) -> bool:
        """Whether an `Origin` header is that of a page of this server. https may be a proxy's."""
        try:
            parts = urlsplit(origin)
            port = parts.port
        except ValueError:
            return False
        if parts.scheme not in ({"https"} if self.tls else {"http", "https"}) or not parts.hostname or "@" in parts.netloc:
            return False
        usual = 443 if parts.scheme == "https" else 80
        found = _HOST.fullmatch(host)
        if found is None or parts.path or parts.query or parts.fragment:
            return False
        return parts.hostname == found["name"].lower().strip("[]") and (port or usual) == int(found["port"] or usual)


def own_names() -> set[str]:
    """What this machine is called on its network. The name service is not asked: it may take its time, or be somebody else's."""
    short = socket.gethostname().lower().partition(".")[0]
    return {socket.gethostname().lower(), short, f"{short}.local"}


def _name(text: str) -> str:
    """
    Raises:
        UsageError: that is no host's name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", text):
        raise UsageError(f"--web-host-name {text}: write a name alone, such as cams.example.com: no http://, no port, no *.")
    return text.lower().removesuffix(".")
