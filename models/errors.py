"""What can go wrong with pictures and models.

    FacestreamError            anything this program can explain in one sentence
    ├── PictureError           a picture file is missing, is no picture, or cannot be decoded
    ├── ModelError             a model is unknown, damaged, foreign or unsafe
    └── (stream.errors adds what can go wrong with sources, sinks and settings)

A wrong argument in a call from Python is a `TypeError` or `ValueError`, as everywhere.
"""


class FacestreamError(Exception):
    """Something that one clear sentence explains: the text is for the user."""


class PictureError(FacestreamError):
    """A picture file is missing, is no picture, or cannot be decoded."""


class ModelError(FacestreamError):
    """A model is unknown, damaged, foreign or unsafe."""
