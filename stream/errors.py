"""What can go wrong, as a tree to catch. Each error's text is one sentence for the user.

FacestreamError            anything this program can explain (from `models.errors`)
├── UsageError             asked wrongly: the command line or a call cannot mean anything (exit code 2)
│   └── SettingsError      a setting is unknown, of the wrong type or out of range (exit code 2)
├── SourceError            a source cannot be opened or read
├── SinkError              an output cannot be written
├── StorageError           an object store cannot be used, or not this part of it
├── ClusterError           several machines cannot be worked with
├── PictureError           a picture cannot be read (from `models.errors`)
├── ModelError             a model is unknown, damaged, foreign or unsafe (from `models.errors`)
└── PeopleError            people cannot be enrolled, read or written (from `models.errors`)
"""

from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import FacestreamError, ModelError, PeopleError, PictureError, already_there

__all__ = [
    "ASKED_WRONGLY",
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "ClusterError",
    "FacestreamError",
    "ModelError",
    "PeopleError",
    "PictureError",
    "SettingsError",
    "SinkError",
    "SourceError",
    "StorageError",
    "UsageError",
    "already_there",
    "as_usage",
]

DONE, FAILED, ASKED_WRONGLY, INTERRUPTED = 0, 1, 2, 130
"""The exit codes."""


class UsageError(FacestreamError):
    """What was asked cannot mean anything."""


class SettingsError(UsageError):
    """A setting is unknown, of the wrong type or out of range."""


class SourceError(FacestreamError):
    """A source cannot be opened or read."""


class SinkError(FacestreamError):
    """An output cannot be written."""


class StorageError(FacestreamError):
    """An object store cannot be used: it does not answer, denies access, or has no such bucket."""


class ClusterError(FacestreamError):
    """Several machines cannot be worked with: there is no cluster, or not the one that is needed."""


@contextmanager
def as_usage() -> Iterator[None]:
    """What a model says against a place that was named, before any work, is a `UsageError`."""
    try:
        yield
    except ModelError as error:
        raise UsageError(str(error)) from error
