"""Keras as this program means it: what `~/.keras/keras.json` of another project says changes no network here."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import FacestreamError
from models.inference.matplotlib_as_is import import_matplotlib

LEAST_DISTANCE = 1e-7
"""Keras's own: by so much logarithms are kept from 0."""


def import_keras() -> None:
    """Imports Keras, where nobody has yet, past its settings file. The variable KERAS_BACKEND counts: it is set for this process.

    Raises:
        FacestreamError: that names a backend which is not there.
    """
    if "keras" in sys.modules:
        return
    import_matplotlib()  # Keras does, too
    backend = os.environ.get("KERAS_BACKEND")
    before = os.environ.get("KERAS_HOME")
    with tempfile.TemporaryDirectory(prefix="facestream-") as nothing:
        os.environ["KERAS_HOME"] = nothing
        try:
            import keras  # noqa: F401
        except (ImportError, ValueError) as error:
            if backend in (None, "", "tensorflow"):
                raise
            raise FacestreamError(
                f"KERAS_BACKEND={backend}: Keras cannot use it here ({error}); install it, or unset the variable."
            ) from error
        finally:
            os.environ.pop("KERAS_HOME")
            if before is not None:
                os.environ["KERAS_HOME"] = before
    with suppress(ImportError, AttributeError, RuntimeError):
        from keras.src.backend import config

        config._KERAS_DIR = before or str(Path.home() / ".keras")  # where whoever else uses Keras in this process keeps what it downloads


@contextmanager
def as_meant() -> Iterator[None]:
    """Colours last and float32 inside; a mixed policy of types, which only code chooses, stays. Afterwards all is as it was."""
    import_keras()
    import keras

    layout, kind, least, policy = (
        keras.config.image_data_format(),
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.dtype_policy(),
    )
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(LEAST_DISTANCE)
    if not policy.name.startswith("mixed_"):
        keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_image_data_format(layout)
        keras.config.set_floatx(kind)
        keras.config.set_epsilon(least)
        keras.config.set_dtype_policy(policy)
