"""What every request passes first: is it meant for this server, is it one of our own pages, and may it come in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream.web.access import Access
from stream.web.hub import Refusal

SAFE = frozenset({"GET", "HEAD"})
LARGEST_BODY = 64 * 1024
"""Bytes of a request that is no upload."""
LARGEST_UPLOAD = 512 * 1024 * 1024
BODY_S, UPLOAD_PAUSE_S = 10.0, 30.0
"""In which the body of a request has come; of an upload its next piece."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a form of any other site can send."""
PROGRAMS = ("/cameras/", "/api/")
"""Where players and other programs are asked for a password, which many send only then. Nowhere else: browsers would ask their user."""
REASONS: dict[int, Refusal] = {
    421: "host",
    403: "origin",
    415: "origin",
    401: "token",
    429: "throttle",
    413: "size",
    408: "slow",
    503: "full",
}
"""Why a request was not answered, by its status."""


class Guard:
    """Checks a request, then hands it on. What it lets pass has `scope["state"]["known"]`: whether the sender has the token."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        *,
        public: frozenset[str],
        uploads: frozenset[str],
        refused: Callable[[Refusal], None] = lambda reason: None,
    ) -> None:
        """
        Args:
            public: paths that need no token: the page itself, which holds nothing.
            uploads: paths that take more than `LARGEST_BODY`.
            refused: is told of each request that is not let in.
        """
        self._app, self._access, self._public, self._uploads, self._refused = app, access, public, uploads, refused
        self._small = RequestBodyLimitMiddleware(app, LARGEST_BODY)
        self._large = RequestBodyLimitMiddleware(app, LARGEST_UPLOAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                self._refused(REASONS[refusal.status_code])
                await refusal_of_socket(refusal, scope, receive, send)
            return
        send = self._with_headers(send, scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif scope["path"] in self._uploads:
            await self._large(scope, _in_time(receive, pause_s=UPLOAD_PAUSE_S), send)
        else:
            await self._small(scope, _in_time(receive, whole_s=BODY_S), send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        access, host, origin = self._access, headers.get("host", ""), headers.get("origin")
        if not access.is_host(host):
            return PlainTextResponse("This server does not answer to that name; --web-host-name adds one.", 421)
        peer = scope["client"][0] if scope.get("client") else ""
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        given = _token_in(headers, with_basic=not changes)
        if given is not None and access.throttle.too_many(peer):
            return PlainTextResponse("Too many wrong tokens; wait a minute.", 429)
        is_program = given is not None and access.is_token(given)
        if given is not None and not is_program:
            access.throttle.count(peer)
        known = is_program or self._has_cookie(headers)
        if changes and not (is_program and origin is None) and (origin is None or not access.is_origin(origin, host)):
            return PlainTextResponse("Only this server's own pages may do that.", 403)
        public = scope["path"] in self._public
        from_where = headers.get("sec-fetch-site", "same-origin")  # "none": typed, or from a bookmark
        if (changes or not public) and from_where != "same-origin" and (changes or from_where != "none"):
            return PlainTextResponse("Only this server's own pages may do that.", 403)
        if not known and not public:
            refusal = PlainTextResponse("The token is missing or wrong.", 401, {"WWW-Authenticate": "Bearer"})
            if scope["path"].startswith(PROGRAMS):
                refusal.headers.append("WWW-Authenticate", 'Basic realm="facestream", charset="UTF-8"')
            return refusal
        if scope["type"] == "http" and not changes and (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers):
            return PlainTextResponse("Such a request has no body.", 400)
        if scope["type"] == "http" and changes and headers.get("content-type", "").partition(";")[0].strip().lower() in FORMS:
            return PlainTextResponse("Forms are not taken here; send JSON, or a file as it is.", 415)
        scope.setdefault("state", {})["known"] = known
        return None

    def _has_cookie(self, headers: Headers) -> bool:
        """Among those of whatever else is served by this machine: browsers send them all, and some are written as no library reads them."""
        pairs = (pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
        return any(name == self._access.cookie and self._access.is_cookie(value) for name, _, value in pairs)

    def _with_headers(self, send: Send, scope: Scope, headers: Headers) -> Send:
        host, scheme = headers.get("host", ""), "wss" if self._access.tls else "ws"
        # the sockets by name: older Safaris do not count them as 'self'
        sockets = f" {scheme}://{host} wss://{host}" if self._access.is_host(host) else ""
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
            f"connect-src 'self'{sockets}; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        )

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                given["Content-Security-Policy"] = policy
                given["X-Content-Type-Options"] = "nosniff"
                given["Referrer-Policy"] = "no-referrer"
                given["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
                given["Cross-Origin-Resource-Policy"] = "same-origin"
                given["Cross-Origin-Opener-Policy"] = "same-origin"
                given.setdefault("Cache-Control", "no-store")
                if message["status"] >= 400:
                    given["Connection"] = "close"  # what may still come of the request is not read
                    if (reason := REASONS.get(message["status"])) is not None:
                        self._refused("full" if reason == "throttle" and scope["path"] in self._uploads else reason)
            await send(message)

        return sent


def _token_in(headers: Headers, *, with_basic: bool) -> str | None:
    """What a program gives for the token; as a password (of any user), too, for those that know nothing else."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic" and with_basic:
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return None


def _in_time(receive: Receive, *, whole_s: float | None = None, pause_s: float | None = None) -> Receive:
    """The body of a request, which has to come in that time: as a whole, or its next piece."""
    loop = asyncio.get_running_loop()
    ends = None if whole_s is None else loop.time() + whole_s
    is_whole = False

    async def received() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(loop.time() + pause_s if pause_s is not None else ends):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "That took too long.") from None
        is_whole = not message.get("more_body", False)
        return message

    return received


async def refusal_of_socket(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a handshake as if it were a request: with a status, not with an open socket."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await refusal(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})
