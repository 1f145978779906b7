"""The notebook's function in a real kernel of Jupyter: the figure appears under the cell, and a shell's line works there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("nbclient", "nbformat", "ipykernel")), reason="missing packages: Jupyter's"
    ),
    pytest.mark.filterwarnings("ignore"),  # Jupyter's own
]


def test_the_cells_that_the_readme_names_run_in_a_real_kernel(portrait_path: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "from models import create_cnn_model, detect_and_recognize_faces",
        "model = create_cnn_model(); model.count_params()",
        f"len(detect_and_recognize_faces({str(portrait_path)!r}, model))",
        f"!{sys.executable} -m stream evaluate nowhere nothing -o report",
        f"!{sys.executable} -m stream export smile --format tflite -o smile.tflite",
        f"from stream import watch\nprint([face.label for result in watch({str(portrait_path)!r}) for face in result.analysis.faces])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    _, parameters, faces, refused, exported, watched = [cell.outputs for cell in notebook.cells]
    assert parameters[-1]["data"]["text/plain"] == "3453121"
    assert any("image/png" in output.get("data", {}) for output in faces), "the figure"
    assert "1" in [output.get("data", {}).get("text/plain") for output in faces]
    told = ["".join(output.get("text", "") for output in outputs) for outputs in (refused, exported, watched)]
    assert "there is no such model" in told[0]
    assert "written: " in told[1]
    assert "['face']" in told[2]
    assert not any("Traceback" in text for text in told)
    assert (tmp_path / "smile.tflite").is_file()
