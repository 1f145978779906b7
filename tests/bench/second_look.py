"""What the second look adds to the detector: python tests/bench/second_look.py [--model face]

False finds of the detector at the authors' low thresholds (0.5/0.5/0.3) that it removes where nobody is, true faces that it loses on the
labelled sets, and the AP (all points, IoU >= 0.5, faces of 20 px or more) of the detector alone at its default and low thresholds and of
both together: a find's score is then the probability that it is a face, which `face` makes of both. The pictures serve to measure only.
"""

from __future__ import annotations

import argparse

import numpy as np
from accuracy import LABELLED, SETS, labelled

from models import MTCNN, Classifier, Detections
from models.data.face_dataset import part_of_nobody
from models.data.layout import picture_paths
from models.evaluation.detection_metrics import detection_ap
from models.evaluation.false_positives import THRESHOLDS, judge
from models.evaluation.proportion import Share
from models.imaging.pictures import read_picture

NOBODY = LABELLED.parent / "train" / "nobody_photos"


def together(found: Detections, probabilities: np.ndarray, threshold: float) -> Detections:
    """The finds that the second look leaves, by their probability."""
    kept = probabilities >= threshold
    scores = probabilities[kept]
    order = np.argsort(-scores, kind="stable")
    return Detections(found.boxes[kept][order], scores[order], found.landmarks[kept][order])


def framed(classifier: Classifier) -> Share:
    """How many squares out of test photos with nobody in them pass as a face that fills its picture: black all around, no score known."""
    paths = [path for index, path in enumerate(picture_paths(NOBODY)) if part_of_nobody(index) == "test"]
    taken = of = 0
    for image in map(read_picture, paths):
        side = min(image.shape[:2])
        ends = [(0, 0), ((image.shape[0] - side) // 2, (image.shape[1] - side) // 2), (image.shape[0] - side, image.shape[1] - side)]
        crops = np.concatenate(
            [classifier.crop(np.ascontiguousarray(image[y : y + side, x : x + side]), np.array([[0, 0, side, side]])) for y, x in ends]
        )
        taken, of = taken + int((classifier.classify(crops)[:, 1] >= (classifier.threshold or 0)).sum()), of + len(crops)
    return Share(taken, of)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="face", help="a shipped name or a bundle's folder")
    arguments = parser.parse_args()
    classifier = Classifier.load(arguments.model, device="cpu", precision="f32")
    assert classifier.threshold is not None
    _, lines = judge(
        lambda crops, scores: classifier.classify(crops, scores)[:, 1],
        classifier.threshold,
        classifier.margin,
        NOBODY,
        LABELLED,
    )
    print("\n".join(lines), flush=True)
    print(f"pictures of nothing in a black frame that are taken for a face: {framed(classifier)}", flush=True)
    usual, low = MTCNN(device="cpu"), MTCNN(device="cpu", thresholds=THRESHOLDS)
    for name in SETS:
        images, faces, ignored = labelled(name)
        alone = [usual.detect([image])[0] for image in images]
        wide = [low.detect([image])[0] for image in images]
        second = [
            classifier.classify(classifier.crop(image, found.boxes), found.scores)[:, 1] for image, found in zip(images, wide, strict=True)
        ]
        both = [together(found, p, classifier.threshold) for found, p in zip(wide, second, strict=True)]
        ranked = [together(found, p, 0.0) for found, p in zip(wide, second, strict=True)]
        scores = [detection_ap(finds, faces, ignored) for finds in (alone, wide, both, ranked)]
        words = ("alone", "alone, low thresholds", "with the second look", "with all finds kept, ranked by both")
        told = [f"{word} {score.average_precision:.3f} ({score.false} false)" for word, score in zip(words, scores, strict=True)]
        print(f"{name:14} AP {'; '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
