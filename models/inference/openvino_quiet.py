"""The one home of OpenVINO: `from models.inference.openvino_quiet import ov, ops`.

Imported plainly, OpenVINO reports each import to a server on the internet, from a thread that it leaves running. A program that looks at
faces reports to nobody: with its telemetry package hidden, OpenVINO falls back on a stub of its own that sends nothing.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's own way to say: this cannot be imported

import openvino as ov  # noqa: E402 - after the line above, or it comes too late
from openvino import opset13 as ops  # noqa: E402
from openvino.frontend import FrontEndManager  # noqa: E402
from openvino.preprocess import PrePostProcessor  # noqa: E402

__all__ = ["FrontEndManager", "PrePostProcessor", "ops", "ov"]
