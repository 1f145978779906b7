"""nginx and Caddy before the page, by the recipes of its documentation."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests import documentation
from tests.paths import ROOT
from tests.ports import free_port
from tests.waiting import wait_for

PAGE = ROOT / "docs" / "web.md"


def _recipe(with_words: str) -> str:
    (text,) = [block.text for block in documentation.blocks("text") if block.page == PAGE and with_words in block.text]
    return text.replace("8000", "BACKEND")


def nginx(folder: Path, port: int, backend: int, left_out: str | None = None) -> list[str]:
    """Its command line, with the recipe in a whole configuration.

    Args:
        left_out: lines of the recipe with that word are.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("missing program: nginx")
    recipe = _recipe("proxy_pass").replace("BACKEND", str(backend))
    recipe = "\n".join(line for line in recipe.splitlines() if left_out is None or left_out not in line)
    mapped, location = recipe[: recipe.index("location")], recipe[recipe.index("location") :]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
        f"http {{ access_log off; {places}\n{mapped}\nserver {{ listen 127.0.0.1:{port};\n{location}\n}} }}\n"
    )
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, backend: int) -> list[str]:
    """The same; without its own certificate, which it would ask the whole world for."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("missing program: caddy")
    recipe = _recipe("reverse_proxy").replace("BACKEND", str(backend)).replace("cams.example.com", f"http://:{port}")
    (folder / "Caddyfile").write_text(f"{{\n  admin off\n  auto_https off\n  default_bind 127.0.0.1\n}}\n{recipe}")
    return [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def before(backend: int, program: Callable[[Path, int, int], list[str]], folder: Path) -> Iterator[int]:
    """Runs that proxy before a page's port; gives its own."""
    port = free_port()
    words = program(folder, port, backend)
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder, env={"HOME": str(folder)})
    try:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        wait_for(answers)
        yield port
    finally:
        process.terminate()
        process.wait(10)
