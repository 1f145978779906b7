"""What can go wrong with pictures and models.

    FacestreamError            anything this program can explain in one sentence
    ├── PictureError           a picture file is missing, is no picture, or cannot be decoded
    ├── ModelError             a model is unknown, damaged, foreign or unsafe
    ├── PeopleError            people cannot be enrolled, read or written, or others may read them
    └── (stream.errors adds what can go wrong with sources, sinks and settings)

A wrong argument in a call from Python is a `TypeError` or `ValueError`, as everywhere.
"""

from pathlib import Path


class FacestreamError(Exception):
    """Something that one clear sentence explains: the text is for the user."""


class PictureError(FacestreamError):
    """A picture file is missing, is no picture, or cannot be decoded."""


class ModelError(FacestreamError):
    """A model is unknown, damaged, foreign or unsafe."""


class PeopleError(FacestreamError):
    """People cannot be enrolled, read or written, or others may read them."""


def already_there(place: Path, what: str = "") -> str:
    """The sentence for a place that is taken, and may be replaced only where the user says so.

    Args:
        what: a folder holds there: a model, a report.
    """
    return f"{place}: {f'holds a {what} already' if what else 'exists already'}; add --overwrite to replace it."
