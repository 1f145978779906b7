"""Names on real videos: of each the first face is enrolled, by one frame, and then all are watched."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from stream import watch
from stream.settings.loading import load_settings
from tests.enrolled import enrolled

pytestmark = pytest.mark.slow

CLIPS = (
    "talking_heads/tps_driving.mp4",
    "liveportrait/d18.mp4",
    "liveportrait/s18.mp4",
    "grid_mpg/brbk7n.mpg",
    "multi_face/m1079_presenters.mp4",
)
SEVERAL = "m1079_presenters"
"""Has six people, of whom one is enrolled."""


def first_face(clip: Path) -> np.ndarray:
    """(H, W, 3) of the largest face of the first frame that has any, with a little around it."""
    for result in watch(clip, load_settings(None, ["tracker.search_every_s=0"])):
        for face in sorted(result.analysis.faces, key=lambda face: float((face.box[:2] - face.box[2:]).prod())):
            around = (face.box[2:] - face.box[:2]) * 0.4
            (left, top), (right, bottom) = np.maximum(face.box[:2] - around, 0).astype(int), (face.box[2:] + around).astype(int)
            return result.frame.image[top:bottom, left:right]
    raise AssertionError(f"no face in {clip}")


@pytest.fixture(scope="module")
def people(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    faces = {Path(clip).stem: first_face(data_dir / "video" / clip) for clip in CLIPS}
    return enrolled(tmp_path_factory.mktemp("known") / "people", faces)


@pytest.mark.parametrize("clip", CLIPS)
def test_no_name_changes_twice_and_nobody_has_another_s(clip: str, people: Path, data_dir: Path) -> None:
    said: dict[int, list[str]] = defaultdict(list)
    for result in watch(data_dir / "video" / clip, load_settings(None, [f"identity.people={people}", "classifier.model=none"])):
        for face in result.analysis.faces:
            said[face.track].append("undecided" if face.person is None else face.person.name or "unknown")
    runs = {track: [word for word, _ in itertools.groupby(words)] for track, words in said.items()}
    assert all(len(words) <= 2 for words in runs.values()), runs
    own = Path(clip).stem
    assert {word for words in runs.values() for word in words} <= {own, "unknown", "undecided"}
    longest = max(said.values(), key=len)
    assert own in (said[1] if own == SEVERAL else longest)
    assert sum(words.count("undecided") for words in said.values()) < 0.1 * sum(map(len, said.values()))
