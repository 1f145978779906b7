"""The map of the house: which wing imports which. `test_imports.py` holds it true, `docs/draw_architecture.py` draws it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

TABLE = {
    "cli": "cluster archive job web console diagnostics sources sinks drawing settings stream "
    "training evaluation export people identity detection imaging models",
    "cluster": "archive job web console diagnostics pipeline sources sinks monitoring settings stream classification models",
    "archive": "job segments console pipeline analysis sources sinks drawing monitoring settings stream classification imaging models",
    "job": "replay web console pipeline analysis sources sinks drawing monitoring settings stream inference imaging models",
    "web": "pipeline sources sinks drawing monitoring settings stream classification inference imaging",
    "console": "pipeline sources sinks stream",
    "diagnostics": "pipeline analysis sources sinks drawing monitoring settings stream detection inference imaging",
    "segments": "replay analysis sources sinks drawing settings stream detection",
    "pipeline": "classification analysis sources sinks drawing monitoring settings stream inference models",
    "replay": "analysis settings stream classification detection",
    "analysis": "monitoring settings stream people classification identity detection imaging",
    "sources": "settings stream imaging models",
    "sinks": "drawing monitoring settings stream inference imaging models",
    "drawing": "stream imaging",
    "monitoring": "stream",
    "settings": "stream identity detection models",
    "stream": "models",
    "training": "evaluation data classification detection inference imaging models",
    "evaluation": "data classification detection inference imaging models",
    "export": "classification detection inference imaging models",
    "data": "detection imaging models",
    "classification": "detection inference imaging models",
    "people": "identity detection imaging models",
    "identity": "detection inference imaging models",
    "detection": "inference imaging models",
    "inference": "models",
    "imaging": "models",
    "models": "",
}
"""By wing, from the top: the wings that it imports, all of them below it. `stream` and `models` are the files beside the wings."""

FRONT_DOORS = {"stream.__init__", "stream.__main__", "models.__init__", "models.notebook"}
"""What users of the packages import: they may use every wing of theirs, and nothing uses them."""


def modules() -> dict[str, Path]:
    """Every module of both packages, by its dotted name."""
    found = {}
    for package in ("models", "stream"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)] = path
    return found


def wing_of(module: str) -> str:
    """The wing that a module lies in; the package for those beside its wings; itself for a front door."""
    package, _, rest = module.partition(".")
    if not rest or module in FRONT_DOORS:
        return module if rest else f"{package}.__init__"
    wing = rest.partition(".")[0]
    return wing if (ROOT / package / wing).is_dir() else package


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of both packages that a file imports, also in functions and for type checkers alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if node.module.partition(".")[0] in ("models", "stream"):
                    yield name if name in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in ("models", "stream"))


def uses() -> dict[str, set[str]]:
    """What each module imports."""
    known = modules()
    return {module: set(imported(path, known)) for module, path in known.items()}


def circles(uses: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, directly or by way of others: the strongly connected components (Tarjan 1972) of more than one."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        open_.append(module)
        for used in uses.get(module, set()) - {module}:
            if used not in number:
                visit(used)
            if used in open_:
                lowest[module] = min(lowest[module], lowest[used])
        if lowest[module] == number[module]:
            begin = open_.index(module)
            if len(open_) - begin > 1:
                found.append(sorted(open_[begin:]))
            del open_[begin:]

    for module in uses:
        if module not in number:
            visit(module)
    return found
