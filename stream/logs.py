"""Warnings for people, or for machines: one line each on stderr."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": time, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def start(log_format: str) -> None:
    """Write this program's warnings, and worse, to stderr: as sentences ("text") or one JSON object a line ("json")."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else logging.Formatter("facestream: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
