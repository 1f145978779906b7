"""What the server answers: the page and its files, the login, and the socket."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from stream.web.access import Access
from stream.web.guard import Guard
from stream.web.hub import Hub
from stream.web.page_connection import PageConnection

PAGE = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The kinds of files that the page is made of."""


def page_files() -> dict[str, tuple[bytes, str]]:
    """The page: by path, what is served there and what kind it is."""
    folder = files("stream.web").joinpath("page")
    found = {f"/{file.name}": (file.read_bytes(), PAGE[f".{file.name.rpartition('.')[2]}"]) for file in folder.iterdir() if file.is_file()}
    return {"/": found["/index.html"], **found}


def make_app(
    hub: Hub, access: Access, more: Sequence[BaseRoute] = (), uploads: Collection[str] = (), public: Collection[str] = ()
) -> ASGIApp:
    """The whole server, with the guard before it.

    Args:
        more: what else is answered, to those who have the token.
        uploads: the paths among them that take files.
        public: the paths among them that need no token.
    """
    page = page_files()
    squeezed = {path: gzip.compress(body, mtime=0) for path, (body, _) in page.items()}

    async def file(request: Request) -> Response:
        path = request.scope["path"]
        body, kind = page[path]
        headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = squeezed[path], "gzip"
        return Response(body, media_type=kind, headers=headers)

    async def login(request: Request) -> Response:
        """Exchanges the token, which a page has from its address, for a cookie that no script can read."""
        peer = request.client.host if request.client else ""
        if access.throttle.too_many(peer):
            return PlainTextResponse("Too many wrong tokens; wait a minute.", 429)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return PlainTextResponse('Send JSON: {"token": "..."}', 415)
        try:
            said = json.loads(await request.body())
            token = said["token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return PlainTextResponse('Send JSON: {"token": "..."}', 400)
        if not isinstance(token, str) or not access.is_token(token):
            access.throttle.count(peer)
            return PlainTextResponse("That is not the token.", 401)
        response = Response(status_code=204)
        secure = access.tls or request.headers.get("origin", "").startswith("https:")
        # no Path: the browser takes the folder that it sees, also behind a proxy that puts one before ours
        cookie = f"{access.cookie}={access.new_cookie()}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
        response.headers["Set-Cookie"] = cookie
        return response

    async def session(request: Request) -> Response:
        """Whether the one who asks has the token already."""
        return JSONResponse({"known": request.scope["state"]["known"]})

    async def socket(websocket: WebSocket) -> None:
        await PageConnection(websocket, hub).run()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        hub.opened(asyncio.get_running_loop())
        yield
        await hub.close()

    routes: list[BaseRoute] = [Route(path, file) for path in page]
    routes += [Route("/login", login, methods=["POST"]), Route("/session", session), WebSocketRoute("/ws", socket), *more]
    without_token = frozenset({*page, "/login", "/session", *public})
    inner = Starlette(routes=routes, lifespan=lifespan)
    inner.router.redirect_slashes = False  # it would answer with an address that knows nothing of a proxy's prefix
    return Guard(inner, access, public=without_token, uploads=frozenset(uploads), refused=hub.counts.web_refused)
