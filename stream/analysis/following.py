"""Faces are followed: each is checked where it should be, and the whole picture is searched now and then."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import Detections
from models.imaging.boxes import iou
from stream.analysis.ahead import Ahead
from stream.analysis.anew import passes_anew
from stream.analysis.answering import Answering, seen_of
from stream.analysis.cuts import is_cut, is_quiet, thumbnail
from stream.analysis.followed import Followed, Scores, Track, is_inside, sound
from stream.analysis.lookback import LONGEST_S, Entry, Lookback, reach_s
from stream.analysis.naming import Naming
from stream.analysis.requests import Alike, Check, Requests, Search
from stream.analysis.search_budget import SearchBudget
from stream.analysis.telling import Telling, seen_now
from stream.analysis.track_answer import TrackAnswer
from stream.analysis.track_manager import Looking
from stream.analysis.trail import Trail
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.schema import LOWEST_SCORE, Settings

if TYPE_CHECKING:
    from stream.analysis.identifier import Identifier

Steps = Generator[Requests, None, None]

CHECKED_FOR_S = 0.12
"""For how long a face that is gone is looked for at its place in every frame; after a search, until it is forgotten (a guess)."""
KNOWN = 5
"""A face that was seen well so often is searched for at once when it is lost."""
QUIET_S = 1.0
"""A picture in which nothing changes but known faces is searched so often: nobody can have come."""
MOST_FRAMES = 60
"""Between two searches, whatever the clock says: a file's times may stand still."""
ACROSS_A_CUT = 0.5
"""Overlap (IoU) of a face before and after what seems to be a cut, from which it is asked whether it is the same (a guess)."""
RARER_IN_FILES = 2.0
"""Files are searched so many times as seldom: what is found is looked for in the frames before. In 20 clips not a face less was found."""


