"""Where networks run: on the GPU where there is one that can be used, else on the CPU. Asks neither TensorFlow nor OpenVINO."""

from __future__ import annotations

import ctypes
import functools
import logging
import sys
from typing import Literal

from models.errors import FacestreamError

_log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "gpu"]


def choose_device(device: Device = "auto") -> tuple[Literal["cpu", "gpu"], str]:
    """Where the networks run, and why. Asks the GPU's driver, not TensorFlow, whose import takes seconds. Each choice is logged once.

    Raises:
        ValueError: not a known device.
        FacestreamError: "gpu" on a machine without one that can be used.
    """
    if device not in ("auto", "cpu", "gpu"):
        raise ValueError(f"device is auto, cpu or gpu, not {device!r}")
    obstacle = None if device == "cpu" else _gpu_obstacle()
    if device == "gpu" and obstacle:
        raise FacestreamError(f"device gpu was asked for, but {obstacle}: use auto or cpu")
    chosen: Literal["cpu", "gpu"] = "cpu" if device == "cpu" or obstacle else "gpu"
    reason = obstacle or ("the settings say so" if device != "auto" else "the driver reports a GPU")
    _log_choice(chosen, reason)
    return chosen, reason


@functools.cache  # the detector and the classifier both ask, and each says the same
def _log_choice(chosen: str, reason: str) -> None:
    _log.info("networks run on the %s: %s", chosen, reason)


@functools.cache
def _gpu_obstacle() -> str | None:
    """Why no GPU can be used, in words, or None if one can."""
    if sys.platform != "linux":
        return "TensorFlow runs on GPUs on Linux only"
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver is installed"
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "the NVIDIA driver reports no GPU"
    return None if _has_cudnn() else "a GPU is there, but TensorFlow's CUDA libraries are not (pip install 'facestream[gpu]')"


def _has_cudnn() -> bool:
    """Whether cuDNN, which TensorFlow needs, is installed by pip or on the system."""
    import importlib.util

    try:
        if importlib.util.find_spec("nvidia.cudnn") is not None:
            return True
    except ModuleNotFoundError:
        pass
    try:
        ctypes.CDLL("libcudnn.so.9")
    except OSError:
        return False
    return True
