"""How well people of each group are told apart: parts of `identity.py`."""

from __future__ import annotations

import numpy as np
from identity_faces import DIVERSE, IDENTITY, groups, judged, one_each, read_faces, seed
from identity_galleries import decide, galleries, judge

from models.identity.cohort import Cohort
from models.identity.recogniser import KnownPerson, Recogniser
from models.identity.strangers import cohort_of_strangers

COPIES = 1 - 0.16**2 / 2
"""Faces of UTKFace whose cosine is higher are taken for one person, twice in it."""
PER_MILLE = 0.001


def east_asian() -> None:
    """People with East Asian names among themselves."""
    names = (IDENTITY / "east_asian_names.txt").read_text().split()
    faces, cohort = judged(), Cohort.load()
    among = [name for name in names if name in faces.by_person()]
    alone, people = one_each(faces), faces.people
    theirs = np.flatnonzero(np.isin(people, among))
    different = people[theirs][:, None] != people[theirs]
    everything = cohort.measure(faces.vectors)
    for name, likeness in (("cosine", faces.vectors @ faces.vectors.T), ("normalised", everything.excess(everything))):
        point = np.quantile(likeness[np.ix_(alone, alone)][np.triu_indices(len(alone), 1)], 1 - PER_MILLE)
        confused = (likeness[np.ix_(theirs, theirs)][different] >= point).mean()
        print(f"  {name}: where 1 of 1,000 pairs of all is confused, {confused:.1%} of theirs")
    asians, cohorts = _diverse("Asian adults")
    for photos in (1, 3):
        outcome = judge(faces, 5, photos, cohort=cohort, among=among, draws=50)
        print(f"  5 people, {photos} photos, the other {len(among) - 5} as strangers: {outcome.sentence()}")
        for strangers, other in zip(asians, cohorts, strict=True):
            outcome = judge(faces, 5, photos, cohort=other, among=among, draws=50, strangers=strangers)
            print(f"  the same, {len(strangers)} Asian adults of UTKFace as strangers: {outcome.sentence()}")


def _diverse(group: str) -> tuple[list[np.ndarray], list[Cohort]]:
    """The faces of a group in each half of UTKFace, and a cohort of the other half."""
    faces = read_faces(DIVERSE)
    fold, kept = seed("halves").permutation(len(faces.files)) % 2, groups(faces.files, IDENTITY / "diverse.csv")[group]
    return (
        [faces.vectors[(fold == number) & kept] for number in (0, 1)],
        [cohort_of_strangers(faces.vectors[fold != number]) for number in (0, 1)],
    )


def by_group() -> None:
    """What strangers of each group get, from galleries of LFW and from galleries of their own group."""
    lfw, faces = judged(), read_faces(DIVERSE)
    fold, which = seed("halves").permutation(len(faces.files)) % 2, groups(faces.files, IDENTITY / "diverse.csv")
    cohorts = [cohort_of_strangers(faces.vectors[fold != number]) for number in (0, 1)]
    print("strangers named at false_names 0.01; cohorts are made of the other half of UTKFace's faces")
    print(f"  {'group':16} {'faces':>5}  of 20 of LFW, 1/3/5 photos   of 20 of their group, 1 photo   pairs confused (cosine)")
    outcomes = {
        (number, photos): [Recogniser(known, cohorts[number]) for known, _ in galleries(lfw, 20, photos, 10)]
        for number in (0, 1)
        for photos in (1, 3, 5)
    }
    alone = lfw.vectors[one_each(lfw)]
    usual = [_confused(cohort, alone, PER_MILLE) for cohort in cohorts]
    for name, members in which.items():
        parts = [faces.vectors[members & (fold == number)] for number in (0, 1)]
        shares = [
            np.mean([[(decide(one.scores(parts[n]), one.thresholds) >= 0).mean() for one in outcomes[n, photos]] for n in (0, 1)])
            for photos in (1, 3, 5)
        ]
        inside = np.mean([_inside(parts[n], cohorts[n]) for n in (0, 1)])
        rates = np.mean([[_share(parts[n], cohorts[n], usual[n][k], bool(k)) for k in (0, 1)] for n in (0, 1)], axis=0)
        row = " / ".join(f"{share:.2%}" for share in shares)
        print(f"  {name:16} {members.sum():5}  {row:27}   {inside:29.2%}   {rates[1]:.2%} ({rates[0]:.1%})")
    print("  pairs confused: of all pairs in the group, where 1 of 1,000 of LFW is, by scores (by plain cosines)")


def _confused(cohort: Cohort, vectors: np.ndarray, rate: float) -> tuple[float, float]:
    """The cosine and the excess that a share of all pairs has."""
    faces, above = cohort.measure(vectors), np.triu_indices(len(vectors), 1)
    return tuple(float(np.quantile(one[above], 1 - rate)) for one in (vectors @ vectors.T, faces.excess(faces)))  # type: ignore[return-value]


def _share(vectors: np.ndarray, cohort: Cohort, point: float, normalised: bool) -> float:
    faces, cosines = cohort.measure(vectors), vectors @ vectors.T
    counts = np.triu(cosines < COPIES, 1)
    return float(((faces.excess(faces) if normalised else cosines)[counts] >= point).mean())


def _inside(vectors: np.ndarray, cohort: Cohort, people: int = 20, draws: int = 20) -> float:
    """Galleries of strangers out of a group, the rest of it as strangers, but for those who seem to be there twice."""
    random, named = seed("inside"), []
    for _ in range(draws):
        order = random.permutation(len(vectors))
        known, passing = vectors[order[:people]], vectors[order[people:]]
        passing = passing[(passing @ known.T).max(axis=1) < COPIES]
        recogniser = Recogniser([KnownPerson("", one[None]) for one in known], cohort)
        named.append((decide(recogniser.scores(passing), recogniser.thresholds) >= 0).mean())
    return float(np.mean(named))
