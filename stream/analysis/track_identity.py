"""Who a track is: many looks, a name that is neither given too early nor flickers, and when to look again."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from stream.faces import Person

KEPT = 32
"""Looks that decide, the newest."""
ENOUGH, ENOUGH_NEAR = 2, 3
"""Looks before a face is said to be somebody, or clearly nobody; before it is nobody where it is near somebody (a guess)."""
CLEAR = 1.0
"""So far from its threshold nothing is near. Scores are powers of ten: of the strangers that reach a threshold a tenth reach so much more,
and one look is enough for a name; of the photos of known people 1 in 150 lies so far below (LFW)."""
LEAVES = 0.4
"""A name is taken away where the median falls so much below its threshold, so that one that lies near it does not flicker."""
ANOTHER, NOBODY = 3, 5
"""After so many looks running that name somebody else, or are not like the named one at all, the face is another one: two people passed
each other, and the track went on with the wrong one (a guess)."""
UNLIKE = 0.5
"""A look below this share of the threshold is not like the named one at all: 1 in 150 photos of that person are, 97 in 100 of others (LFW).
"""
SOONER = 0.5
"""As long as it is not decided by two looks or more, or seems to be another one, a face is looked at after this share of `every_s`."""
RARER = 4.0
"""So many times `every_s` is the longest time between two looks at a face whose median lies `CLEAR` or more away from the threshold."""
AGAIN = 0.2
"""After a look that showed too little the next comes after this share of `every_s`."""


class Gallery(Protocol):
    """People who are known, as far as a track needs them: `models.identity.recogniser.Recogniser`."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def thresholds(self) -> np.ndarray:
        """(P,) float32: a face is a person where its score is the highest of all and not below this."""
        ...

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """(N, F) float32 -> (N, P) float32."""
        ...


