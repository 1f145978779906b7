"""Other detectors on the same pictures: mtcnn 1.0.0 in this process, facenet-pytorch in an environment of its own, made on first use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models import Detections

FACENET_NEEDS = [["torch", "torchvision", "numpy", "pillow", "requests", "tqdm"], ["--no-deps", "facenet-pytorch==2.6.0"]]
"""--no-deps: facenet-pytorch 2.6.0 asks for a torch of 2024."""

FACENET_WORKER = """
import json, sys, time
import numpy as np
from facenet_pytorch import MTCNN
detectors = {}
for line in sys.stdin:
    path, min_face_px = json.loads(line)
    images = list(np.load(path))
    detector = detectors.setdefault(min_face_px, MTCNN(keep_all=True, min_face_size=min_face_px, device="cpu"))
    start = time.perf_counter()
    if len(images) == 1:
        boxes, scores, landmarks = detector.detect(images[0], landmarks=True)
    else:
        boxes, scores, landmarks = (of_each[0] for of_each in detector.detect(images, landmarks=True))
    seconds = time.perf_counter() - start
    found = [] if boxes is None else [np.asarray(part, float).tolist() for part in (boxes, scores, landmarks)]
    print(json.dumps([seconds, found]), flush=True)
"""


def as_detections(boxes: Any, scores: Any, landmarks: Any) -> Detections:
    """Sorted by score, from lists."""
    scores = np.array(scores, np.float32).reshape(-1)
    order = np.argsort(-scores, kind="stable")
    boxes, landmarks = np.array(boxes, np.float32).reshape(-1, 4), np.array(landmarks, np.float32).reshape(-1, 5, 2)
    return Detections(boxes[order], scores[order], landmarks[order])


class Mtcnn100:
    """mtcnn 1.0.0 with its own defaults (O-Net 0.8)."""

    name = "mtcnn 1.0.0"

    def __init__(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from mtcnn import MTCNN

        self._detector = MTCNN()

    def detect(self, images: Sequence[np.ndarray], min_face_px: int) -> Detections:
        """The faces in the first of some pictures of one size, which are handed over as one batch."""
        if len(images) == 1:
            faces = self._detector.detect_faces(images[0], min_face_size=min_face_px)
        else:
            faces = self._detector.detect_faces(list(images), min_face_size=min_face_px)[0]
        points = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
        boxes = [(x, y, x + w, y + h) for x, y, w, h in (face["box"] for face in faces)]
        return as_detections(
            boxes, [face["confidence"] for face in faces], [[face["keypoints"][name] for name in points] for face in faces]
        )


class FacenetPytorch:
    """facenet-pytorch 2.6.0 with its own defaults (O-Net 0.7), in a process of its own."""

    name = "facenet-pytorch 2.6.0"

    def __init__(self) -> None:
        home = Path(os.environ.get("FACESTREAM_PEERS", Path.home() / ".cache" / "facestream-peers"))
        python = home / "bin" / "python"
        if not python.exists():
            print(f"making {home} for facenet-pytorch (1 GB)", file=sys.stderr)
            venv.create(home, with_pip=True)
            for needs in FACENET_NEEDS:
                subprocess.run([python, "-m", "pip", "install", "-q", *needs], check=True)
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-c", FACENET_WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._folder = tempfile.TemporaryDirectory()
        self.seconds = 0.0
        """How long the last pictures took, without their way between the processes."""
        self.detect([np.zeros((64, 64, 3), np.uint8)], 20)  # it has started when this returns, and disturbs no other's time

    def detect(self, images: Sequence[np.ndarray], min_face_px: int) -> Detections:
        """The faces in the first of some pictures of one size, which are handed over as one batch."""
        path = Path(self._folder.name) / "images.npy"
        np.save(path, np.stack(images))
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(path), min_face_px]) + "\n")
        self.seconds, found = json.loads(self._process.stdout.readline())
        return as_detections(*found) if found else Detections.none()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)
        self._folder.cleanup()
