"""The page of one run, from the words of the command line to its end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.classification.bundle import shipped_names
from stream.errors import UsageError
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.pipeline.lane import Lane
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.sources.source import Source
from stream.web import certificate as certificates
from stream.web.access import TOKEN_VARIABLE, Access, chosen_token
from stream.web.camera_view import CameraView
from stream.web.guest_place import GuestPlace
from stream.web.hub import Hub
from stream.web.place import Place

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from stream.web.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """What the user asked for, and the socket that listens already."""

    place: Place
    listener: socket.socket
    token: str
    view_only: bool = False
    """The page shows, and changes nothing."""
    certificate: Path | None = None
    key: Path | None = None
    host_names: Sequence[str] = ()
    """Names that it is reached by, as behind a proxy."""
    metrics_too: bool = False
    """The port of the metrics is this one: one server answers for both."""

    @classmethod
    def asked(
        cls,
        where: str,
        *,
        view_only: bool = False,
        certificate: Path | None = None,
        key: Path | None = None,
        self_signed: bool = False,
        host_names: Sequence[str] = (),
        metrics: Place | None = None,
    ) -> WebOptions:
        """Takes the port, before anything else is done.

        Args:
            self_signed: https with a certificate that this machine makes for itself.
            metrics: where the metrics are wanted.

        Raises:
            UsageError: it cannot be had, or what was asked for makes no sense.
        """
        if (certificate is None) != (key is None):
            raise UsageError("--web-cert and --web-key go together: name both.")
        place, token = Place.parse(where), chosen_token()
        metrics_too = metrics is not None and metrics.port == place.port
        if metrics is not None and metrics_too and metrics.host not in ("127.0.0.1", "localhost", place.host):
            raise UsageError(f"--metrics-host {metrics.host}: the page has that port on {place.host}; choose another port.")
        Access(token, place, names=host_names)  # says what is wrong with the names
        if certificate is not None and key is not None:
            if self_signed:
                raise UsageError("--web-tls self-signed and --web-cert: one certificate is enough.")
            certificates.check(certificate, key)
        if self_signed:
            certificate = key = certificates.self_signed(place, host_names)
        return cls(
            place=place,
            listener=place.listen(),
            token=token,
            view_only=view_only,
            certificate=certificate,
            key=key,
            host_names=host_names,
            metrics_too=metrics_too,
        )

    @property
    def tls(self) -> bool:
        return self.certificate is not None

    @property
    def address(self) -> str:
        """What to open; `#token=` and the token belong behind it, the part that no browser sends anywhere."""
        return f"{'https' if self.tls else 'http'}://{self.place.shown_host}:{self.place.port}/"

    @property
    def token_is_theirs(self) -> bool:
        """The user chose it, and knows it."""
        return bool(os.environ.get(TOKEN_VARIABLE))


POLL_S = 0.05


class Run(Protocol):
    """The run that the page shows, as far as the page may change it. Any thread."""

    def add(self, lane: Lane) -> None: ...

    def remove(self, lane: Lane) -> None: ...

    def replace_settings(self, settings: Settings) -> None: ...

    def enrol(self, name: str, result: Result, box: np.ndarray) -> str: ...

    def deny(self, source: str, track: int, name: str) -> None: ...


class WebHost:
    """The page's server and what it shows. Made before the lanes, which get their views from it."""

    def __init__(
        self,
        options: WebOptions,
        metrics: Metrics,
        health: Health,
        say: Callable[[str], None],
        invite: Callable[[str], None] | None = None,
        settings: Settings | None = None,
        more: Sequence[BaseRoute] = (),
    ) -> None:
        """
        Args:
            metrics: count what happens on the page, and are served there, as the health is.
            say: tells the user a sentence.
            invite: the same for one with the token in it; None: nobody may be told.
            more: what else is answered, to those who have the token.
        """
        self._options, self._say, self._invite = options, say, invite
        self._metrics, self._health, self._more = metrics, health, more
        self.hub = Hub(metrics)
        self._access = Access(options.token, options.place, names=options.host_names, tls=options.tls)
        self._server: Server | None = None
        self.run: Run | None = None
        """What runs now."""
        self.settings = settings or Settings()
        """Of what runs now; a page may change them."""
        self._models = ["none"]
        """The classifiers that a page may choose."""
        self.takes_guests = False
        """What runs now goes on until it is stopped: it may take a browser's camera, photos and videos."""

    def began(self, run: Run, settings: Settings, *, takes_guests: bool) -> None:
        """A run begins; what is on the page is changed there. The main thread."""
        self.run, self.settings, self.takes_guests = run, settings, takes_guests
        self._models[:] = dict.fromkeys([settings.classifier.model, *shipped_names(), "none"])
        self.hub.changed()

    def over(self) -> None:
        """It has ended."""
        self.run, self.takes_guests = None, False
        self.hub.changed()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Serve the page until the block ends."""
        from stream.web.app import make_app  # here: the libraries for it are an extra
        from stream.web.controls import Controls
        from stream.web.guests import UPLOAD, Guests
        from stream.web.people import PeopleOnPages
        from stream.web.programs import Programs
        from stream.web.server import serve
        from stream.web.supervision import HEALTH, supervision

        options, guests = self._options, Guests(self.hub, self._guest_place)
        more = [*Programs(self.hub).routes, *supervision(self._metrics, self._health), *guests.routes, *self._more]
        if not options.view_only:
            more += Controls(self.hub, self, self._say, self._models).routes
            PeopleOnPages(self.hub, self, self._say)
        app = make_app(self.hub, self._access, more, [UPLOAD], public=HEALTH)
        tls = {"certificate": options.certificate, "key": options.key}
        with closing(guests), serve(app, options.listener, **tls, ending=self.hub.end) as self._server:
            if options.token_is_theirs:
                self._say(f"the page: {options.address} (its token is that of {TOKEN_VARIABLE})")
            elif self._invite is not None:
                self._invite(f"the page: {options.address}#token={options.token}")
            else:
                self._say(
                    f"the page: {options.address} (nobody can open it: its token is not written where logs are kept; "
                    f"choose one, set {TOKEN_VARIABLE} to it, and start again)"
                )
            if options.certificate is not None and options.certificate == options.key:
                self._say(f"its certificate is this machine's own, SHA-256 {certificates.fingerprint(options.certificate)}")
            if not options.place.is_loopback and not options.tls:
                self._say(
                    "the page is not encrypted: whoever is on this network can read the token and see the pictures, and browsers give no "
                    "camera to http pages; --web-tls self-signed or --web-cert and --web-key encrypt it"
                )
            yield

    def wait_for_page(self, or_else: Callable[[], bool]) -> None:
        """Until somebody looks, or `or_else` is true: what plays for nobody would be over before its page is open."""
        while not self.hub.pages and not or_else():
            time.sleep(POLL_S)

    def _guest_place(self) -> GuestPlace:
        """Where a page's camera and its files go now."""
        return GuestPlace(self.run, self.settings, view_only=self._options.view_only, ends=not self.takes_guests)

    def hurry(self) -> None:
        """The run is asked to end: pages are let go at once. Any thread."""
        if self._server is not None:
            self._server.hurry()

    def view(self, source: Source) -> CameraView:
        """A viewer for a lane. Those of lanes that have ended make room for it."""
        for ended in [one for one in self.hub if one.ended]:
            self.hub.remove(ended)
        view = CameraView(source, self.hub.came, turns_itself=self._options.view_only)
        self.hub.add(view)
        return view