class TrackIdentity:
    """The looks at one track, and what follows from them.

    The median of each person's scores decides, not the mean vector of the looks, which moves strangers towards somebody (ten times as many
    of them were named after eight looks), and not the best look (six times as many).
    """

    def __init__(self, *, one_look: bool = False) -> None:
        """`one_look`: there will be no other, as on a photo."""
        self._vectors: list[np.ndarray] = []
        """Of the newest looks: scores are made of them anew when people come or go."""
        self._scores = np.zeros((0, 0), np.float32)
        """(looks, P) of those."""
        self._gallery: Gallery | None = None
        """That gave the scores."""
        self._enough, self._enough_near = (1, 1) if one_look else (ENOUGH, ENOUGH_NEAR)
        self._person: Person | None = None
        self._wait, self._asked_s = 0.0, -math.inf
        """How many times `every_s` until the next look, and when the newest was asked for."""
        self._calm, self._above = 1.0, 0.0
        """How many times `every_s` is enough once it is settled; how far above the threshold of who it is, or might be, the median lies."""
        self._denied: set[str] = set()
        self._taken: Collection[str] = ()
        self._decided = False
        self._name: str | None = None
        self._other, self._unlike = 0, 0
        """How many looks running named the same other person, or were not like the named one."""
        self._rival: str | None = None

    def due(self, time_s: float, every_s: float, *, rarer: bool = True) -> bool:
        """Whether to look again; `rarer`: where there is no doubt, up to `RARER` times as seldom."""
        return time_s - self._asked_s >= every_s * (self._wait if rarer else min(self._wait, 1.0)) or time_s < self._asked_s

    def asked(self, time_s: float) -> None:
        """A look was asked for."""
        self._asked_s, self._wait = time_s, AGAIN

    def add(self, vector: np.ndarray, scores: np.ndarray, gallery: Gallery, taken: Collection[str] = ()) -> None:
        """Takes a look that showed enough.

        Args:
            vector: (F,) that describes the face.
            scores: (P,) of `gallery` for it.
            taken: names of other faces in the same picture: a hint that it is somebody else, and no more, as there are mirrors and screens.
        """
        self._keep(gallery)
        self._taken = taken
        self._vectors = [*self._vectors, vector][-KEPT:]
        self._scores = np.concatenate([self._scores, scores[None]])[-KEPT:]
        self._notice_another(scores)
        self._decide()
        settled = self._decided and len(self._vectors) >= ENOUGH and not (self._other or self._unlike)
        self._calm = min(2 * self._calm, RARER) if settled and abs(self._above) >= CLEAR else 1.0
        self._wait = self._calm if settled else SOONER

    def person(self, gallery: Gallery) -> Person | None:
        """Who it is, as these people are known now; None: that is not decided yet."""
        if gallery is not self._gallery:
            self._keep(gallery)
            self._decide()
        return self._person

    @property
    def name(self) -> str | None:
        """Of the person that it is taken for, if any."""
        return self._name

    def deny(self, name: str) -> None:
        """Somebody says that it is not this person: the name is not given again."""
        self._denied.add(name)
        if self._name == name:
            self._name, self._decided, self._wait = None, False, SOONER
            self._decide()

    def _keep(self, gallery: Gallery) -> None:
        """Looks mean what they mean to these people. Who has gone is named no longer; the others stay who they were."""
        if gallery is self._gallery:
            return
        self._gallery = gallery
        nothing = np.zeros((0, len(gallery.names)), np.float32)
        self._scores = gallery.scores(np.stack(self._vectors)) if self._vectors else nothing
        self._rival, self._other, self._unlike = None, 0, 0
        if self._name not in gallery.names:
            self._name, self._decided, self._wait = None, False, min(self._wait, SOONER)

    def _decide(self) -> None:
        self._person = None
        if not self._vectors or self._gallery is None:
            return
        middle, thresholds, looks = np.median(self._scores, axis=0), self._gallery.thresholds, len(self._vectors)
        place = self._place(self._name)
        if place is None or middle[place] < thresholds[place] - LEAVES:
            self._name, place = None, self._best(middle)
            above = -math.inf if place is None else float(middle[place] - thresholds[place])
            name = self._gallery.names[place] if place is not None else ""
            at_once = above >= CLEAR and name not in self._taken
            if above >= 0 and (self._decided or at_once or looks >= (self._enough_near if name in self._taken else self._enough)):
                self._name, self._decided = name, True
            elif above < 0 and looks >= (self._enough if above <= -CLEAR else self._enough_near):
                self._decided = True
        self._above = -math.inf if place is None else float(middle[place] - thresholds[place])
        if self._decided:
            score = 0.0 if place is None else round(float(middle[place]), 3)
            self._person = Person(self._name, score, looks, self._is_doubted(thresholds))

    def _is_doubted(self, thresholds: np.ndarray) -> bool:
        """Whether the newest look names somebody else, or is not like the named one at all."""
        newest = self._scores[-1]
        best, mine = self._best(newest), self._place(self._name)
        is_another = best is not None and best != mine and newest[best] >= thresholds[best]
        return bool(is_another or (mine is not None and newest[mine] < UNLIKE * thresholds[mine]))

    def _notice_another(self, scores: np.ndarray) -> None:
        """Whether the newest looks are of somebody else than those before: then those count no longer."""
        gallery, name = self._gallery, self._name
        if gallery is None or name is None:
            return
        best, mine = self._best(scores), self._place(name)
        said = gallery.names[best] if best is not None and scores[best] >= gallery.thresholds[best] else None
        self._other = 0 if said in (None, name) else self._other + 1 if said == self._rival else 1
        self._rival = said
        self._unlike = self._unlike + 1 if mine is not None and scores[mine] < UNLIKE * gallery.thresholds[mine] else 0
        if self._other >= ANOTHER or self._unlike >= NOBODY:
            newest = max(self._other, self._unlike)
            self._vectors, self._scores = self._vectors[-newest:], self._scores[-newest:]
            self._rival, self._other, self._unlike, self._name = None, 0, 0, None

    def _best(self, scores: np.ndarray) -> int | None:
        """Whose of (P,) scores is the highest, but for who it is said not to be; None: nobody is left."""
        names: Sequence[str] = self._gallery.names if self._gallery is not None else ()
        if self._denied:
            scores = np.where([name in self._denied for name in names], -np.inf, scores)
        best = int(scores.argmax()) if len(scores) else 0
        return best if len(scores) and scores[best] > -np.inf else None

    def _place(self, name: str | None) -> int | None:
        names = self._gallery.names if self._gallery is not None else ()
        return names.index(name) if name in names else None
