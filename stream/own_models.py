"""Our package `models`, where another of that common name lies before it on Python's path: a Django project's, a folder of weights."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

OURS = Path(__file__).resolve().parents[1] / "models" / "__init__.py"


def take_own_models() -> None:
    """Makes `import models` ours, for a process that is ours: the command."""
    if _is_ours(getattr(sys.modules.get("models"), "__file__", None)):
        return
    spec = importlib.util.spec_from_file_location("models", OURS, submodule_search_locations=[str(OURS.parent)])
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["models"] = module
    spec.loader.exec_module(module)


def refuse_other_models() -> None:
    """
    Raises:
        ImportError: a program that uses `stream` would get another `models`, or has it already.
    """
    loaded = sys.modules.get("models")
    found = getattr(loaded, "__file__", None) if loaded is not None else getattr(importlib.util.find_spec("models"), "origin", None)
    if not _is_ours(found):
        raise ImportError(
            f"stream needs the package models that came with it ({OURS.parent}), and Python finds another of that name ({found}): "
            "start Python elsewhere, or take that folder out of PYTHONPATH."
        )


def _is_ours(file: str | None) -> bool:
    return file is not None and Path(file).resolve() == OURS
