"""What one look tells: faces found, followed and scored, the same alone or in a batch, each source for itself."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from models import MTCNN, Classifier, Detections
from models.detection.cascade import PRESETS
from models.detection.cascade_networks import load_on_openvino
from models.detection.size_cache import SizeCache
from models.detection.stepwise import StepwiseCascade
from stream.analysis.analyser import Analyser
from stream.analysis.expected_sizes import ExpectedSizes
from stream.analysis.searching import Searching
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.loading import load_settings
from stream.settings.schema import Settings


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load("face")


class Compiled:
    """A detector as MTCNN is one on a GPU: frames of a size that is expected go through a compiled function."""

    name = "mtcnn"

    def __init__(self) -> None:
        from models.detection.compiled.cascade import CompiledCascade, CompiledCascades

        thresholds, step = PRESETS["live"]
        self._stepwise = StepwiseCascade(load_on_openvino("f32"), thresholds, step)
        self.made = SizeCache[CompiledCascade](16, kept=4)
        self._cascades = CompiledCascades(thresholds, step, self._stepwise, self.made)

    @property
    def candidates_dropped(self) -> int:
        return self._cascades.dropped

    def detect(self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None) -> list[Detections]:
        assert isinstance(min_face_px, Sequence)
        return self._cascades.detect(images, min_face_px)

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Detections]:
        return self._stepwise.check(images, boxes)

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        assert min_face_px is not None
        self._cascades.expect((height, width, min_face_px), at_a_time)


def video(image: np.ndarray, count: int, *, step_px: int = 4, name: str = "clip") -> list[Frame]:
    """A window of 360 px sliding over the picture at 25 frames/s."""
    return [
        Frame.of_image(
            np.ascontiguousarray(image[60:420, index * step_px : index * step_px + 360]),
            source=name,
            captured_at=0.0,
            index=index,
            pts=index,
            time_base=Fraction(1, 25),
        )
        for index in range(count)
    ]


EVERY_FRAME = load_settings(None, ["tracker.search_every_s=0"])


def boxes(analysis: Analysis) -> np.ndarray:
    return np.array([face.box for face in analysis.faces])


def test_a_face_keeps_its_number_and_moves_as_the_picture_does(detector: MTCNN, portrait: np.ndarray) -> None:
    analyser = Analyser(detector, None)
    manager = analyser.follow(SourceInfo("clip"), EVERY_FRAME)
    analyses = [analyser.look([frame], [manager])[0] for frame in video(portrait, 20)]
    assert [[face.track for face in analysis.faces] for analysis in analyses] == [[1]] * 20
    (face,) = analyses[-1].faces
    assert face.velocity[0] == pytest.approx(-100, abs=25), "4 px a frame at 25 frames/s, to the left"
    assert abs(face.velocity[1]) < 25


def test_a_batch_gives_what_one_by_one_gives(detector: MTCNN, classifier: Classifier, portrait: np.ndarray) -> None:
    frames = video(portrait, 8)
    alone, together = Analyser(detector, classifier), Analyser(detector, classifier)
    one, other = alone.follow(SourceInfo("clip"), EVERY_FRAME), together.follow(SourceInfo("clip"), EVERY_FRAME)
    singly = [alone.look([frame], [one])[0] for frame in frames]
    at_once = together.look(frames, [other] * 8)
    for first, second in zip(singly, at_once, strict=True):
        assert len(first.faces) == len(second.faces) == 1
        np.testing.assert_allclose(boxes(first), boxes(second), atol=0.01)
        assert first.faces[0].track == second.faces[0].track
        assert first.faces[0].probability == pytest.approx(second.faces[0].probability, abs=0.005)


def test_two_sources_in_one_batch_are_followed_apart(detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    analyser = Analyser(detector, None)
    first, second = analyser.follow(SourceInfo("a"), EVERY_FRAME), analyser.follow(SourceInfo("b"), EVERY_FRAME)
    for one, other in zip(video(portrait, 5, name="a"), video(astronaut, 5, name="b"), strict=True):
        looks = analyser.look([one, other], [first, second])
        assert [look.source for look in looks] == ["a", "b"]
        assert [[face.track for face in look.faces] for look in looks] == [[1], [1]]


def test_pictures_know_nothing_of_each_other(detector: MTCNN, portrait: np.ndarray) -> None:
    analyser = Analyser(detector, None)
    manager = analyser.follow(SourceInfo("photos", still=True), Settings())
    frames = [Frame.of_image(portrait, source=f"{number}.jpg", captured_at=0.0) for number in range(3)]
    for look in analyser.look(frames, [manager] * 3):
        assert [face.track for face in look.faces] == [1]
        assert look.faces[0].velocity == (0, 0)


def test_a_followed_face_is_scored_anew_only_every_so_often(detector: MTCNN, classifier: Classifier, portrait: np.ndarray) -> None:
    calls: list[int] = []

    class Counting(Classifier):
        def classify(self, crops: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
            calls.append(len(crops))
            return super().classify(crops, scores)

    counting = Counting.load("face")
    for every_s, expected in ((0.4, 3), (0.0, 25)):
        calls.clear()
        analyser = Analyser(detector, counting)
        manager = analyser.follow(SourceInfo("clip"), load_settings(None, ["tracker.search_every_s=0", f"classifier.every_s={every_s}"]))
        for frame in video(portrait, 25, step_px=2):
            (look,) = analyser.look([frame], [manager])
            assert look.faces[0].label == "face"
        assert sum(calls) == expected, f"one second, every {every_s} s"


def test_what_the_model_calls_no_face_is_left_out_unless_it_is_kept(detector: MTCNN, portrait: np.ndarray) -> None:
    frame = Frame.of_image(portrait, source="a.jpg", captured_at=0.0)
    for keep, count in (("false", 0), ("true", 1)):
        settings = load_settings(None, ["classifier.threshold=1.0", f"classifier.keep_dropped={keep}"])
        analyser = Analyser(detector, Classifier.load("face", threshold=1.0))
        (look,) = analyser.look([frame], [analyser.follow(SourceInfo("a", still=True), settings)])
        assert [face.label for face in look.faces] == ["not face"] * count


def test_without_a_detector_nothing_is_found_and_nothing_breaks(portrait: np.ndarray) -> None:
    analyser = Analyser(None, None)
    frame = Frame.of_image(portrait, source="a.jpg", captured_at=0.0)
    assert analyser.look([frame], [analyser.follow(SourceInfo("a"), EVERY_FRAME)])[0].faces == ()
    assert analyser.look([], []) == []


@pytest.mark.parametrize(
    ("width", "height", "still", "asked", "expected"),
    [
        (854, 480, False, "auto", 27),
        (1280, 720, False, "auto", 40),
        (1080, 1920, False, "auto", 60),
        (320, 240, False, "auto", 20),
        (1920, 1080, True, "auto", 20),
        (1920, 1080, False, "33", 33),
    ],
)
def test_how_small_a_face_is_looked_for(width: int, height: int, still: bool, asked: str, expected: int) -> None:
    manager = Searching(SourceInfo("a", still=still), load_settings(None, [f"detector.min_face_px={asked}"]))
    frame = Frame.of_image(np.zeros((height, width, 3), np.uint8), source="a", captured_at=0.0)
    assert manager.min_face_px(frame) == expected


@pytest.mark.slow
def test_the_detector_is_ready_for_a_video_before_its_first_frame_and_for_no_photo(
    portrait: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a GPU."""
    detector = Compiled()
    analyser = Analyser(detector, None)
    camera, photos = (
        analyser.follow(SourceInfo("camera", live=True), Settings()),
        analyser.follow(SourceInfo("photos", still=True), Settings()),
    )
    frame, photo = (
        Frame.of_image(image, source=name, captured_at=0.0, index=0, pts=0, time_base=Fraction(1, 25))
        for image, name in ((portrait[::2, ::2], "camera"), (portrait[:201, :200], "photos"))
    )
    sizes = ExpectedSizes(detector, batch_size=4)
    sizes.keep([camera, photos])
    with caplog.at_level("INFO"):
        analyses = []
        for _ in range(2):
            sizes.expect(frame, camera)
            sizes.expect(photo, photos)
            analyses.append(analyser.look([frame, photo], [camera, photos])[0])
    assert [len(analysis.faces) for analysis in analyses] == [1, 1]
    told = [record.getMessage() for record in caplog.records if "compiling" in record.getMessage()]
    assert told == ["compiling the detector for frames of 256×300 px, 1 at a time: such frames are expected"]
    (cascade,) = detector.made.made.values()
    assert cascade.compilations == 1
    assert detector.candidates_dropped == 0
