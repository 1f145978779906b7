"""The command `evaluate`: how good a model is on a folder of pictures."""

from __future__ import annotations

from pathlib import Path

from models.detection.detector import DetectorOptions
from models.evaluation.evaluate import judge_folder
from models.evaluation.metrics import measure, sentences
from models.evaluation.report import check_report_place, write_report
from stream.console.progress import ProgressReporter
from stream.errors import as_usage


def evaluate(model: str, data: Path, output: Path | None, detector: DetectorOptions | None, *, overwrite: bool) -> int:
    """Prints the numbers; writes the report where one was asked for."""
    if output is not None:
        with as_usage():
            check_report_place(output, overwrite=overwrite)
    with ProgressReporter() as progress:
        judged = judge_folder(model, data, report=progress.say, progress=progress, detector=detector)
    info, evaluation = judged.bundle.info, judged.evaluation
    measured = measure(evaluation)
    title = f"The model {info.name} on {data.absolute().name}"
    said = [f"{title}. {judged.part}", *sentences(evaluation, measured)]
    page = None
    try:  # before anything is printed: whoever reads it may go away
        if output is not None:
            survey = judged.dataset.survey
            sections = [("Judged", [judged.part]), *survey.sections()]
            page = write_report(output, info, evaluation, title=title, data_report=sections, write_pictures=survey.write, measured=measured)
    finally:
        print("\n".join(said))
    print(f"written: {page}" if page else "-o DIR writes a report with plots and the worst mistakes.")
    return 0
