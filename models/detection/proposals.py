"""The cascade's first step: P-Net over the pyramids of pictures."""

from __future__ import annotations

import functools
import itertools
import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from models.detection.grid_nms import thin_cells
from models.detection.size_cache import Size, SizeCache
from models.detection.tiling import Plan, draw_tiles, plan_pyramid
from models.inference.network import Network
from models.inference.openvino_backend import calls_at_a_time

PICTURES_BEFORE_STRIPS = 30
"""Pictures of one size on common tiles before it gets a network of its own: compiling takes 20 to 100 ms and saves 1 ms a picture."""
STRIPS_KEPT = 8
LARGEST_STRIP_PX = 1_000_000
"""A larger tile takes more than 50 MB for each core (a guess)."""
LOWEST_LOGIT = -80
"""Below, a score is 0 and its exponential no float32."""

LoadStrips = Callable[[int, int], Network]
Proposals = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Windows (N, 4) float32 in pixels of the picture, their scores (N,) and offsets (N, 4), shares of the window's side."""


class Proposer:
    """Finds the windows of pictures where there may be a face. For one thread at a time."""

    def __init__(self, threshold: float, step: float) -> None:
        """
        Args:
            threshold: lowest score, 0..1, to be proposed.
            step: size of each pyramid level relative to the last.
        """
        self._lowest = math.log(threshold / (1 - threshold)) if 0 < threshold < 1 else math.copysign(math.inf, threshold - 0.5)
        self._step = step
        self._strips = SizeCache[tuple[Plan, Network] | None](PICTURES_BEFORE_STRIPS, STRIPS_KEPT)

    def __call__(
        self, images: Sequence[np.ndarray], min_faces: Sequence[int], network: Network, load_strips: LoadStrips | None
    ) -> Iterator[tuple[int, Proposals]]:
        """Each image's number, those of one size after one another, and its windows that pass, after suppression within each level.

        The network goes on with the next image meanwhile.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            min_faces: the smallest face to find in each, px.
            network: P-Net on tiles of TILE_PX: (N, TILE_PX, TILE_PX, 3) uint8 -> (N, h, w, 5), logits and offsets.
            load_strips: makes P-Net for tiles of another height and width; without it all pictures share the common tiles.
        """
        groups = defaultdict(list)
        for number, (image, min_face_px) in enumerate(zip(images, min_faces, strict=True)):
            groups[image.shape[0], image.shape[1], min_face_px].append(number)
        for size, numbers in groups.items():
            strips = self._strips.get(size, len(numbers), functools.partial(self._load_strips, size, load_strips))
            plan, its_network = strips or (plan_pyramid(*size, self._step), network)
            passing = self._passing([images[number] for number in numbers], plan, its_network)
            for number, (cells, answers) in zip(numbers, passing, strict=True):
                scores = 1 / (1 + np.exp(-np.maximum(answers[:, 0], LOWEST_LOGIT)))
                thin = thin_cells(cells, scores, plan)
                yield number, (plan.boxes(cells[thin]), scores[thin], answers[thin, 1:])

    def _load_strips(self, size: Size, load: LoadStrips | None) -> tuple[Plan, Network] | None:
        """A plan and a network for pictures of that size alone; None where the common tiles do."""
        plan = plan_pyramid(*size, self._step, strips=max(calls_at_a_time(), 2))
        if load is None or not plan.levels or plan.tile_height * plan.tile_width > LARGEST_STRIP_PX:
            return None
        return plan, load(plan.tile_height, plan.tile_width)

    def _passing(self, images: Sequence[np.ndarray], plan: Plan, network: Network) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each of some images of one size, the cells where P-Net sees a face, and its answers (N, 5) for them."""
        drawn: deque[np.ndarray] = deque()

        def draw() -> Iterator[np.ndarray]:
            for image in images:
                for cells, tiles in draw_tiles(image, plan, network.at_a_time):
                    drawn.append(cells.reshape(-1))
                    yield tiles

        answers = network.each(draw())
        for _ in images:
            found = [(np.zeros(0, np.int32), np.zeros((0, 5), np.float32))]
            for (answer,) in itertools.islice(answers, math.ceil(len(plan.parts) / network.at_a_time)):
                cells, flat = drawn.popleft(), answer.reshape(-1, 5)
                passing = np.flatnonzero(flat[:, 0] >= self._lowest)
                passing = passing[cells[passing] >= 0]
                found.append((cells[passing], flat[passing]))
            all_cells, all_answers = zip(*found, strict=True)
            yield np.concatenate(all_cells), np.concatenate(all_answers)
