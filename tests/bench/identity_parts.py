"""Pairs, galleries, enrolment, tracks, groups without names and time: parts of `identity.py`."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable

import cv2
import numpy as np
from identity_faces import DIVERSE, IDENTITY, LFW, Faces, cut, groups, halves, judged, one_each, read_faces, seed
from identity_galleries import decide, galleries, judge

from models.identity.chips import sharpness
from models.identity.cohort import Cohort
from models.identity.embedder import FaceEmbedder
from models.identity.grouping import group
from models.identity.recogniser import KnownPerson, Recogniser
from models.identity.strangers import cohort_of_strangers


def blurred(sigma_px: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: cv2.GaussianBlur(image, None, sigma_px)


def shrunk(image: np.ndarray, times: int) -> np.ndarray:
    """Smaller and large again."""
    small = cv2.resize(image, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


LOOKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as they are": lambda image: image,
    "eyes 20 px apart": lambda image: shrunk(image, 2),
    "eyes 14 px apart": lambda image: shrunk(image, 3),
    "eyes 10 px apart": lambda image: shrunk(image, 4),
    "blur 2 px": blurred(2),
    "blur 3 px": blurred(3),
    "a quarter of the light": lambda image: (image * 0.25).astype(np.uint8),
    "JPEG of quality 10": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], cv2.IMREAD_UNCHANGED),
}
"""Of photos on which eyes are 41 px apart in the median."""


def pairs() -> None:
    """Pairs as in LFW's view 2, and all pairs of strangers."""
    tell_pairs(judged(), Cohort.load())


