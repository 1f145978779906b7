"""How well training does on real sets of photos: python tests/bench/training.py [SET...] [--architecture compact] [--base face]

Each line is one set: what was learnt, from what, and how right it is on pictures that were not learnt from, with a 95 % interval (bootstrap
over groups of copies; over the five folds together where there are folds). `gradients` tells the share of wall time in gradient steps.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.data.dataset import load_dataset
from models.data.samples import Sample, Split
from models.data.split import folds, split_samples
from models.evaluation.metrics import Evaluation, measure
from models.training.fit import batches
from models.training.trainer import Options, TrainingSetup, learn
from tests.paths import DATA

TRAINING_SETS = DATA / "train"
PEOPLE = ("Colin_Powell", "George_W_Bush", "Tony_Blair")
"""Of identity_lfw: those with 120 photos each."""
PHOTOS = 30
"""Of the one person who is told from the others."""


def quiet(line: str) -> None: ...


def samples_of(name: str, classes: Sequence[str] | None = None) -> tuple[tuple[str, ...], list[Sample]]:
    """Samples of a set, or of some of its classes, labelled in their order."""
    dataset = load_dataset(TRAINING_SETS / name, report=quiet)
    chosen = tuple(classes or dataset.classes)
    names = {dataset.classes.index(name): index for index, name in enumerate(chosen)}
    return chosen, [replace(sample, label=names[sample.label]) for sample in dataset.samples if sample.label in names]


def with_validation(rest: Sequence[Sample], test: Sequence[Sample], seed: int) -> Split:
    return split_samples([*rest, *test], seed, frozenset(sample.origin for sample in test))


def judged(split: Split, classes: tuple[str, ...], options: Options) -> Evaluation:
    learnt = learn(split, len(classes), TrainingSetup(options), report=quiet)
    return learnt.judge(split["test"], classes)


def pooled(parts: Sequence[Evaluation]) -> Evaluation:
    """Several evaluations as one: each model decided with its own threshold, so each decision is kept as one at 0.5."""
    decided = [np.stack([part.called == 0, part.called == 1], axis=1).astype(np.float32) for part in parts]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "crops")}
    origins, groups = (tuple(word for part in parts for word in getattr(part, name)) for name in ("origins", "groups"))
    return Evaluation(parts[0].classes, 0.5, probabilities=np.concatenate(decided), origins=origins, groups=groups, **arrays)


def told(what: str, evaluation: Evaluation, started: float, parts: Sequence[Evaluation] = ()) -> None:
    measured = measure(evaluation)
    shown = [f"{name.replace('_', ' ')} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for name, one in measured.items()]
    by_fold = [f"{(part.called == part.labels).mean():.3f}" for part in parts]
    each = f"; by fold {', '.join(by_fold)}" if parts else ""
    print(f"{what}: {', '.join(shown[:3])} on {len(evaluation.labels)}{each} [{time.monotonic() - started:.0f} s]", flush=True)


def smile(options: Options) -> None:
    started = time.monotonic()
    classes, samples = samples_of("smile")
    told("smile, its own test part", judged(split_samples(samples, options.seed), classes, options), started)


def mask(options: Options) -> None:
    """TrainedModel from one source, judged on another."""
    started = time.monotonic()
    classes, samples = samples_of("mask")
    split = split_samples(samples, options.seed)
    learnt = learn(split, len(classes), TrainingSetup(options), report=quiet)
    told("mask, its own test part", learnt.judge(split["test"], classes), started)
    _, elsewhere = samples_of("mask_crops853")
    told("mask, on mask_crops853", learnt.judge(elsewhere, classes), started)


def in_folds(what: str, classes: tuple[str, ...], samples: Sequence[Sample], options: Options) -> None:
    started = time.monotonic()
    parts = folds(samples, 5, options.seed)
    results = []
    for index, test in enumerate(parts):
        rest = [sample for other in parts[:index] + parts[index + 1 :] for sample in other]
        results.append(judged(with_validation(rest, test, options.seed), classes, options))
    told(what, pooled(results), started, results)


def pair(options: Options) -> None:
    for index, first in enumerate(PEOPLE):
        for second in PEOPLE[index + 1 :]:
            classes, samples = samples_of("identity_lfw", (first, second))
            in_folds(f"{first} or {second}, 5 folds", classes, samples, options)


def first_pair(options: Options) -> None:
    classes, samples = samples_of("identity_lfw", PEOPLE[:2])
    in_folds(f"{PEOPLE[0]} or {PEOPLE[1]}, 5 folds", classes, samples, options)


def one_of_many(options: Options) -> None:
    """One person by 30 photos against four fifths of the others; judged on that person's other photos and on others never seen."""
    rng = np.random.default_rng(options.seed)
    results, started = [], time.monotonic()
    for person in PEOPLE:
        classes, samples = samples_of("identity_lfw", ("_others", person))
        own, others = ([samples[i] for i in rng.permutation(len(samples)) if samples[i].label == label] for label in (1, 0))
        split = with_validation([*own[:PHOTOS], *others[60:]], [*own[PHOTOS:], *others[:60]], options.seed)
        results.append(judged(split, classes, options))
        told(f"{person} by {PHOTOS} photos against {len(others) - 60} others", results[-1], started)
    scores = [measure(result)["balanced_accuracy"].value for result in results]
    print(f"one person against others: balanced accuracy {np.mean(scores):.3f}, mean of {len(scores)} people", flush=True)


def fullphoto(options: Options) -> None:
    in_folds("identity_fullphoto, 5 folds", *samples_of("identity_fullphoto"), options)


def gradients(options: Options) -> None:
    """Wall time in gradient steps, and what they would reach if crops cost nothing: one batch again and again."""
    classes, samples = samples_of("smile")
    split, setup = split_samples(samples, options.seed), TrainingSetup(options)
    plan = replace(setup.plan(len(split["train"])), epochs=3)
    fitted = learn(split, len(classes), TrainingSetup(replace(options, plan=plan)), report=quiet).fitted
    model = setup.model(len(classes))
    crops, labels = next(batches(split["train"], plan, options.seed, 0))
    model.train_on_batch(crops, labels)
    before = time.monotonic()
    for _ in range(plan.steps):
        model.train_on_batch(crops, labels)
    bare = plan.steps / (time.monotonic() - before)
    rate = plan.epochs * plan.steps / fitted.seconds
    print(
        f"gradient steps take {fitted.gradient_seconds / fitted.seconds:.0%} of the wall time ({rate * plan.batch_size:.0f} crops/s,"
        f" validation included; {bare * plan.batch_size:.0f} crops/s with one batch again and again)",
        flush=True,
    )


SETS: dict[str, Callable[[Options], None]] = {
    "smile": smile,
    "mask": mask,
    "pair": first_pair,
    "pairs": pair,
    "one": one_of_many,
    "fullphoto": fullphoto,
    "gradients": gradients,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], metavar="SET", help=f"of: {', '.join(SETS)}; default: all but pairs")
    parser.add_argument("--architecture", choices=("original", "compact"))
    parser.add_argument("--base", help="a bundle to start from, as --from of facestream train")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    options = Options(arguments.architecture, arguments.base, seed=arguments.seed)
    print(f"network: {TrainingSetup(options).architecture}; start: {arguments.base or 'from scratch'}; seed {arguments.seed}", flush=True)
    for name in arguments.sets or [name for name in SETS if name != "pairs"]:
        SETS[name](options)


if __name__ == "__main__":
    main()
