"""What is in these pixels: arrays in, arrays out.

Importing this package costs nothing: each name below loads its module on first use, and Keras loads only to train or on a GPU.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.classification.classifier import Classifier
    from models.classification.networks import create_cnn_model
    from models.detection.detections import Detections
    from models.detection.detector import Detector, DetectorOptions, load_detector
    from models.detection.mtcnn import MTCNN
    from models.errors import FacestreamError, ModelError, PictureError
    from models.notebook import detect_and_recognize_faces

_HOMES = {
    "Classifier": "classification.classifier",
    "Detections": "detection.detections",
    "Detector": "detection.detector",
    "DetectorOptions": "detection.detector",
    "FacestreamError": "errors",
    "MTCNN": "detection.mtcnn",
    "ModelError": "errors",
    "PictureError": "errors",
    "create_cnn_model": "classification.networks",
    "detect_and_recognize_faces": "notebook",
    "load_detector": "detection.detector",
}

__all__ = [
    "MTCNN",
    "Classifier",
    "Detections",
    "Detector",
    "DetectorOptions",
    "FacestreamError",
    "ModelError",
    "PictureError",
    "create_cnn_model",
    "detect_and_recognize_faces",
    "load_detector",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(importlib.import_module(f"models.{_HOMES[name]}"), name)
