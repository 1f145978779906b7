"""The map of the house, kept true: who may import whom, and what must stay cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

HEAVY = {"keras", "tensorflow"}
TRAINING = {
    "training.calibration",
    "training.cross_validation",
    "training.fit",
    "training.model_files",
    "training.reduced_precision",
    "training.train",
    "training.trained_model",
    "training.trainer",
}
"""These need Keras whatever they do, and nothing that serves imports them."""
MAY_LOAD_KERAS = {
    "classification.bundle",
    "classification.classifier",
    "classification.networks",
    "detection.compiled.cascade",
    "detection.compiled.steps",
    "detection.mtcnn",
    "export.formats",
    "inference.keras_quiet",
    "inference.network",
    "notebook",
}
"""Inside a function only: the CPU path never loads Keras."""


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


def modules(package: str) -> list[Path]:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    return files


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", modules("models"), ids=lambda path: path.stem)
def test_models_know_nothing_of_time_and_threads(path: Path) -> None:
    assert "stream" not in roots(imports(path))
    assert not roots(imports(path)) & {"av", "prometheus_client", "typer", "yaml"}


@pytest.mark.parametrize("path", modules("stream"), ids=lambda path: path.stem)
def test_streams_know_nothing_of_keras(path: Path) -> None:
    assert not roots(imports(path)) & (HEAVY | {"openvino", "mtcnn"})


@pytest.mark.parametrize("path", modules("models"), ids=lambda path: path.stem)
def test_keras_is_loaded_only_where_it_is_needed(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT / "models").with_suffix("").parts)
    if module in TRAINING:
        return
    at_import = imports(path, top_level_only=True)
    assert not roots(at_import) & HEAVY
    assert not at_import & {f"models.{name}" for name in TRAINING}
    if roots(imports(path)) & HEAVY:
        assert module in MAY_LOAD_KERAS


@pytest.mark.parametrize("path", modules("stream"), ids=lambda path: path.stem)
def test_only_one_module_reads_yaml_and_one_imports_av(path: Path) -> None:
    if path.parent.name != "settings":
        assert "yaml" not in roots(imports(path))
    if path.name != "media.py":
        assert "av" not in roots(imports(path)), "import it from stream.media: av before cv2 makes windows hang"


@pytest.mark.parametrize("path", modules("models"), ids=lambda path: path.stem)
def test_only_one_module_imports_openvino(path: Path) -> None:
    if path.name != "openvino_quiet.py":
        assert "openvino" not in roots(imports(path)), "import it from models.inference.openvino_quiet: it sends telemetry otherwise"


def test_nothing_is_reported_to_anybody() -> None:
    code = "import sys, threading\nfrom models import MTCNN\nMTCNN()\n"
    code += "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])\n"
    code += "print([thread.name for thread in threading.enumerate()])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.splitlines()[-2:] == ["[]", "['MainThread']"]


def test_no_module_is_named_like_the_standard_library() -> None:
    names = {path.stem for package in ("models", "stream") for path in modules(package)}
    assert not names & set(sys.stdlib_module_names) - {"__init__", "__main__"}


def test_asking_for_help_loads_no_model_and_no_codec() -> None:
    code = "import sys; sys.argv = ['facestream', '--help']\nimport stream.cli.app\ntry: stream.cli.app.main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('cv2', 'av', 'openvino', 'tensorflow', 'keras', 'matplotlib') if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.splitlines()[-1] == "[]"
