"""The card of a bundle: what a person should know before trusting it."""

from __future__ import annotations

from models.classification.bundle import ModelInfo
from models.classification.score_fusion import NO_SCORE


def write_card(info: ModelInfo, command: str, split: str, results: list[str], limits: list[str]) -> str:
    """The text of README.md beside `model.json`.

    Args:
        command: what made the bundle.
        split: what was learnt from and what was kept apart.
        results: a line each, measured on what was kept apart.
        limits: what it was not made or tested for, a line each.
    """
    pictures = ", ".join(f"{count} {name}" for name, count in info.data.pictures.items())
    versions = ", ".join(f"{name} {version}" for name, version in info.versions.items())
    threshold = "the likeliest class" if info.threshold is None else f"`{info.classes[1]}` from {info.threshold:g} up"
    lines = [
        f"# {info.name}",
        "",
        info.meaning,
        "",
        f"- Classes: {', '.join(info.classes)}." + (f" Left out of results: {', '.join(info.drop)}." if info.drop else ""),
        f"- Input: {info.input_px}×{info.input_px} RGB, square crops with a margin of {info.crop.margin:g}. Network: {info.architecture}.",
        f"- Label: {threshold}. {info.threshold_rule}",
        *_fusion(info),
        f"- TrainedModel from: {pictures} (crops, each changed a little every time it was seen).",
        f"- Split: {split}",
        f"- Made on {info.trained_on} with seed {info.seed} by `{command}`.",
        f"- Data fingerprint: `{info.data.fingerprint[:16]}`; versions: {versions}.",
        "",
        "## On pictures it never saw",
        "",
        *(f"- {line}" for line in results),
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in limits),
    ]
    return "\n".join(lines) + "\n"


def _fusion(info: ModelInfo) -> list[str]:
    if info.detector is None:
        return []
    network, score, bias = info.detector.weights
    return [
        f"- The score of the detector {info.detector.name} counts: the probability's logit is"
        f" {network:g} × the network's + {score:g} × the score's {bias:+g},"
        f" fitted on validation finds. A find without a score counts as one of {NO_SCORE:g}."
        " With another detector the network's own answer is used, for which the threshold was not chosen."
    ]
