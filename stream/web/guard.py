"""What every request passes first: is it meant for this server, is it one of our own pages, and may it come in."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream.web.access import Access

SAFE = frozenset({"GET", "HEAD"})
LARGEST_BODY = 64 * 1024
"""Bytes of a request that is no upload."""
LARGEST_UPLOAD = 512 * 1024 * 1024


class Guard:
    """Checks a request, then hands it on. What it lets pass has `scope["state"]["known"]`: whether the sender has the token."""

    def __init__(self, app: ASGIApp, access: Access, *, public: frozenset[str], uploads: frozenset[str]) -> None:
        """
        Args:
            public: paths that need no token: the page itself, which holds nothing.
            uploads: paths that take more than `LARGEST_BODY`.
        """
        self._app, self._access, self._public, self._uploads = app, access, public, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            if scope["type"] == "websocket":
                await refusal_of_socket(refusal, scope, receive, send)
            else:
                await refusal(scope, receive, self._with_headers(send, headers))
            return
        if scope["type"] == "http":
            limit = LARGEST_UPLOAD if scope["path"] in self._uploads else LARGEST_BODY
            length = headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > limit:
                await PlainTextResponse("That is too large.", 413)(scope, receive, self._with_headers(send, headers))
                return
            send = self._with_headers(send, headers)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        access, host, origin = self._access, headers.get("host", ""), headers.get("origin")
        if not access.is_host(host):
            return PlainTextResponse("This server does not answer to that name; --web-host-name adds one.", 421)
        peer = scope["client"][0] if scope.get("client") else ""
        bearer = headers.get("authorization", "")
        with_bearer = bearer[:7].lower() == "bearer "
        if with_bearer and access.throttle.too_many(peer):
            return PlainTextResponse("Too many wrong tokens; wait a minute.", 429)
        known = self._has_cookie(headers)
        if not known and with_bearer:
            known = access.is_token(bearer[7:].strip())
            if not known:
                access.throttle.count(peer)
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if changes and not (known and with_bearer and origin is None):
            if origin is None or not access.is_origin(origin, host):
                return PlainTextResponse("Only this server's own pages may do that.", 403)
            if headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return PlainTextResponse("Only this server's own pages may do that.", 403)
        if not known and scope["path"] not in self._public:
            return PlainTextResponse("The token is missing or wrong.", 401, {"WWW-Authenticate": "Bearer"})
        scope.setdefault("state", {})["known"] = known
        return None

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie("; ".join(headers.getlist("cookie")))
        except CookieError:
            return False
        cookie = cookies.get(self._access.cookie)
        return cookie is not None and self._access.is_cookie(cookie.value)

    def _with_headers(self, send: Send, headers: Headers) -> Send:
        host, scheme = headers.get("host", ""), "wss" if self._access.tls else "ws"
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
            # the sockets by name: older Safaris do not count them as 'self'
            f"connect-src 'self' {scheme}://{host} wss://{host}; manifest-src 'self'; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
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
            await send(message)

        return sent


async def refusal_of_socket(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a handshake as if it were a request: with a status, not with an open socket."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await refusal(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})
