"""Frames get what the events say of them; what is to be hidden is, whoever is not told of too."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.errors import UsageError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.replay.replay import Replay
from stream.replay.saved import SavedEvents
from stream.settings.loading import load_settings
from stream.settings.schema import Settings

BOX = [300.0, 200.0, 340.0, 250.0]
FACE = {
    "track": 1,
    "box": BOX,
    "score": 0.9,
    "landmarks": [[310.0, 215.0], [330.0, 215.0], [320.0, 225.0], [312.0, 237.0], [328.0, 237.0]],
    "state": "found",
    "age_s": 0.0,
}
COUNT = 100


def person(name: str | None) -> dict[str, Any]:
    return FACE | {"person": {"name": name, "score": 5.0, "looks": 3}}


def replayed(tmp_path: Path, faces: dict[int, list[dict[str, Any]] | None], *settings: str, **more: Any) -> list[Analysis]:
    """What a hundred frames get, 25 a second.

    Args:
        faces: of each frame that has some; None: it has no event.
        more: what else each event says.
    """
    path = tmp_path / "faces.jsonl"
    events = []
    for index in range(COUNT):
        if (told := faces.get(index, [])) is not None:
            event = {"source": "clip.mp4", "frame": index, "time_s": index / 25, "width": 640, "height": 480, "faces": told}
            events.append(event | more)
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    replay, info = Replay(SavedEvents(path)), SourceInfo("clip.mp4", 640, 480)
    tracks = replay.follow(info, replay.match(info, load_settings(None, settings)))
    out: list[Analysis] = []
    image = np.full((480, 640, 3), 128, np.uint8)
    for index in range(COUNT):
        frame = Frame.of_image(image, source="clip.mp4", captured_at=0.0, index=index, pts=index, time_base=Fraction(1, 25))
        (analysis,) = Analyser(None, None).look([frame], [tracks])
        out += [one for _, one in tracks.settle(frame, analysis)]
    out += [one for _, one in tracks.flush()]
    assert [one.index for one in out] == list(range(COUNT)), "each once, in order"
    return out


def covers(analysis: Analysis, x: float, y: float) -> bool:
    assert analysis.hidden is not None
    return analysis.hidden.whole or any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in analysis.hidden.areas.tolist())


def test_each_frame_gets_its_faces_and_nothing_is_hidden_unasked(tmp_path: Path) -> None:
    found = replayed(tmp_path, {50: [FACE], 51: None})
    assert [one.index for one in found if one.faces] == [50]
    assert all(one.hidden is None for one in found)


def test_faces_are_hidden_before_the_first_event_of_them_and_after_the_last(tmp_path: Path) -> None:
    faces = {index: [FACE] for index in [*range(40, 50), *range(55, 60)]}
    found = replayed(tmp_path, dict(faces), "hide.style=fill", "hide.hold_s=0.41")
    assert [one.index for one in found if covers(one, 320, 225)] == list(range(30, 70)), "ten frames before, and after, and in between"
    assert all(face.hidden for one in found for face in one.faces)
    assert not any(covers(one, 100, 100) for one in found)


def test_a_frame_without_event_is_hidden_whole(tmp_path: Path) -> None:
    found = replayed(tmp_path, {50: None}, "hide.style=blur")
    assert [one.index for one in found if one.hidden is None or one.hidden.whole] == [50]


def test_whoever_is_not_named_is_hidden(tmp_path: Path) -> None:
    """Also where names are to be hidden: undecided is not safe."""
    everybody = {0: [person("Ada"), person("Bo")]}
    for whom, shown in (("unknown", ["Ada", "Bo"]), ("known", [None]), ("[Ada]", ["Bo", None])):
        for name in ("Ada", "Bo", None):
            (one,) = replayed(tmp_path, everybody | {50: [person(name)]}, "hide.style=fill", f"hide.whom={whom}")[50:51]
            assert covers(one, 320, 225) == (name not in shown)
            assert one.knows_people
        (one,) = replayed(tmp_path, everybody | {50: [FACE | {"person": None}]}, "hide.style=fill", f"hide.whom={whom}")[50:51]
        assert covers(one, 320, 225)


def test_whoever_is_misspelt_is_not_seen_for_it(tmp_path: Path) -> None:
    labelled = FACE | {"label": "with_mask", "probability": 0.9, "probabilities": {"with_mask": 0.9, "without_mask": 0.1}}
    (one,) = replayed(tmp_path, {50: [labelled]}, "hide.style=fill", "hide.whom=mask=without_mask")[50:51]
    assert not covers(one, 320, 225)
    for face, whom in ((labelled, "mask=without_masc"), (person("Ada"), "[Ade]"), (FACE, "[Ada]")):
        with pytest.raises(UsageError, match=r"hide\.whom"):
            replayed(tmp_path, {50: [face]}, "hide.style=fill", f"hide.whom={whom}")


def test_what_the_events_hide_stays_hidden(tmp_path: Path) -> None:
    theirs = {"style": "blur", "shape": "rectangle", "whole": False, "areas": [[10.0, 10.0, 60.0, 60.0]]}
    found = replayed(tmp_path, {50: [FACE], 60: None}, hidden=theirs)
    for one in found:
        assert one.hidden is not None
        assert (one.hidden.style, one.hidden.whole) == ("blur", one.index == 60)
        assert covers(one, 12, 12)
    assert not covers(found[50], 320, 225), "nor is more hidden, unasked"
    found = replayed(tmp_path, {50: [FACE]}, "hide.style=fill", hidden=theirs)
    for one in found:
        assert one.hidden is not None
        assert (one.hidden.style, one.hidden.shape) == ("fill", "rectangle"), "an ellipse would leave their corners bare"
        assert covers(one, 12, 12)
    assert covers(found[50], 320, 225)


def test_settings_hide_where_events_do(tmp_path: Path) -> None:
    """So that what else is in a file hides, too."""
    path = tmp_path / "e"
    event = {"source": "a", "frame": 0, "time_s": 0.0, "width": 64, "height": 48, "faces": []}
    path.write_text(json.dumps(event | {"hidden": {"style": "pixelate", "shape": "ellipse", "whole": False, "areas": []}}) + "\n")
    assert Replay(SavedEvents(path)).match(SourceInfo("a"), Settings()).hide.style == "pixelate"
