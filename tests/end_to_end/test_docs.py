"""The documentation is true: settings files load, links lead somewhere, and what is made from code is up to date."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from stream.settings.loading import load_settings
from stream.settings.schema import SECTIONS, Settings
from tests import documentation
from tests.command import facestream
from tests.import_table import TABLE
from tests.paths import ROOT

README = ROOT / "README.md"


def test_packages_are_those_that_ci_installs() -> None:
    installed = set((ROOT / ".ci" / "run").read_text(encoding="utf-8").partition("packages=(")[2].partition(")")[0].split())
    texts = [one for text in documentation.commands() for one in documentation.simple_commands(text) if "apt-get install" in one]
    named = {word for text in texts for word in text.split()[3:] if not word.startswith("-")}
    assert len(texts) >= 3
    assert named <= installed | {"python3-venv"}
    assert installed - {"python3"} <= named, "the pages name all that the tests need"


def test_extras_are_there() -> None:
    there = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {name for page in documentation.PAGES for name in re.findall(r"(?:'\.|facestream)\[(\w+)\]", page.read_text(encoding="utf-8"))}
    assert {"test", "export", "gpu", "heic"} <= named <= set(there)


def test_commits_are_checked_as_in_ci() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]] == [".ci/checks"]
    assert "\n.ci/checks\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "checks", os.X_OK)


def test_the_drawing_of_the_architecture_is_up_to_date() -> None:
    command = [sys.executable, "docs/draw_architecture.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_wing_is_described() -> None:
    cells = documentation.first_cells(ROOT / "docs" / "architecture.md")
    wings = cells[cells.index("wing") + 1 : cells.index("type")]
    assert wings == [f"`{wing}`" for wing in TABLE]


def test_no_command_hides_in_a_block_of_another_kind() -> None:
    assert {block.language for block in documentation.blocks()} <= {"sh", "python", "yaml", "json", "text", "mermaid"}


def test_the_settings_files_are_right(tmp_path: Path) -> None:
    names = []
    for block in documentation.blocks("yaml"):
        (tmp_path / "my.yaml").write_text(block.text, encoding="utf-8")
        names += [source.name for source in load_settings(tmp_path / "my.yaml").sources]
    assert names == ["door", "desk", "gate", "lobby"]


def test_an_event_has_the_fields_that_its_page_names(portrait_path: Path) -> None:
    page = ROOT / "docs" / "events.md"
    (shown,) = (json.loads(block.text) for block in documentation.blocks("json") if block.page == page)
    real = json.loads(facestream("run", portrait_path, "--events", "-").stdout)
    assert list(real) == list(shown)
    missing = {"certainty": "a photo's faces are not followed", "person": "nobody is known"}
    assert list(real["faces"][0]) == [field for field in shown["faces"][0] if field not in missing]
    told = {name for cell in documentation.first_cells(page) for name in re.findall(r"`(\w+)`", cell)}
    hidden = {"hidden", "style", "shape", "areas", "whole"}
    assert told - hidden == {*shown, *shown["faces"][0], "utc"}


@pytest.mark.parametrize(("page", "target"), documentation.links(), ids=lambda value: value if isinstance(value, str) else value.name)
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    place = (page.parent / path).resolve() if path else page
    assert place.exists()
    assert not anchor or anchor in documentation.anchors(place)


def test_every_file_and_setting_that_is_named_is_there() -> None:
    spans = {span for page in documentation.PAGES for span in documentation.SPAN.findall(documentation.prose(page))}
    files = {span for span in spans if re.fullmatch(r"(models|stream|tests|docs)/[\w./-]+", span)}
    settings = {match for span in spans for match in re.findall(rf"(?<![\w./-])({'|'.join(SECTIONS)})\.(\w+)", span)}
    assert len(files) > 20
    assert len(settings) > 10
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert [pair for pair in settings if pair[1] not in type(getattr(Settings(), pair[0])).model_fields] == []


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 1300


def test_the_readme_s_numbers_are_those_of_the_benchmarks() -> None:
    table = documentation.prose(README).partition("## Numbers")[2].partition("## Limits")[0]
    numbers = set(re.findall(r"(?<![\d.])\d+\.\d+(?![\d.])", table))
    assert len(numbers) >= 5
    assert numbers <= set(re.findall(r"\d+\.\d+", (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")))


def test_both_packages_carry_their_types() -> None:
    assert [(ROOT / package / "py.typed").exists() for package in ("models", "stream")] == [True, True]
