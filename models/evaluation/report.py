"""An evaluation for people: one HTML page that needs nothing else, and its plots and numbers as files beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from models.atomic import written_whole
from models.classification.bundle import SHIPPED, ModelInfo
from models.errors import ModelError, already_there
from models.evaluation.metrics import Evaluation, Measured, flat, measure
from models.evaluation.plots import History, all_plots
from models.evaluation.report_page import Sections, page_of
from models.places import printable, resolved, why_no_new_folder

PAGE = "report.html"


def check_report_place(folder: Path, *, overwrite: bool = True) -> None:
    """Refuses, before any work, a place where a report may not be written.

    Raises:
        ModelError: it holds something other than an earlier report, or one that must not be replaced, or bundles that are shipped.
    """
    if resolved(folder).is_relative_to(SHIPPED.resolve()):
        raise ModelError(f"{folder}: a report shows people's pictures and must not lie among the models that ship; name another folder.")
    if why := why_no_new_folder(folder):
        raise ModelError(f"{printable(folder)}: {why}.")
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() and not (folder / PAGE).is_file():
        raise ModelError(f"{folder}: holds something other than a report; name a new folder.")
    if folder.exists() and not overwrite:
        raise ModelError(already_there(folder, "report"))


def write_report(
    folder: Path,
    info: ModelInfo,
    evaluation: Evaluation,
    *,
    title: str,
    history: History | None = None,
    data_report: Sections = (),
    write_pictures: Callable[[Path], None] | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> Path:
    """Writes `report.html`, `plots/*.png`, `metrics.json` and `predictions.csv`, all or nothing; an earlier report there is replaced.

    The page shows pictures of those the model was most wrong about.

    Args:
        title: what was judged, and on what.
        history: of the training, where there was one.
        data_report: what was found out about the data.
        write_pictures: writes `pictures.csv` at the path it is given: what became of every file.
        measured: as `measure` gives it, where it is known already.

    Returns:
        The page.

    Raises:
        ModelError: it cannot be written, or must not be there.
    """
    check_report_place(folder)
    measured = dict(measured or measure(evaluation))
    plots = all_plots(evaluation, history)
    page = page_of(title, info, evaluation, measured, plots, data_report)
    try:
        with written_whole(folder) as fresh:
            (fresh / "plots").mkdir(parents=True)
            for name, picture in plots.items():
                (fresh / "plots" / f"{name}.png").write_bytes(picture)
            (fresh / "metrics.json").write_text(json.dumps(flat(measured), indent=2) + "\n", encoding="utf-8")
            if write_pictures is not None:
                write_pictures(fresh / "pictures.csv")
            _write_predictions(fresh / "predictions.csv", evaluation)
            (fresh / PAGE).write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ModelError(f"{folder}: the report could not be written ({error.strerror or error}); nothing was changed.") from error
    return folder / PAGE


def _write_predictions(path: Path, evaluation: Evaluation) -> None:
    """A row a picture: where it is, what it is, what it was called, and the probability of each class."""
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        rows = csv.writer(file)
        rows.writerow(["picture", "is", "called", *(f"probability of {name}" for name in evaluation.classes)])
        for origin, label, called, row in zip(
            evaluation.origins, evaluation.labels, evaluation.called, evaluation.probabilities, strict=True
        ):
            rows.writerow([origin, evaluation.classes[label], evaluation.classes[called], *(f"{value:.6f}" for value in row)])
