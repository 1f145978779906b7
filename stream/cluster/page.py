"""The page of a group: on the port that the user named, or one of the next where another group of the machine has that. It also says
where all other cameras are."""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stream.cluster.status import GroupSeen, SiteStatus
from stream.errors import UsageError
from stream.web.access import TOKEN_VARIABLE
from stream.web.host import WebOptions
from stream.web.place import Place

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

MOST_PAGES = 16
"""Of a machine."""
ANSWER_S = 5.0


def page_of(where: str, host: str) -> WebOptions:
    """The page, its port taken.

    Args:
        where: `[HOST:]PORT`, as the user said.
        host: by which other machines reach this one.

    Raises:
        UsageError: it cannot be served, or nobody could open it.
    """
    if not os.environ.get(TOKEN_VARIABLE):
        raise UsageError(f"--web: set {TOKEN_VARIABLE} in the environment of each node: a page's token is not told to a cluster.")
    place = Place.parse(where)
    shown = f"[{place.host}]" if ":" in place.host else place.host
    for port in range(place.port, min(place.port + MOST_PAGES, 65536)):
        try:
            return WebOptions.asked(f"{shown}:{port}", host_names=[host])
        except UsageError as error:
            refused = error
    raise refused


def address_of(options: WebOptions, host: str) -> str:
    """What others open."""
    if options.place.host not in ("0.0.0.0", "::"):
        return options.address
    return f"http://{f'[{host}]' if ':' in host else host}:{options.place.port}/"


def whereabouts(site: str) -> Sequence[BaseRoute]:
    """`/cluster`: where each camera of a site is, for people, and `/cluster.json`, for programs."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    from stream.cluster import actors

    def answer(request: Request) -> Response:  # no coroutine: it waits, in a thread of its own
        try:
            status: SiteStatus = ray.get(actors.handle(site, actors.SUPERVISOR).status.remote(), timeout=ANSWER_S)
        except (RayError, GetTimeoutError, ValueError):
            return PlainTextResponse("The supervisor does not answer; it may be about to be restarted.", 503)
        if request.url.path.endswith(".json"):
            return JSONResponse(dataclasses.asdict(status))
        return HTMLResponse(as_html(status))

    return [Route("/cluster", answer), Route("/cluster.json", answer)]


def as_html(site: SiteStatus) -> str:
    """A table of all cameras: the node of each, and the page that shows it."""
    rows = "".join(_row(camera, group) for group in site.groups for camera in group.cameras)
    title = html.escape(site.name)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><link rel="stylesheet" href="style.css"></head>'
        f"<body><h1>{title}</h1><table><thead><tr><th>camera</th><th>group</th><th>node</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>"
    )


def _row(camera: str, group: GroupSeen) -> str:
    page = group.status.page if group.status is not None else ""
    seen = f'<a href="{html.escape(page)}">{html.escape(camera)}</a>' if page else html.escape(camera)
    words = (group.name, group.place or "-", group.note)
    return f"<tr><td>{seen}</td>{''.join(f'<td>{html.escape(word)}</td>' for word in words)}</tr>"