class Following:
    """A `TrackManager` that looks at known faces in every frame, and at the rest of the picture every `tracker.search_every_s`."""

    still = False
    searches_together = False

    def __init__(
        self,
        info: SourceInfo,
        settings: Settings,
        model: FaceModel | None = None,
        budget: SearchBudget | None = None,
        identifier: Identifier | None = None,
    ) -> None:
        """
        Args:
            settings: of this source.
            model: answers for its faces; None: they are found and followed, and that is all.
            identifier: knows people; None: nobody is named.
            budget: of live sources: says whether there is time for a search.
        """
        self.live, self.settings = info.live, settings
        self.every_frame = False
        """Every frame is searched: somebody else does so anyway."""
        self._name, self._budget = info.name, budget
        self._answering, self._naming = Answering(model), Naming(identifier)
        self._followed, self._lookback = Followed(), Lookback()
        self._thumbnail: np.ndarray | None = None
        """Of the newest frame."""
        self._searched_thumbnail: np.ndarray | None = None
        self._before: Frame | None = None
        self._searched_s, self._searched_in = -np.inf, 0
        self._is_new_scene = False
        """There was a cut, and there was no time yet to search what came after it."""
        self._ahead = Ahead()
        self._scene, self._was_enabled = 0, settings.detector.enabled
        self._telling = Telling(model, self._naming, live=info.live)

    @property
    def model(self) -> FaceModel | None:
        return self._answering.model

    @model.setter
    def model(self, model: FaceModel | None) -> None:
        self._answering.model = self._telling.model = model
        for track in self._followed.tracks:
            track.answer = TrackAnswer()

    def deny(self, track: int, name: str) -> None:
        for one in self._followed.tracks:
            if one.number == track:
                one.identity.deny(name)

    @property
    def _scores(self) -> Scores:
        """What the user asked for moves all of them."""
        return Scores.for_lowest(self.settings.detector.lowest_score / LOWEST_SCORE)

    def min_face_px(self, frame: Frame) -> int:
        return self.settings.detector.smallest_face_px(min(frame.width, frame.height), still=False)

    def look(self, frames: Sequence[Frame]) -> Looking:
        befores = [self._before, *frames[:-1]]
        entries = [self._entry(frame, before) for frame, before in zip(frames, befores, strict=True)]
        for number, entry in enumerate(entries):
            if self.settings.detector.enabled:
                if not self.live and not self._ahead.holds(entry.frame):
                    yield from self._check_ahead(entries[number:])
                yield from self._look(entry)
                self._ask(entry)
            else:
                self._judge_what_is_over(self._followed.tracks)
                self._followed.end(self._followed.tracks)
            self._lookback.add(entry)
            self._before = entry.frame
        yield from self._answering.answers(self.settings.classifier)
        yield from self._naming.answers()
        return [self._told(entry) if self.live else _nothing_yet(entry.frame) for entry in entries]

    def settle(self, frame: Frame, analysis: Analysis) -> list[tuple[Frame, Analysis]]:
        released = self._lookback.settle(-1.0 if self.live else LONGEST_S)
        return [(frame, analysis)] if self.live else [(entry.frame, self._told(entry)) for entry in released]

    def flush(self) -> list[tuple[Frame, Analysis]]:
        self._judge_what_is_over(self._followed.tracks)
        released = self._lookback.release_all()  # what was looked at and never settled is lost: that look failed
        return [] if self.live else [(entry.frame, self._told(entry)) for entry in released]

    def _told(self, entry: Entry) -> Analysis:
        gone = [one for one in self._followed.unseen if self.live and not one.doubted(self._scores)]
        return self._telling.analysis(entry, self.settings, gone)

    def _entry(self, frame: Frame, before: Frame | None) -> Entry:
        small, earlier = thumbnail(frame), self._thumbnail
        self._thumbnail = small
        resized = before is not None and (before.width, before.height) != (frame.width, frame.height)
        cut = resized or (earlier is not None and is_cut(earlier, small))
        self._scene += cut or self.settings.detector.enabled != self._was_enabled  # nothing is known across a time without looks
        self._was_enabled = self.settings.detector.enabled
        step_s = frame.time_s - before.time_s if before is not None else np.inf
        anew = not self.live and before is not None and passes_anew(before.time_s, frame.time_s)
        return Entry(frame, self._scene, cut, step_s, small, anew)

    def _look(self, entry: Entry) -> Steps:
        followed = self._followed
        over = followed.begin(entry.frame.time_s, self.settings.tracker.forget_after_s, self._scores)
        self._judge_what_is_over(over)
        self._is_new_scene |= entry.cut
        if self._is_new_scene and self._may_search(forced=True):
            self._is_new_scene = False
            yield from self._search_another_scene(entry)
        elif self._search_is_due(entry) and self._may_search(forced=self._searched_in == 0):
            yield from self._search(entry)
        elif self._budget is not None:
            self._budget.there(self._name)
        yield from self._check(entry)
        lost = any(one.hits >= KNOWN and one.seen_in == followed.count - 1 for one in followed.tracks)
        if lost and not entry.searched and self._may_search():
            yield from self._search(entry)
        if entry.searched and not self.live:
            self._take_back(entry.frame.time_s)
        entry.searched_s = self._searched_s
        self._confirm()
        entry.seen = [seen_now(one) for one in followed.tracks if one.seen_in == followed.count]
        for seen in entry.seen:
            self._lookback.fill(seen, entry)

    def _search_is_due(self, entry: Entry) -> bool:
        """Whether the next frame would come too late for it."""
        every_s = self.settings.tracker.search_every_s
        if self.every_frame or entry.anew:
            return True
        if not self.live:
            every_s = min(RARER_IN_FILES * every_s, reach_s(entry))  # what is found must be looked for in the frames before
        since_s = entry.frame.time_s + entry.step_s - self._searched_s
        if self._followed.count - self._searched_in >= MOST_FRAMES or not 0 <= since_s <= max(every_s, QUIET_S):
            return True
        return since_s > every_s and not self._is_quiet(entry)

    def _is_quiet(self, entry: Entry) -> bool:
        faces = np.array([one.filter.predict(entry.frame.time_s) for one in self._followed.tracks]).reshape(-1, 4)
        frame = entry.frame
        return self._searched_thumbnail is not None and is_quiet(
            self._searched_thumbnail, entry.thumbnail, faces, frame.width, frame.height
        )

    def _may_search(self, *, forced: bool = False) -> bool:
        return (
            self.every_frame or self._budget is None or self._budget.grants(self._name, self.settings.tracker.search_every_s, forced=forced)
        )

    def _search(self, entry: Entry) -> Steps:
        found = yield from self._found(entry)
        new = self._followed.match(found, self.settings.tracker.min_overlap, anew=entry.anew)
        if new and not self.live:
            yield from self._look_back(new, entry.scene)

    def _search_another_scene(self, entry: Entry) -> Steps:
        """No track goes on, but for one whose face is where it was and looks as it did: then it was a flash, or something large passed."""
        found = yield from self._found(entry)
        over = yield from self._over(found, entry.frame)
        self._judge_what_is_over(over)
        self._followed.end(over)
        self._followed.match(found, self.settings.tracker.min_overlap, anew=entry.anew)

    def _found(self, entry: Entry) -> Generator[Requests, None, Detections]:
        """Search all of a frame."""
        search = Search(entry.frame, self.min_face_px(entry.frame))
        yield [search]
        entry.searched = True
        self._searched_s, self._searched_in, self._searched_thumbnail = entry.frame.time_s, self._followed.count, entry.thumbnail
        return sound(search.found, entry.frame)

    def _over(self, found: Detections, frame: Frame) -> Generator[Requests, None, list[Track]]:
        """Tracks whose faces were not found again where they were, or do not look as they did."""
        tracks = self._followed.tracks
        if self._before is None or not len(found) or not tracks:
            return list(tracks)
        boxes = np.stack([one.filter.box for one in tracks])
        overlap = iou(boxes, found.boxes)
        best = overlap.argmax(axis=1)
        there = np.flatnonzero(overlap.max(axis=1) >= ACROSS_A_CUT)
        if not len(there):
            return list(tracks)
        alike = Alike(self._before, boxes[there], frame, found.boxes[best[there]])
        yield [alike]
        going_on = set(there[alike.same].tolist())
        return [one for number, one in enumerate(tracks) if number not in going_on]

    def _check(self, entry: Entry) -> Steps:
        time_s = entry.frame.time_s
        unseen = [one for one in self._followed.unseen if entry.searched or self._was_just_here(one, time_s)]
        unseen = [one for one in unseen if is_inside(one.filter.predict(time_s), entry.frame)]
        expected = [one.filter.predict(time_s) for one in unseen]
        rows = [self._ahead.take(entry.frame, one, box) for one, box in zip(unseen, expected, strict=True)]
        asked = [number for number, row in enumerate(rows) if row is None]
        if asked:
            check = Check(entry.frame, np.stack([expected[number] for number in asked]))
            yield [check]
            for row, number in enumerate(asked):
                rows[number] = check.found.take(np.array([row]))
        if rows:
            self._followed.check(unseen, Detections.joined([row for row in rows if row is not None]))

    def _was_just_here(self, track: Track, time_s: float) -> bool:
        return track.seen_in == self._followed.count - 1 or track.time_since_update_s(time_s) <= CHECKED_FOR_S

    def _check_ahead(self, entries: Sequence[Entry]) -> Steps:
        """Check calm faces in all frames that are there and come before the next search, in one call: where they will be is known."""
        self._ahead = Ahead()
        calm = [one for one in self._followed.tracks if one.seen_in == self._followed.count and one.filter.calm]
        before_search = list(itertools.takewhile(lambda entry: not entry.cut and not self._search_is_due(entry), entries))
        if calm and len(before_search) > 1:
            checks = [Check(one.frame, np.stack([track.filter.predict(one.frame.time_s) for track in calm])) for one in before_search]
            yield checks
            self._ahead = Ahead(checks, calm)

    def _look_back(self, new: Sequence[Track], scene: int) -> Steps:
        """Look for new faces in the held frames before, from one to the one before it, until they are seen no more."""
        trails = [Trail(one, self._scores) for one in new]
        for entry in reversed(self._lookback.entries):
            if entry.scene != scene or not trails:
                return
            check = Check(entry.frame, np.stack([one.expected for one in trails]))
            yield [check]
            trails = [one for row, one in enumerate(trails) if one.goes_on(check.found, row, entry)]

    def _take_back(self, time_s: float) -> None:
        """Of what a search has just overlooked, and checks are not sure of. If one search alone has found it, it was no face in the frames
        that nobody was told of yet either.
        """
        doubted = [one for one in self._followed.unseen if one.doubted(self._scores)]
        for track in doubted:
            track.doubted_s = time_s
            if track.finds == 1:
                self._lookback.take_back(track)
                track.confirmed &= self.settings.tracker.confirm[0] == 1 or track.number > 0 or track.certain_s > track.born_s
        self._followed.end([one for one in doubted if not one.confirmed])

    def _confirm(self) -> None:
        """Which finds are faces: seen in so many of so many looks. The others are followed no longer."""
        hits, looks = self.settings.tracker.confirm
        for track in self._followed.tracks:
            track.confirmed = track.confirmed or track.hits >= hits
        self._followed.end([one for one in self._followed.tracks if not one.confirmed and one.looks >= looks])

    def _judge_what_is_over(self, tracks: Sequence[Track]) -> None:
        """Those whose time was too short to be seen often enough count as faces, if every look saw one."""
        for track in tracks:
            track.confirmed = track.confirmed or track.hits == track.looks

    def _ask(self, entry: Entry) -> None:
        """Notes what the models are to be asked about a frame."""
        shown = [one.track for one in entry.seen if one.track.confirmed or self.live or one.track.hits == one.track.looks]
        if shown:
            identities, rarer = [one.identity for one in shown], not self.settings.hide.on
            self._answering.note(entry.frame, shown, self.settings.classifier, rarer=rarer, anew=entry.anew)
            self._naming.note(entry.frame, seen_of(shown), identities, self.settings.identity, rarer=rarer, anew=entry.anew)


def _nothing_yet(frame: Frame) -> Analysis:
    return Analysis(frame.source, frame.index, frame.time_s)
