"""Draws which wing imports which into docs/architecture.md, from the table that a test holds true.

python docs/draw_architecture.py            writes the drawing
python docs/draw_architecture.py --check    exit code 1 where the page has another one
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawing -->\n", "<!-- /drawing -->"
BESIDE_WINGS = {"stream": "stream/*.py", "models": "models/*.py"}
"""The files beside the wings of each package: a box of their own, called as the files are."""

Graph = Mapping[str, set[str]]


def without_transitive(graph: Graph) -> dict[str, set[str]]:
    """The edges that say something new: those left out lead where other edges lead, too.

    Args:
        graph: by node, those it points to. Without circles.
    """
    reached: dict[str, set[str]] = {}

    def below(node: str) -> set[str]:
        if node not in reached:
            reached[node] = set(graph[node]).union(*(below(other) for other in graph[node]))
        return reached[node]

    return {node: {other for other in others if not any(other in below(way) for way in others)} for node, others in graph.items()}


def mermaid(table: Mapping[str, str], package_of: Mapping[str, str]) -> str:
    """The drawing as GitHub's Mermaid: a box for each wing, in a frame for each package, arrows downwards."""
    edges = without_transitive({wing: set(others.split()) for wing, others in table.items()})
    lines = ["flowchart TB"]
    for package in BESIDE_WINGS:
        lines.append(f'  subgraph package_{package}["{package}/"]')
        lines += [f'    {wing}["{BESIDE_WINGS.get(wing, wing)}"]' for wing in table if package_of[wing] == package]
        lines.append("  end")
    for wing in table:
        below = [other for other in table if other in edges[wing]]
        if below:
            lines.append(f"  {wing} --> {' & '.join(below)}")
    return "\n".join(lines) + "\n"


def drawing() -> str:
    """What stands between the markers."""
    sys.path.insert(0, str(ROOT))  # run as a script, Python knows only the script's own folder
    from tests.import_table import FRONT_DOORS, TABLE

    package_of = {wing: "stream" if wing == "stream" or (ROOT / "stream" / wing).is_dir() else "models" for wing in TABLE}
    doors = ", ".join(f"`{door.removesuffix('.__init__')}`" for door in sorted(FRONT_DOORS))
    note = f"Front doors, which may import every wing of their package and which no wing imports: {doors}."
    return f"```mermaid\n{mermaid(TABLE, package_of)}```\n\n{note}\n"


def main() -> int:
    """Write the drawing, or compare it."""
    parser = argparse.ArgumentParser(description="Draws the import table into docs/architecture.md.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where the drawing is not up to date")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: has no place for the drawing, between {BEGIN.strip()} and {END}")
    drawn = before + BEGIN + drawing() + END + after
    if drawn == page:
        return 0
    if check:
        print(f"{PAGE.relative_to(ROOT)}: its drawing is not that of tests/import_table.py; run python docs/draw_architecture.py")
        return 1
    PAGE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
