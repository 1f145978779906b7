"""How networks run: any number of samples, the same answers on both engines, and nothing imported that is not needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detection.cascade_networks import CascadeNetworks, load_on_openvino
from models.detection.openvino_networks import build_rnet
from models.detection.weights import read_mtcnn_weights
from models.errors import FacestreamError, ModelError
from models.inference.batching import UNDER_WAY, plan_batches
from models.inference.device import choose_device
from models.inference.openvino_backend import STEPS_BACK, calls_at_a_time, load_openvino
from tests.paths import ROOT


@pytest.fixture(scope="module")
def networks() -> CascadeNetworks:
    return load_on_openvino("f32")


def noise(count: int, side_px: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, side_px, side_px, 3), dtype=np.uint8)


@given(st.integers(0, 500), st.sets(st.sampled_from([1, 2, 3, 4, 8, 16, 32, 128]), min_size=1))
def test_the_calls_carry_every_sample(count: int, sizes: set[int]) -> None:
    plan = plan_batches(count, tuple(sorted(sizes)))
    assert set(plan) <= sizes
    assert sum(plan) >= count
    assert sum(plan[:-1]) < max(count, 1)


@pytest.mark.parametrize("count", [0, 1, 7, 33, 161])
def test_any_number_of_samples_gives_the_answers_of_each_alone(networks: CascadeNetworks, count: int) -> None:
    batch = noise(count, 24)
    scores, offsets = networks.refine(batch)
    assert scores.shape == (count,)
    assert offsets.shape == (count, 4)
    for i in range(0, count, 10):
        score, offset = networks.refine(batch[i : i + 1])
        assert np.array_equal(scores[i], score[0])
        assert np.array_equal(offsets[i], offset[0])


def test_answers_are_kept_when_the_network_runs_again(networks: CascadeNetworks) -> None:
    first = networks.refine(noise(4, 24))[0]
    before = first.copy()
    networks.refine(noise(8, 24)[4:])
    assert np.array_equal(first, before)


def test_a_batch_of_the_wrong_kind_is_refused_in_words(networks: CascadeNetworks) -> None:
    with pytest.raises(ValueError, match=r"\(N, 24, 24, 3\) uint8, not \(2, 25, 24, 3\) uint8"):
        networks.refine(np.zeros((2, 25, 24, 3), np.uint8))
    with pytest.raises(ValueError, match="float32"):
        networks.refine(np.zeros((2, 24, 24, 3), np.float32))


def test_a_network_on_disk_runs_like_the_one_that_was_saved(tmp_path: Path, networks: CascadeNetworks) -> None:
    from models.inference.openvino_quiet import ov

    path = tmp_path / "rnet.xml"
    ov.save_model(build_rnet(read_mtcnn_weights("rnet")), path, compress_to_fp16=False)
    batch = noise(3, 24)
    from_disk = load_openvino(path, precision="f32", batch_sizes=(4,), sample_shape=(24, 24, 3))
    assert from_disk(batch)[0] == pytest.approx(networks.refine(batch)[0], abs=1e-6)


def test_a_file_that_is_no_network_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "no.xml").write_text("<html>")
    with pytest.raises(ModelError, match=r"cannot read the network .*no\.xml"):
        load_openvino(tmp_path / "no.xml")


def test_keras_and_openvino_are_the_same_networks(networks: CascadeNetworks) -> None:
    from models.detection.cascade_networks import load_as_keras

    keras_networks = load_as_keras(propose_sizes=(2,), refine_sizes=(4,), output_sizes=(4,))
    for name, batch in (("propose", noise(2, 128)), ("refine", noise(5, 24)), ("output", noise(5, 48))):
        ours, theirs = getattr(networks, name)(batch), getattr(keras_networks, name)(batch)
        assert len(ours) == len(theirs) >= 1
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == b.dtype == np.float32
            assert a == pytest.approx(b, abs=1e-5)


def test_finding_faces_on_a_cpu_imports_neither_tensorflow_nor_keras_nor_mtcnn(portrait_path: Path) -> None:
    code = (
        "import sys, cv2; from models import MTCNN;"
        f"found = MTCNN(device='cpu').detect([cv2.imread({str(portrait_path)!r})[:, :, ::-1]]);"
        "print(len(found[0]), [name for name in ('tensorflow', 'keras', 'mtcnn', 'joblib') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.returncode) == ("1 []", 0), result.stderr


def test_the_device_is_chosen_with_a_reason() -> None:
    device, reason = choose_device("auto")
    assert device in ("cpu", "gpu")
    assert reason
    assert choose_device("cpu")[0] == "cpu"
    with pytest.raises(ValueError, match="auto, cpu or gpu, not 'tpu'"):
        choose_device("tpu")  # type: ignore[arg-type]
    if device == "cpu":
        with pytest.raises(FacestreamError, match="use auto or cpu"):
            choose_device("gpu")


def test_the_choice_of_the_device_is_logged_once_with_its_reason() -> None:
    code = "import logging; logging.basicConfig(level='INFO', format='%(message)s'); from models.inference.device import choose_device\n"
    code += "for _ in range(3): choose_device('cpu'), choose_device('cpu')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stderr
    assert told.splitlines() == ["networks run on the cpu: the settings say so"]


def test_the_weights_reader_reads_nothing_but_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file could have been exchanged: to unpickle it must not run anything."""
    import pickle

    import lz4.frame

    from models.detection.weights import read_mtcnn_weights

    weights = tmp_path / "mtcnn" / "assets" / "weights" / "pnet.lz4"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(lz4.frame.compress(pickle.dumps(Path("x"))))
    (tmp_path / "mtcnn" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "mtcnn", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"cannot read the detector's weights .*has no place in a list of arrays"):
        read_mtcnn_weights("pnet")


