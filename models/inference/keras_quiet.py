"""Keras without the page that TensorFlow writes to stderr when it starts: processor features, missing GPU drivers."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from models.inference.keras_as_meant import import_keras


def start_keras() -> None:
    """Imports Keras and its backend and lets it look for devices; what goes wrong is still an exception."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of networks traced anew, which each training does
    with quiet():
        import_keras()
        with suppress(ImportError):
            import tensorflow as tf

            tf.config.list_physical_devices()
            tf.constant(0)


@contextmanager
def quiet() -> Iterator[None]:
    """What is written to stderr inside goes nowhere."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # it is C++ that writes, past sys.stderr
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
