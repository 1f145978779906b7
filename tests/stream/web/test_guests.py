"""What a page has brought stays for a moment after its connection has gone, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stream.settings.schema import Settings
from stream.web import guests
from stream.web.camera_view import CameraView
from stream.web.guest_place import GuestPlace
from stream.web.guests import Guests
from stream.web.hub import Hub


class Counted:
    """Nobody wants to know."""

    def web_pages(self, count: int) -> None: ...

    def web_encoded(self, source: str) -> None: ...

    def web_drawn(self, source: str, age_s: float) -> None: ...


class Listener:
    """A page that writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    async def say(self, message: dict[str, Any] | bytes) -> None:
        assert isinstance(message, dict)
        self.heard.append(message)

    async def close(self, code: int = 1001, reason: str = "") -> None: ...

    def came(self, view: CameraView) -> None: ...

    def changed(self) -> None: ...


async def _body() -> AsyncIterator[bytes]:
    yield b"x" * 1000


def test_the_files_of_a_page_that_does_not_come_back_are_gone_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "BACK_WITHIN_S", 0.2)

    async def check() -> None:
        hub, page = Hub(Counted()), Listener()
        hub.opened(asyncio.get_running_loop())
        all_of_them = Guests(hub, lambda: GuestPlace(None, Settings()))
        try:
            hub.enter(page)
            await hub.hears["guest"](page, {})
            key = page.heard[0]["key"]
            job = await all_of_them.jobs.take(key, "a.jpg", "1", 1000, _body())
            while not job.over:
                await asyncio.sleep(0.01)
            assert job.why == "Nothing runs at the moment."
            hub.leave(page)
            again = Listener()
            hub.enter(again)
            await hub.hears["guest"](again, {"key": key})
            await asyncio.sleep(0.4)
            assert again.heard[0]["key"] == key
            assert again.heard[1]["id"] == job.id
            assert all_of_them.jobs.of(key) == [job], "it came back in time"
            hub.leave(again)
            while all_of_them.jobs.of(key) or job.folder.exists():
                await asyncio.sleep(0.01)
            assert all_of_them.jobs.get(job.id) is None
        finally:
            all_of_them.close()
            await hub.close()

    asyncio.run(asyncio.wait_for(check(), 10))
