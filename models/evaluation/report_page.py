"""An evaluation as one HTML page that needs nothing else: its plots and pictures are inside."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence

import cv2

from models.classification.bundle import ModelInfo
from models.evaluation.metrics import Evaluation, Measured, sentences, worst_mistakes

MOST_MISTAKES = 48
"""Shown as pictures: what fits on a few screens."""

Sections = Sequence[tuple[str, Sequence[str]]]
"""Headings, each with its lines."""

MEANINGS = {
    "accuracy": ("Accuracy", "share of the pictures called what they are"),
    "balanced_accuracy": ("Balanced accuracy", "the mean over the classes of the share called right"),
    "auc": ("Area under the ROC curve", "how likely a picture of the class scores above one of another"),
    "average_precision": ("Average precision", "area under the precision-recall curve"),
    "log_loss": ("Log loss", "0 is best; 0.693 is a coin's, with two classes"),
    "calibration_error": ("Calibration error", "mean distance of what was said from what was true, in tenths; chance alone leaves some"),
}
PLOTS = {
    "learning": "Loss and accuracy after each epoch, for validation pictures once calibrated. Those judged on this page had no part in it.",
    "confusion": "Rows are what the pictures show, columns what the model called them.",
    "roc": "How many of the class are caught against how many others are, for every threshold.",
    "precision_recall": "How many of those called so are so, against how many are caught, for every threshold.",
    "reliability": "Of pictures given about the same probability, how many it was true of (95 % intervals), and how many there are.",
}


def page_of(
    title: str, info: ModelInfo, evaluation: Evaluation, measured: dict[str, Measured], plots: dict[str, bytes], data_report: Sections
) -> str:
    parts = [
        f"<h1>{_safe(title)}</h1>",
        _summary(info, evaluation, measured),
        _numbers(measured),
        _list(sentences(evaluation, {})),
        '<div class="plots">' + "".join(_plot(name, picture) for name, picture in plots.items()) + "</div>",
        _mistakes(evaluation),
        _sections(data_report),
        _model(info),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_safe(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _summary(info: ModelInfo, evaluation: Evaluation, measured: dict[str, Measured]) -> str:
    accuracy = measured["accuracy"]
    counts = ", ".join(f"{int((evaluation.labels == index).sum())} {evaluation.classes[index]}" for index in evaluation.present)
    rule = "The likeliest class is called."
    if evaluation.threshold is not None:
        rule = f"“{evaluation.classes[1]}” is called from a probability of {evaluation.threshold:.3g} up."
    return (
        f'<p class="headline"><b>{accuracy.value:.1%}</b> right <span>(95 % interval {accuracy.low:.1%} to {accuracy.high:.1%})</span></p>'
        f"<p>{_safe(info.meaning)} {_safe(rule)} Judged on {len(evaluation.labels)} pictures: {_safe(counts)}.</p>"
    )


def _numbers(measured: dict[str, Measured]) -> str:
    rows = [
        f"<tr><th>{MEANINGS[name][0]}</th><td>{one.value:.4f}</td><td>{one.low:.4f} – {one.high:.4f}</td><td>{MEANINGS[name][1]}</td></tr>"
        for name, one in measured.items()
    ]
    return (
        "<h2>Numbers</h2><table><tr><th></th><th>value</th><th>95 % interval</th><th></th></tr>" + "".join(rows) + "</table>"
        '<p class="note">Intervals: bootstrap over groups of equal or related pictures, within each class. They say what chance leaves '
        "open on pictures like these, not what happens on others. Where nothing was wrong, the lower bound is Wilson's for the smallest "
        "class.</p>"
    )


def _plot(name: str, picture: bytes) -> str:
    return f'<figure class="{name}">{_image(picture, "png", name)}<figcaption>{PLOTS[name]}</figcaption></figure>'


def _mistakes(evaluation: Evaluation) -> str:
    wrong = int((evaluation.called != evaluation.labels).sum())
    if not wrong:
        return "<h2>Mistakes</h2><p>None.</p>"
    figures = []
    for index in worst_mistakes(evaluation, MOST_MISTAKES):
        _, coded = cv2.imencode(".jpg", cv2.cvtColor(evaluation.crops[index], cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
        is_, called = (evaluation.classes[part] for part in (evaluation.labels[index], evaluation.called[index]))
        doubt = evaluation.probabilities[index, evaluation.labels[index]]
        figures.append(
            f"<figure>{_image(coded.tobytes(), 'jpeg', 'what the model saw')}<figcaption>is <b>{_safe(is_)}</b>, "
            f"called <b>{_safe(called)}</b>; P({_safe(is_)}) = {doubt:.3f}<br><small>{_safe(evaluation.origins[index])}</small>"
            "</figcaption></figure>"
        )
    shown = f"The worst {len(figures)} of {wrong}" if wrong > len(figures) else f"All {wrong}"
    return f'<h2>Mistakes</h2><p>{shown}, as the model saw them, the surest first.</p><div class="mistakes">{"".join(figures)}</div>'


def _sections(data_report: Sections) -> str:
    if not data_report:
        return ""
    parts = [f"<h3>{_safe(heading)}</h3>{_list(lines)}" for heading, lines in data_report if lines]
    return f"<h2>Data</h2>{''.join(parts)}"


def _model(info: ModelInfo) -> str:
    learnt = ", ".join(f"{count} {name}" for name, count in info.data.pictures.items())
    rows = {
        "Name": info.name,
        "Network": f"{info.architecture}, {info.input_px}×{info.input_px} px, square crops with a margin of {info.crop.margin:g}",
        "Threshold": info.threshold_rule,
        "Temperature": "not calibrated" if info.temperature is None else f"{info.temperature:.3f} (built into the network)",
        "Learnt from": f"{learnt}; fingerprint {info.data.fingerprint[:16]}",
        "Made": f"{info.trained_on}, seed {info.seed}, with " + ", ".join(f"{name} {version}" for name, version in info.versions.items()),
    }
    return "<h2>Model</h2><table>" + "".join(f"<tr><th>{key}</th><td>{_safe(value)}</td></tr>" for key, value in rows.items()) + "</table>"


def _list(lines: Sequence[str]) -> str:
    """Names in backticks, as cards have them, become bold."""
    return "<ul>" + "".join("<li>" + re.sub("`([^`]*)`", r"<b>\1</b>", _safe(line)) + "</li>" for line in lines) + "</ul>"


def _image(content: bytes, kind: str, what: str) -> str:
    return f'<img src="data:image/{kind};base64,{base64.b64encode(content).decode()}" alt="{what}">'


def _safe(text: str) -> str:
    return html.escape(text)


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #fff; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
.headline b { font-size: 2.2rem; } .headline span, .note, figcaption { color: #5b6675; } .note, figcaption { font-size: 13px; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 600; }
th, td { padding: .25rem .9rem .25rem 0; vertical-align: top; }
td { font-variant-numeric: tabular-nums; } td:not(:last-child), tr > th:first-child { white-space: nowrap; }
tr { border-bottom: 1px solid #eceff3; }
ul { padding-left: 1.2rem; } li, td, small { overflow-wrap: anywhere; }
.plots { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; } figure { margin: 0; }
.plots figure { flex: 0 1 500px; } .plots .learning { flex-basis: 100%; } .plots img { max-width: 100%; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 1rem; } .mistakes img { width: 100%; }
"""
