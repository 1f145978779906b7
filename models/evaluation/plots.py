"""The plots of an evaluation, as PNG. Drawn without a screen and without touching matplotlib's global state."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation.any_script import canvas_for_any_script
from models.evaluation.metrics import Evaluation, Ranking, reliability
from models.inference.matplotlib_as_is import import_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY, SOFT, BLUE, ORANGE = "#1c2430", "#8a94a3", "#c3cad4", "#1f6fb2", "#d9730d"
COLOURS = (BLUE, "#2f8f5b", "#b3305d", "#7a5bb5", "#8a6d3b", "#0f9aa8", "#5b6675", "#c9a000", "#d0679d", "#33507a", "#84a93c", "#a33b20")
MOST_NAMED = len(COLOURS)
"""Classes, at most, that a plot has room to name or to give a curve each."""


@dataclass(frozen=True, slots=True)
class History:
    """How a training went."""

    by_epoch: Mapping[str, Sequence[float]]
    """By measure, as Keras names them (`loss`, `val_loss`, `accuracy`, `val_accuracy`), its value after each epoch."""
    kept: int
    """The epoch, counted from 1, whose weights were kept."""
    folds: int = 0
    """The values are the mean of so many trainings of cross-validation; 0: of the one that was kept."""


def all_plots(evaluation: Evaluation, history: History | None) -> dict[str, bytes]:
    """By name, what can be drawn of it as PNG: without two classes to tell apart there are no curves, without a history no epochs."""
    plots = {}
    if history:
        plots["learning"] = learning(history)
    plots["confusion"] = confusion(evaluation)
    if len(evaluation.present) > 1:
        plots["roc"] = roc(evaluation)
        plots["precision_recall"] = precision_recall(evaluation)
    plots["reliability"] = reliability_diagram(evaluation)
    return plots


def learning(history: History) -> bytes:
    """Loss and accuracy after each epoch, on what was learnt from and on validation pictures; the epoch that was kept is marked."""
    figure, left, right = _figure(9.6, 3.9, columns=2)
    whose = f", mean of {history.folds} folds" if history.folds else ""
    curves = (("", GREY, f"learnt from, each picture changed a little{whose}"), ("val_", BLUE, f"validation{whose}"))
    for axes, name in ((left, "loss"), (right, "accuracy")):
        for key, colour, label in ((before + name, colour, label) for before, colour, label in curves):
            if values := history.by_epoch.get(key):
                axes.plot(range(1, len(values) + 1), values, color=colour, label=label, marker="o", markersize=3, linewidth=1.8)
        axes.axvline(history.kept, color=ORANGE, linewidth=1, linestyle=":", label=f"kept: epoch {history.kept}")
        axes.set_title(name.capitalize())
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.set_ylim(bottom=0)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return _png(figure)


def confusion(evaluation: Evaluation) -> bytes:
    """How many of each class were called what; colours are shares of the row."""
    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(counts)
    side = min(2.6 + 0.75 * size, 11)
    figure, axes = _figure(side + 0.8, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if size <= MOST_NAMED:
        names = [_text(name) for name in evaluation.classes]
        axes.set_xticks(range(size), names, rotation=0 if size <= 3 else 40, ha="center" if size <= 3 else "right")
        axes.set_yticks(range(size), names)
        for row in range(size):
            for column in range(size):
                colour = "white" if shares[row, column] > 0.5 else INK
                text = f"{counts[row, column]}\n{shares[row, column]:.1%}" if counts[row].any() else "–"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xlabel("called")
    axes.set_ylabel("is")
    axes.set_title("Confusion matrix")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return _png(figure)


def roc(evaluation: Evaluation) -> bytes:
    """True against false positive rate for every threshold, the chosen one marked."""
    figure, axes = _figure(5, 4.6)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    for name, ranking in _rankings(evaluation):
        axes.plot(*ranking.roc(), linewidth=1.8, label=f"{name}: area {ranking.auc():.4f}")
    if evaluation.threshold is not None:
        negative, positive = (evaluation.labels == index for index in (0, 1))
        called = evaluation.called == 1
        _mark(axes, called[negative].mean(), called[positive].mean(), evaluation.threshold)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return _png(figure)


def precision_recall(evaluation: Evaluation) -> bytes:
    """Precision against recall for every threshold, the chosen one marked."""
    figure, axes = _figure(5, 4.6)
    for name, ranking in _rankings(evaluation):
        recall, precision = ranking.precision_recall()
        label = f"{name}: average {ranking.average_precision():.4f}"
        axes.plot([0, *recall], [precision[0], *precision], drawstyle="steps-pre", linewidth=1.8, label=label)
    if evaluation.threshold is not None and (called := evaluation.called == 1).any():
        _mark(axes, called[evaluation.labels == 1].mean(), (evaluation.labels[called] == 1).mean(), evaluation.threshold)
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    return _png(figure)


def reliability_diagram(evaluation: Evaluation) -> bytes:
    """How often what was said with some probability was true, with Wilson's intervals, and how many pictures say so."""
    figure, upper, lower = _figure(5, 5.4, rows=2)
    bins = reliability(evaluation)
    said, true = np.array([one.said for one in bins]), np.array([one.true.value for one in bins])
    low, high = np.array([one.true.interval for one in bins]).T
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="as it should be")
    upper.errorbar(said, true, yerr=np.abs([true - low, high - true]), fmt="o", color=BLUE, markersize=4, capsize=2, linewidth=1)
    what = _text(evaluation.classes[1]) if len(evaluation.classes) == 2 else "the likeliest class"
    upper.set(title="Reliability", ylabel="was true", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    upper.legend(frameon=False, fontsize=8, loc="upper left")
    counts = [one.true.of for one in bins]
    lower.bar(np.floor(np.minimum(said, 0.9999) * 10) / 10 + 0.05, counts, width=0.09, color=SOFT)
    lower.set(xlabel=f"probability of {what}", ylabel="pictures", xlim=(-0.02, 1.02))
    return _png(figure)


def _rankings(evaluation: Evaluation) -> list[tuple[str, Ranking]]:
    """The classes that get a curve: the second of two; of more, the first few that have pictures."""
    indices = [1] if len(evaluation.classes) == 2 else evaluation.present.tolist()[:MOST_NAMED]
    return [(_text(evaluation.classes[i]), Ranking(evaluation.probabilities[:, i], evaluation.labels == i)) for i in indices]


def _text(name: str) -> str:
    """A class's name in quotes (matplotlib hides labels that begin with _), short, its dollars no formula."""
    short = name if len(name) <= 18 else name[:17] + "…"
    return f"“{short}”".replace("$", r"\$")


def _mark(axes: Axes, x: float, y: float, threshold: float) -> None:
    axes.plot([x], [y], "o", color=ORANGE, markersize=7, label=f"threshold {threshold:.3g}: {x:.3f}, {y:.3f}", zorder=3)


def _figure(width: float, height: float, *, rows: int = 1, columns: int = 1) -> Any:
    """A figure of so many inches and its axes, one after the other."""
    import_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, height_ratios=[3, 1] if rows == 2 else None, sharex=rows == 2)
    for one in np.ravel(axes):
        one.grid(visible=True, color="#eceff3", linewidth=0.8)
        one.set_axisbelow(True)
        one.set_prop_cycle(color=COLOURS)
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=8, colors=INK)
        one.title.set_size(11)
    return figure, *np.ravel(axes)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # of a class's name, in a script that nobody has
        canvas_for_any_script(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
