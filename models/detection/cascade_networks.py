"""P-, R- and O-Net, loaded with the authors' weights."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.detection.cascade import ONET_PX, RNET_PX
from models.detection.proposals import LoadStrips
from models.detection.tiling import TILE_PX
from models.detection.weights import read_mtcnn_weights
from models.inference.keras_backend import load_keras, prepare_tensorflow
from models.inference.network import Network, Precision
from models.inference.openvino_backend import load_openvino

if TYPE_CHECKING:
    import keras

    from models.inference.openvino_quiet import ov


PNET_BATCH_SIZES = (1, 4)
RNET_BATCH_SIZES = (4, 8, 16)
ONET_BATCH_SIZES = (2, 4)
"""What a call on one core carries: half a millisecond's work and more, little enough to keep all cores busy to the end. No 1 for O-Net: in
f32 one crop alone is computed in another order, so its score would depend on the company it came in."""


@dataclass(frozen=True, slots=True)
class CascadeNetworks:
    """The three networks, ready to run."""

    propose: Network
    """P-Net: (N, TILE_PX, TILE_PX, 3) uint8 -> (N, h, w, 5): the score's logit and the offsets of each window."""
    refine: Network
    """R-Net: (N, RNET_PX, RNET_PX, 3) uint8 -> scores (N,), offsets (N, 4)."""
    output: Network
    """O-Net: (N, ONET_PX, ONET_PX, 3) uint8 -> scores (N,), offsets (N, 4), landmarks (N, 5, 2)."""
    propose_strips: LoadStrips | None = None
    """Makes a P-Net for tiles of a given height and width, where that is worth while."""


def load_on_openvino(precision: Precision) -> CascadeNetworks:
    """The networks on OpenVINO."""
    from models.detection import openvino_networks as build

    def load(model: ov.Model, batch_sizes: Sequence[int], height_px: int, width_px: int) -> Network:
        return load_openvino(model, precision=precision, batch_sizes=batch_sizes, sample_shape=(height_px, width_px, 3), side_by_side=True)

    def propose_strips(height_px: int, width_px: int) -> Network:
        return load(build.build_pnet(read_mtcnn_weights("pnet"), height_px, width_px), (1,), height_px, width_px)

    jobs = [
        (build.build_pnet(read_mtcnn_weights("pnet"), TILE_PX, TILE_PX), PNET_BATCH_SIZES, TILE_PX, TILE_PX),
        (build.build_rnet(read_mtcnn_weights("rnet")), RNET_BATCH_SIZES, RNET_PX, RNET_PX),
        (build.build_onet(read_mtcnn_weights("onet")), ONET_BATCH_SIZES, ONET_PX, ONET_PX),
    ]
    with ThreadPoolExecutor(len(jobs)) as pool:  # compiling takes the most of starting, and OpenVINO does it outside Python's lock
        propose, refine, output = pool.map(lambda job: load(*job), jobs)
    return CascadeNetworks(propose, refine, output, propose_strips)


def load_as_keras(
    propose_sizes: Sequence[int] = (1, 4, 16),
    refine_sizes: Sequence[int] = (8, 32, 128),
    output_sizes: Sequence[int] = (1, 4, 8, 16),
) -> CascadeNetworks:
    """The same networks as compiled Keras, in float32, one call at a time, so for larger batches. Fewer batch sizes start faster."""
    prepare_tensorflow()
    from models.detection import keras_networks as networks

    def loaded(model: keras.Model, name: Literal["pnet", "rnet", "onet"], batch_sizes: Sequence[int], side_px: int) -> Network:
        networks.set_mtcnn_weights(model, read_mtcnn_weights(name))
        return load_keras(model, sample_shape=(side_px, side_px, 3), batch_sizes=batch_sizes)

    return CascadeNetworks(
        propose=loaded(networks.create_pnet(), "pnet", propose_sizes, TILE_PX),
        refine=loaded(networks.create_rnet(), "rnet", refine_sizes, RNET_PX),
        output=loaded(networks.create_onet(), "onet", output_sizes, ONET_PX),
    )
