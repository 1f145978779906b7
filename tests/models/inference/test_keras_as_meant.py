"""What an older project wrote into ~/.keras/keras.json changes no network, and what a user has set in Keras is as it was afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = """
import hashlib
from models.classification.networks import ARCHITECTURES
for build in ARCHITECTURES.values():
    model = build()
    layers = [(layer.name, getattr(layer, "data_format", None), layer.dtype_policy.name) for layer in model.layers]
    print(model.count_params(), model.output_shape, model.optimizer.epsilon, hashlib.sha256(repr(layers).encode()).hexdigest())
"""


def printed(code: str, home: Path, **environment: str) -> str:
    """What Python prints whose user has that home."""
    asked = {name: value for name, value in os.environ.items() if name not in ("KERAS_BACKEND", "KERAS_HOME")}
    asked |= {"HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=asked)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3, "backend": "theano"},
        {"backend": "torch"},
        {"floatx": "half"},
        "not JSON",
    ],
)
def test_no_settings_file_changes_a_network(said: object, tmp_path: Path) -> None:
    (tmp_path / "other/.keras").mkdir(parents=True)
    file = tmp_path / "other/.keras/keras.json"
    file.write_text(said if isinstance(said, str) else json.dumps(said))
    before = file.read_bytes()
    (tmp_path / "none").mkdir()
    found = printed(BUILD, tmp_path / "other")
    assert found == printed(BUILD, tmp_path / "none")
    assert found.startswith("3453121 (None, 1) 1e-07 ")
    assert "\n748529 (None, 1) 1e-07 " in found
    assert file.read_bytes() == before
    assert not list((tmp_path / "none").rglob("keras.json"))


@pytest.mark.slow
def test_what_a_user_has_set_in_keras_stays_set_and_changes_no_network(tmp_path: Path) -> None:
    code = """
import keras
keras.config.set_image_data_format("channels_first"); keras.config.set_floatx("float16"); keras.config.set_epsilon(1e-3)
keras.config.set_dtype_policy("float16")
%s
print(keras.config.image_data_format(), keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy().name)
from models.detection.keras_networks import create_onet
print({getattr(layer, "data_format", "channels_last") for layer in create_onet().layers})
"""
    *found, settings, onet = printed(code % BUILD, tmp_path).splitlines()
    assert found == printed(BUILD, tmp_path).splitlines()
    assert settings == "channels_first float16 0.001 float16"
    assert onet == "{'channels_last'}"


@pytest.mark.slow
def test_what_keras_downloads_for_others_still_goes_to_the_users_place(tmp_path: Path) -> None:
    code = "from models import create_cnn_model; create_cnn_model(); from keras.src.backend import config; import os;"
    assert printed(code + "print(config.keras_home(), 'KERAS_HOME' in os.environ)", tmp_path).split() == [str(tmp_path / ".keras"), "False"]


@pytest.mark.slow
def test_a_backend_that_is_not_there_is_named_in_a_sentence(tmp_path: Path) -> None:
    code = """
from models import FacestreamError, create_cnn_model
try:
    create_cnn_model()
except FacestreamError as error:
    print(error)
"""
    assert printed(code, tmp_path, KERAS_BACKEND="theano").startswith("KERAS_BACKEND=theano: Keras cannot use it here (")
