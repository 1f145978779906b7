"""What the documentation says, taken apart: commands, blocks of code, links, tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROGRAMS = ("facestream ", "python ", "python3 ", "pip ", "pytest ", "ruff ", "pre-commit ", "prometheus ", "sudo ", ".ci/", ".venv/bin/")
"""What a piece of text in backticks begins with that is a command."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMENT = re.compile(r"\s+#.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Fenced text."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        """For the name of its test."""
        return f"{self.page.name}: {self.text.strip().splitlines()[0]}"


def blocks(*languages: str) -> list[Block]:
    """Those of some languages; all without."""
    found = [Block(page, *match) for page in PAGES for match in FENCE.findall(page.read_text(encoding="utf-8"))]
    return [block for block in found if not languages or block.language in languages]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands() -> list[str]:
    """Every command once, without comments: an `sh` block whole, for its lines build on each other; one of a table or a sentence alone."""
    whole = [COMMENT.sub("", block.text.replace("\\\n", " ")).strip() for block in blocks("sh")]
    known = {line for text in whole for line in text.splitlines()}
    spans = [span for page in PAGES for span in SPAN.findall(prose(page)) if span.startswith(PROGRAMS) and span not in PROGRAMS]
    return list(dict.fromkeys(whole + [span for span in spans if span not in known]))


def simple_commands(text: str) -> list[str]:
    """The single commands of a text of the shell, in its order."""
    return [part.strip() for part in re.split(r"&&|[;|&\n]", text) if part.strip()]


def links() -> list[tuple[Path, str]]:
    """Every link to a place in the repository, with the page that it is on."""
    return [(page, target) for page in PAGES for target in LINK.findall(prose(page)) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links to it, as GitHub calls them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def first_cells(page: Path) -> list[str]:
    """The first cell of each row of each table."""
    return [line[2:].split(" | ")[0] for line in prose(page).splitlines() if line.startswith("| ")]
