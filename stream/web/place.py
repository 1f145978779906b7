"""Where the page is served: an address of this machine, bound before any other work begins."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from stream.errors import UsageError

DEFAULT = "127.0.0.1:8000"
_PLACE = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.%\w]+\]|[\w.-]*):)?(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Place:
    """An address of this machine and a port."""

    host: str
    """Without brackets."""
    port: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """What `[HOST:]PORT` says.

        Raises:
            UsageError: it is something else.
        """
        found = _PLACE.fullmatch(text.strip())
        if found is None or not 1 <= int(found["port"]) <= 65535:
            raise UsageError(f"--web {text}: write a port from 1 to 65535, or HOST:PORT, such as {DEFAULT}.")
        return cls((found["host"] or "127.0.0.1").strip("[]"), int(found["port"]))

    @property
    def is_loopback(self) -> bool:
        """Only programs of this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def shown_host(self) -> str:
        """The host as it stands in an address: of all addresses, one that works on this machine."""
        if self.host in ("0.0.0.0", "::"):
            return socket.gethostname() or "localhost"
        return f"[{self.host}]" if ":" in self.host else self.host

    def listen(self) -> socket.socket:
        """A socket that listens there.

        Raises:
            UsageError: the port cannot be had.
        """
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            raise UsageError(f"--web: {self.host} is no address of this machine ({error.strerror or error}).") from error
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise UsageError(
                f"--web: {self.host}:{self.port} cannot be served ({error.strerror or error}); choose another port."
            ) from error
        return listener