def test_batches_are_made_while_earlier_ones_run_and_answered_in_order(networks: CascadeNetworks) -> None:
    batches = [noise(count, 24) for count in (16, 3, 0, 40, 1, *range(2, 30))]
    made = 0

    def make() -> Iterator[np.ndarray]:
        nonlocal made
        for made, batch in enumerate(batches, 1):  # noqa: B007 - counted for the test
            yield batch

    answers = []
    for answer in networks.refine.each(make()):
        answers.append(answer)
        assert min(len(answers) + 1, len(batches)) <= made < len(answers) + UNDER_WAY  # ahead, but not all: they would fill the memory
    assert len(answers) == len(batches)
    for (scores, offsets), batch in zip(answers, batches, strict=True):
        wanted_scores, wanted_offsets = networks.refine(batch)
        assert np.array_equal(scores, wanted_scores)
        assert np.array_equal(offsets, wanted_offsets)


def test_batches_that_nobody_waits_for_disturb_no_later_ones(networks: CascadeNetworks) -> None:
    batch = noise(16, 24)
    wanted = networks.refine(batch)[0]

    def broken() -> Iterator[np.ndarray]:
        yield from [noise(16, 24)[::-1]] * 5
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            list(networks.refine.each(broken()))
        assert np.array_equal(networks.refine(batch)[0], wanted)


PRIORITIES = """
import os
from pathlib import Path
from models.detection.cascade_networks import load_on_openvino

def priorities():
    return {thread.name: os.getpriority(os.PRIO_PROCESS, int(thread.name)) for thread in Path("/proc/self/task").iterdir()}

before = priorities()
networks = load_on_openvino("auto")
print(os.getpriority(os.PRIO_PROCESS, 0), *(priority for thread, priority in priorities().items() if thread not in before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
def test_calls_side_by_side_stand_back_behind_the_one_who_makes_their_batches() -> None:
    told = subprocess.run([sys.executable, "-c", PRIORITIES], capture_output=True, text=True, check=True, cwd=ROOT)
    own, *new = map(int, told.stdout.split())
    assert new.count(min(own + STEPS_BACK, 19)) >= 3 * calls_at_a_time()  # for each of three networks
