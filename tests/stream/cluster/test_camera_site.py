"""Which cameras go together, whether there is room for them, and which group moves: arithmetic without a cluster."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from stream.cluster.balance import better_place
from stream.cluster.camera_site import MOST_CAMERAS, check_name, check_secrets, in_groups, placed, survives
from stream.errors import UsageError


@hypothesis.given(strategies.integers(1, 500), strategies.integers(1, 40))
def test_every_camera_is_in_one_group_of_at_most_eight_and_groups_are_alike(cameras: int, nodes: int) -> None:
    names = [f"camera {number}" for number in range(cameras)]
    groups = in_groups(names, nodes)
    assert sorted(camera for group in groups for camera in group.cameras) == sorted(names)
    sizes = [len(group.cameras) for group in groups]
    assert 1 <= min(sizes) <= max(sizes) <= min(sizes) + 1
    assert max(sizes) <= MOST_CAMERAS
    assert len(groups) >= min(cameras, 2 * nodes), "what a dead node did is shared by several of the others"
    assert len({group.name for group in groups}) == len(groups)


def test_a_group_needs_one_place_for_all_of_it() -> None:
    assert placed([1.6, 1.6], [2, 2])
    assert not placed([1.6, 1.6], [1, 1, 1, 1]), "there is room, but in no one place"
    assert not placed([0.4], [])
    assert placed([], [])


def test_the_loss_of_the_largest_node_counts() -> None:
    assert survives([1, 1], {"a": 2, "b": 2})
    assert not survives([1, 1, 1], {"a": 2, "b": 2})
    assert not survives([1, 1], {"a": 4, "b": 1}), "of a"


def test_a_group_moves_to_a_node_that_has_less_to_do() -> None:
    cameras, cpus = {"g01": 4, "g02": 4, "g03": 4}, {"a": 4.0, "b": 4.0}
    assert better_place(cameras, {"g01": "a", "g02": "a", "g03": "a"}, cpus) == ("g01", "b")
    assert better_place(cameras, {"g01": "a", "g02": "a", "g03": "b"}, cpus) is None, "it would be the same the other way round"
    assert better_place({"g01": 8}, {"g01": "a"}, cpus) is None
    assert better_place(cameras, {"g01": "a", "g02": "a", "g03": "a"}, {"a": 4.0}) is None, "there is no other"


def test_a_larger_node_may_have_more_to_do() -> None:
    cameras = {f"g{number}": 4 for number in range(5)}
    places = dict.fromkeys(cameras, "large") | {"g4": "small"}
    assert better_place(cameras, places, {"large": 16.0, "small": 4.0}) is None
    assert better_place(cameras, places, {"large": 4.0, "small": 4.0}) == ("g0", "small")


@hypothesis.given(strategies.data())
def test_moves_come_to_an_end(data: strategies.DataObject) -> None:
    """Each makes the busiest node less busy, so that no two groups change places for ever."""
    cpus = data.draw(strategies.dictionaries(strategies.sampled_from("abcd"), strategies.integers(1, 32).map(float), min_size=1))
    cameras = {f"g{number}": data.draw(strategies.integers(1, 8)) for number in range(data.draw(strategies.integers(0, 12)))}
    places = {group: data.draw(strategies.sampled_from(sorted(cpus))) for group in cameras}
    moves = 0
    while (move := better_place(cameras, places, cpus)) is not None:
        places[move[0]] = move[1]
        moves += 1
        assert moves <= len(cameras) * len(cpus)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://viewer:hunter2@192.0.2.1/stream",
        "rtsp://viewer:hunter2${MORE}@192.0.2.1/stream",
        "http://192.0.2.1/video?token=abcdef0123456789",
        "rtsp://192.0.2.1/user=admin&password=secret99",
    ],
)
def test_a_password_is_not_given_to_a_cluster(address: str) -> None:
    with pytest.raises(UsageError, match="door: the cluster would keep the password") as refused:
        check_secrets("door", address)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://192.0.2.1/stream",
        "rtsp://viewer@192.0.2.1/stream",
        "rtsp://viewer:${DOOR_PASSWORD}@192.0.2.1/stream",
        "rtsp://${USER}:${PASSWORD}@192.0.2.1/stream",
        "http://192.0.2.1/video?token=${TOKEN}",
        "clip.mp4",
    ],
)
def test_one_in_the_environment_of_the_nodes_is_no_matter(address: str) -> None:
    check_secrets("door", address)


@pytest.mark.parametrize("name", ["", "-", "a b", "ab-", "a/b", "x" * 41])
def test_names_of_sites_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        check_name(name)
    check_name("south-2")