def tell_pairs(faces: Faces, cohort: Cohort) -> None:
    """The same of these faces."""
    place = {name: number for number, name in enumerate(faces.files)}
    with (IDENTITY / "pairs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["a"] in place and row["b"] in place]
    a, b = (np.array([place[row[side]] for row in rows]) for side in "ab")
    same = np.array([row["same"] == "1" for row in rows])
    print(
        f"{len(rows)} pairs of pairs.csv, {same.sum()} of one person; strangers: all pairs of {len(one_each(faces))} people, a photo each"
    )
    alone = one_each(faces)
    for name, vectors, normalised in (
        ("cosine, float32", faces.vectors, False),
        ("cosine, as it runs here", faces.fast, False),
        ("normalised, float32", faces.vectors, True),
        ("normalised, as it runs here", faces.fast, True),
    ):
        everything = cohort.measure(vectors)
        likeness = everything.excess(everything) if normalised else vectors @ vectors.T
        strangers = likeness[np.ix_(alone, alone)][np.triu_indices(len(alone), 1)]
        found = likeness[a, b]
        rates = [f"{(found[same] >= np.quantile(strangers, 1 - rate)).mean():.4f} at {rate:g}" for rate in (1e-2, 1e-3, 1e-4)]
        print(f"  {name:28}  accuracy {accuracy(found, same):.4f}   of one person found, at a share of strangers: {', '.join(rates)}")


def accuracy(likeness: np.ndarray, same: np.ndarray, folds: int = 10) -> float:
    """Each tenth is judged by the threshold that is best for the others."""
    fold = seed("folds").permutation(len(same)) % folds
    right = 0
    for number in range(folds):
        points = np.quantile(likeness[fold != number], np.linspace(0, 1, 1001))
        best = max(points, key=lambda point: ((likeness[fold != number] >= point) == same[fold != number]).sum())
        right += int(((likeness[fold == number] >= best) == same[fold == number]).sum())
    return right / len(same)


def open_set() -> None:
    """Galleries of LFW, strangers of LFW."""
    faces, cohort = judged(), Cohort.load()
    for rate in (0.01, 0.001, 0.03):
        print(f"false_names {rate:g}, 20 galleries each")
        for people, photos in ((5, 3), (20, 1), (20, 3), (20, 5), (100, 1), (100, 3), (400, 1)):
            print(f"  {people:3} people, {photos} photos: {judge(faces, people, photos, cohort=cohort, false_names=rate).sentence()}")


def enrolment() -> None:
    """What is warned of: somebody else's photo among three, blur."""
    faces, cohort, random = judged(), Cohort.load(), seed("enrolment")
    own = {name: photos for name, photos in faces.by_person().items() if len(photos) >= 3}
    intruders, clean, by_distance = [], [], []
    everybody = np.arange(len(faces.files))
    for name, photos in own.items():
        for _ in range(4):
            three = random.permutation(photos)[:3]
            other = random.choice(everybody[faces.people != name])
            clean.append(_odd(faces.vectors[three], cohort))
            intruders.append(_odd(faces.vectors[[*three[:2], other]], cohort, last=True))
            apart = np.linalg.norm(faces.vectors[other] - KnownPerson("", faces.vectors[three[:2]]).template())
            by_distance.append(apart > 0.4)
    print(f"  {len(clean)} sets of 3 photos, 1 of 100 strangers would fit the others: intruders found {np.mean(intruders):.2%},")
    print(f"  clean sets warned of {np.mean(clean):.2%}; by distance (over .40) intruders found {np.mean(by_distance):.2%}")
    some = faces.of(random.permutation(len(faces.files))[:600])
    print(f"  sharpness below 10: intact {(faces.sharp < 10).mean():.2%} of {len(faces.files)}", end="")
    for sigma in (2, 3, 4):
        print(f", blur {sigma} px {(sharpness(cut(LFW, some, blurred(sigma))) < 10).mean():.2%}", end="")
    print(" (eyes 41 px apart in the median)")


def _odd(vectors: np.ndarray, cohort: Cohort, last: bool = False, share: float = 0.01) -> bool:
    """Whether a photo (the last) fits the others less than such a share of strangers does."""
    found = []
    for number in range(len(vectors)):
        others = Recogniser([KnownPerson("", np.delete(vectors, number, axis=0))], cohort)
        found.append(others.false_name_rate(float(others.scores(vectors[number : number + 1])[0, 0])) > share)
    return bool(found[-1] if last else any(found))


def looks(count: int = 600) -> None:
    """Looks that are small, blurred, dark or turned, at people who are known by three sharp photos, and at strangers."""
    faces, cohort, random = judged(), Cohort.load(), seed("bad looks")
    embedder = FaceEmbedder.load(device="cpu", precision="f32")
    known, rest = next(galleries(faces, 20, 3, 1, spare=5))
    recogniser = Recogniser(known, cohort)
    theirs = [photo for left in rest.values() for photo in left[:10]]
    who = [number for number, left in enumerate(rest.values()) for _ in left[:10]]
    others = random.permutation(np.flatnonzero(~np.isin(faces.people, list(rest))))[:count]
    print(f"  20 people, 3 photos; {len(theirs)} looks at them, {count} at strangers")
    for name, spoil in LOOKS.items():
        found = [
            decide(recogniser.scores(embedder.describe(cut(LFW, faces.of(np.array(some)), spoil))), recogniser.thresholds)
            for some in (theirs, others)
        ]
        print(f"  {name:24} identified {(found[0] == who).mean():.3f}, strangers named {(found[1] >= 0).mean():.2%}")
    alone = faces.of(one_each(faces)[:420])
    for sigma in (0, 2, 3, 4):
        vectors = embedder.describe(cut(LFW, alone, blurred(sigma) if sigma else LOOKS["as they are"]))
        recogniser = Recogniser([KnownPerson("", one[None]) for one in vectors[:20]], cohort)
        named = (decide(recogniser.scores(vectors[20:]), recogniser.thresholds) >= 0).mean()
        print(f"  20 people with 1 photo, that and all looks blurred by {sigma} px: strangers named {named:.2%}")


def tracks() -> None:
    """Eight looks at one face, here different photos: a track of a video is more alike."""
    faces, cohort = judged(), Cohort.load()
    own = faces.by_person()
    counts = {key: [0, 0] for key in ("one look", "median of 8", "mean of 8", "any of 8", "known, one look", "known, median of 8", "flips")}
    for known, rest in galleries(faces, 20, 3, 40, spare=8):
        recogniser, random = Recogniser(known, cohort), seed("looks", len(known))
        for name, photos in own.items():
            left = rest.get(name, photos)
            if len(left) < 8:
                continue
            scores = recogniser.scores(faces.vectors[random.permutation(left)[:8]])
            medians = np.array([np.median(scores[: n + 1], axis=0) for n in range(8)])
            running = decide(medians[1:], recogniser.thresholds)
            if name in rest:
                number = [one.name for one in known].index(name)
                _count(counts["known, one look"], decide(scores[:1], recogniser.thresholds)[0] == number)
                _count(counts["known, median of 8"], running[-1] == number)
                given = running[running >= 0]
                _count(counts["flips"], len(set(given)) > 2)
                continue
            mean = faces.vectors[random.permutation(left)[:8]].mean(axis=0)
            _count(counts["one look"], decide(scores[:1], recogniser.thresholds)[0] >= 0)
            _count(counts["median of 8"], running[-1] >= 0)
            _count(counts["any of 8"], (decide(scores, recogniser.thresholds) >= 0).any())
            _count(counts["mean of 8"], decide(recogniser.scores(mean / np.linalg.norm(mean)), recogniser.thresholds)[0] >= 0)
    print("  20 people, 3 photos, 40 galleries; shares that get a name (known: the right one; flips: two other names in one track)")
    print("  " + ", ".join(f"{key} {hits / max(total, 1):.2%} of {total}" for key, (hits, total) in counts.items()))


def _count(counter: list[int], hit: bool) -> None:
    counter[0] += bool(hit)
    counter[1] += 1


def sorting() -> None:
    """Groups without names."""
    faces, cohort = judged(), Cohort.load()
    _, person = np.unique(faces.people, return_inverse=True)
    for share in (0.1, 0.3, 1):
        kept = np.isin(person, seed("sorting").permutation(person.max() + 1)[: round(share * (person.max() + 1))])
        start = time.perf_counter()
        numbers, who = group(faces.vectors[kept], cohort), person[kept]
        took = time.perf_counter() - start
        purity = sum(np.bincount(who[numbers == number]).max() for number in np.unique(numbers)) / len(who)
        several = [numbers[who == one] for one in np.unique(who) if (who == one).sum() > 1]
        completeness = sum(np.bincount(one).max() for one in several) / sum(map(len, several))
        print(
            f"  {kept.sum()} faces of {len(np.unique(who))} people, {len(several)} of them with several: {len(np.unique(numbers))} groups,",
            end="",
        )
        print(f" purity {purity:.4f}, completeness {completeness:.4f}, {took:.1f} s")


def own_cohorts() -> None:
    """Strangers of one's own as a cohort, in place of the one that ships or beside it: does false_names still hold?"""
    learnt, faces = halves(read_faces(LFW))
    diverse, shipped = read_faces(DIVERSE), Cohort.load()
    lfw = learnt.vectors[one_each(learnt)]
    random = seed("own cohorts")
    cohorts = {"the one that ships": shipped}
    for count in (len(diverse.files), 1000, 500):
        cohorts[f"{count} of UTKFace, alone"] = cohort_of_strangers(random.permutation(diverse.vectors)[:count])
    for count in (len(lfw), 500):
        cohorts[f"{count} of LFW, alone"] = cohort_of_strangers(lfw[:count])
    for count in (len(lfw), 500, 100):
        cohorts[f"{count} of LFW, beside"] = cohort_of_strangers(lfw[:count], shipped)
    for name, cohort in cohorts.items():
        found = [judge(faces, people, 3 if people < 100 else 1, cohort=cohort).sentence() for people in (20, 100)]
        print(f"  {name:22} 20 x 3: {found[0]}\n  {'':22} 100 x 1: {found[1]}")
    which = groups(diverse.files, IDENTITY / "diverse.csv")
    adults = cohort_of_strangers(diverse.vectors[which["women"] | which["men"]])
    toddlers, usual = adults.measure(diverse.vectors[which["0 to 2 years"]]), adults.measure(faces.vectors[one_each(faces)])
    point = np.quantile(usual.excess(usual)[np.triu_indices(len(usual.vectors), 1)], 0.999)
    confused = (toddlers.excess(toddlers)[np.triu_indices(len(toddlers.vectors), 1)] >= point).mean()
    print(f"  a cohort of adults alone, where 1 of 1,000 pairs of LFW is confused: {confused:.0%} of pairs of children up to two years")


def speed(rounds: int = 15, faces: int = 16) -> None:
    """A face described, beside dlib in the same run, in turns."""
    chips = cut(LFW, judged().of(np.arange(faces)))
    ways: dict[str, Callable[[np.ndarray], object]] = {
        f"ours, {precision}, {what}": FaceEmbedder.load(device="cpu", precision=precision, mirror=mirror).describe
        for precision in ("auto", "f32")
        for mirror, what in ((True, "with its mirror image"), (False, "alone"))
    }
    try:
        import dlib

        theirs = dlib.face_recognition_model_v1(os.environ["FACESTREAM_DLIB_WEIGHTS"])
        ways["dlib"] = lambda chip: [theirs.compute_face_descriptor(one) for one in chip]
    except (ImportError, KeyError):
        print("  no dlib beside: it is not installed, or FACESTREAM_DLIB_WEIGHTS does not name its file")
    for batch in (1, faces):
        times = {name: list[float]() for name in ways}
        for number in range(rounds):
            for name, describe in ways.items():
                start = time.perf_counter()
                describe(chips[number % faces : number % faces + 1] if batch == 1 else chips)
                times[name].append((time.perf_counter() - start) / batch * 1e3)
        print(
            f"  {batch} at once, ms a face, best (median):  "
            + ",  ".join(f"{k} {min(v):.1f} ({np.median(v):.1f})" for k, v in times.items())
        )
        if "dlib" in times:
            ratios = {name: np.median(np.divide(times["dlib"], taken)) for name, taken in times.items() if name != "dlib"}
            print(
                "    times as fast as dlib, median of the rounds:  " + ",  ".join(f"{name} {ratio:.0f}" for name, ratio in ratios.items())
            )
    people = [KnownPerson(str(n), one[None]) for n, one in enumerate(judged().vectors[:1000])]
    for count in (100, 1000):
        recogniser, vectors = Recogniser(people[:count], Cohort.load()), judged().vectors[:1]
        start = time.perf_counter()
        for _ in range(200):
            recogniser.scores(vectors)
        print(f"  scores of a face against {count} people: {(time.perf_counter() - start) * 5:.2f} ms")
