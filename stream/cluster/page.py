"""The page of a group: on the port that the user named, or one of the next where another group of the machine has that."""

from __future__ import annotations

import os

from stream.errors import UsageError
from stream.web.access import TOKEN_VARIABLE
from stream.web.host import WebOptions
from stream.web.place import Place

MOST_PAGES = 16
"""Of a machine."""


def page_of(where: str) -> WebOptions:
    """The page, its port taken.

    Raises:
        UsageError: it cannot be served, or nobody could open it.
    """
    if not os.environ.get(TOKEN_VARIABLE):
        raise UsageError(f"--web: set {TOKEN_VARIABLE} in the environment of each node: a page's token is not told to a cluster.")
    place = Place.parse(where)
    for port in range(place.port, min(place.port + MOST_PAGES, 65536)):
        try:
            return WebOptions.asked(f"{_host(place)}:{port}")
        except UsageError as error:
            last = error
    raise last


def _host(place: Place) -> str:
    return f"[{place.host}]" if ":" in place.host else place.host
