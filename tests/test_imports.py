"""The map of the house, kept true: who may import whom, and what must stay cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests import import_table
from tests.import_table import FRONT_DOORS, TABLE, wing_of
from tests.paths import ROOT

HEAVY = {"keras", "tensorflow"}
NEED_KERAS = ("models.training",)
"""These need Keras whatever they do, and nothing that serves imports them."""
MAY_LOAD_KERAS = (
    "models.notebook",
    "models.classification",
    "models.detection",
    "models.export.formats",
    "models.identity.keras_network",
    "models.inference.keras_backend",
    "models.inference.keras_as_meant",
    "models.inference.keras_quiet",
)
"""Inside a function only: the CPU path never loads Keras."""
FILES = import_table.modules()


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """The modules that a file imports, but for those under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if not (top_level_only and isinstance(node, ast.FunctionDef)):
            pending.extend(ast.iter_child_nodes(node))
    return found


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def of(package: str) -> list[str]:
    return [module for module in FILES if module.split(".")[0] == package]


def test_import_table() -> None:
    seen: dict[str, set[str]] = {wing: set() for wing in TABLE}
    for module, used in import_table.uses().items():
        wing = wing_of(module)
        for other in () if wing in FRONT_DOORS else map(wing_of, used):
            assert other not in FRONT_DOORS, f"{module} imports {other}, which is for users"
            seen[wing] |= {other} - {wing}
    assert seen == {wing: set(others.split()) for wing, others in TABLE.items()}


def test_a_wing_imports_only_wings_below_it() -> None:
    floors = list(TABLE)
    for wing, others in TABLE.items():
        assert all(floors.index(other) > floors.index(wing) for other in others.split()), wing


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert import_table.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert import_table.circles(import_table.uses()) == []


@pytest.mark.parametrize("module", of("models"))
def test_models_know_nothing_of_time_and_threads(module: str) -> None:
    assert not roots(imports(FILES[module])) & {"stream", "av", "prometheus_client", "typer", "yaml"}


@pytest.mark.parametrize("module", of("stream"))
def test_streams_know_nothing_of_keras(module: str) -> None:
    assert not roots(imports(FILES[module])) & (HEAVY | {"openvino", "mtcnn"})


@pytest.mark.parametrize("module", of("models"))
def test_keras_is_loaded_only_where_it_is_needed(module: str) -> None:
    if module.startswith(NEED_KERAS):
        return
    assert not roots(imports(FILES[module], top_level_only=True)) & HEAVY
    if roots(imports(FILES[module])) & HEAVY:
        assert module.startswith(MAY_LOAD_KERAS)


@pytest.mark.parametrize("module", of("stream"))
def test_only_one_module_reads_yaml_and_one_imports_av_and_cv2(module: str) -> None:
    if wing_of(module) != "settings":
        assert "yaml" not in roots(imports(FILES[module]))
    if module not in ("stream.media", "stream.diagnostics.probes"):  # the latter tries each alone, in a process of its own
        assert not roots(imports(FILES[module])) & {"av", "cv2"}, "import them from stream.media: av before cv2 makes windows hang"


@pytest.mark.parametrize("module", of("models"))
def test_only_one_module_imports_openvino(module: str) -> None:
    if module != "models.inference.openvino_quiet":
        assert "openvino" not in roots(imports(FILES[module])), "openvino_quiet has it: it sends telemetry otherwise"


def test_detectors_are_built_in_one_place() -> None:
    builders = {"models.detection.mtcnn", "models.detection.yunet"}
    users = {module for module, used in import_table.uses().items() if used & builders and module not in FRONT_DOORS}
    assert users == {"models.detection.detector"}


def test_nothing_is_reported_to_anybody() -> None:
    code = "import sys, threading\nfrom models import MTCNN\nMTCNN()\n"
    code += "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])\n"
    code += "print([thread.name for thread in threading.enumerate()])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.splitlines()[-2:] == ["[]", "['MainThread']"]


def test_no_module_is_named_like_the_standard_library() -> None:
    names = {path.stem for path in FILES.values()}
    assert not names & set(sys.stdlib_module_names) - {"__init__", "__main__"}


def test_asking_for_help_loads_no_model_and_no_codec() -> None:
    code = "import sys; sys.argv = ['facestream', '--help']\nimport stream.cli.app\ntry: stream.cli.app.main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('cv2', 'av', 'openvino', 'tensorflow', 'keras', 'matplotlib', 'ray') if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.splitlines()[-1] == "[]"
