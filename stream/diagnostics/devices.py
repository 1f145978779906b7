"""What the networks run on, in words: for `facestream bench` and `facestream doctor`."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.inference.device import Device, choose_device
from models.inference.network import Precision

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, as NVIDIA's driver describes it."""

    name: str
    memory_total: int
    """Bytes."""
    memory_free: int
    """Bytes, now."""

    def __str__(self) -> str:
        return f"{self.name}, {self.memory_free // MIB} of {self.memory_total // MIB} MiB free"


@dataclass(frozen=True, slots=True)
class DeviceInUse:
    """Where the networks run."""

    kind: Literal["cpu", "gpu"]
    name: str
    """The processor's or the GPU's own name."""
    precision: str
    """What the networks compute in: bf16, f32, ..."""
    threads: int
    """That OpenVINO uses; 0 on a GPU."""
    reason: str
    """Why it is this device."""

    def __str__(self) -> str:
        threads = f", {self.threads} thread{'' if self.threads == 1 else 's'}" if self.threads else ""
        return f"{self.kind.upper()}: {self.name}{threads}, {self.precision} ({self.reason})"


def device_in_use(device: Device = "auto", precision: Precision = "auto") -> DeviceInUse:
    """Where the networks of these settings run.

    Raises:
        FacestreamError: a GPU was asked for, and there is none.
    """
    kind, reason = choose_device(device)
    if kind == "gpu":
        found = gpus()
        return DeviceInUse(kind, found[0].name if found else "NVIDIA GPU", "f32", 0, reason)
    name, inference, threads = try_openvino(precision)
    return DeviceInUse(kind, name, inference, threads, reason)


def try_openvino(precision: Precision = "auto") -> tuple[str, str, int]:
    """Compiles the smallest of the networks (R-Net) and runs it: the processor's name, the precision it really got, its threads.

    Raises:
        RuntimeError: OpenVINO cannot do it, in its own words.
        FacestreamError: the network's weights cannot be read.
    """
    from models.detection.openvino_networks import build_rnet
    from models.detection.weights import read_mtcnn_weights
    from models.inference.openvino_quiet import ov

    core = ov.Core()
    model = build_rnet(read_mtcnn_weights("rnet"))
    model.reshape([1, 24, 24, 3])
    config = {"PERFORMANCE_HINT": "LATENCY", **({"INFERENCE_PRECISION_HINT": "f32"} if precision == "f32" else {})}
    compiled = core.compile_model(model, "CPU", config)
    scores = compiled(np.zeros((1, 24, 24, 3), np.uint8))[0]
    if scores.shape != (1,) or not 0 <= float(scores[0]) <= 1:
        raise RuntimeError(f"the network answered {scores!r}, which is no score")
    name = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip()
    inference = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    return name, inference, int(compiled.get_property("INFERENCE_NUM_THREADS"))


class _Memory(ctypes.Structure):
    """NVML's nvmlMemory_t."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def gpus() -> list[Gpu]:
    """The GPUs that NVIDIA's management library names; empty where there is no such library."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return []
    count = ctypes.c_uint(0)
    if nvml.nvmlInit_v2() != 0:
        return []
    try:
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        return [_gpu(nvml, number) for number in range(count.value)]
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: ctypes.CDLL, number: int) -> Gpu:
    handle, name, memory = ctypes.c_void_p(), ctypes.create_string_buffer(96), _Memory()
    nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle))
    nvml.nvmlDeviceGetName(handle, name, len(name))
    nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    return Gpu(name.value.decode(errors="replace"), memory.total, memory.free)
