"""Lanes that turn together enter lanes of their own, wherever the turn after has room for them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, Link, Turn, make_network, make_trips
from twin.traffic.control import kernel_network
from twin.traffic.kernels.junctions import entry_lane
from twin.traffic.micro import MicroTraffic
from twin.traffic.types import Fleet

THROUGH, RIGHT, LEFT = 0, 1, 2


def _road(kind: int, into: int, low: int, high: int):
    """Return three lanes that enter a road of `into`, which is left from some of its lanes."""
    return make_network(
        [Link(0, 1, 500.0, lanes=3), Link(1, 2, 200.0, lanes=into), Link(2, 3, 400.0, lanes=3)],
        [Turn(0, 1, kind=kind, hi=2), Turn(1, 2, lo=low, hi=high)],
    )


@pytest.mark.parametrize(
    ("kind", "into", "low", "high", "entered"),
    [
        (THROUGH, 4, 1, 3, [1, 2, 3]),
        (THROUGH, 4, 0, 2, [0, 1, 2]),
        (THROUGH, 4, 0, 3, [0, 1, 2]),
        (THROUGH, 5, 2, 4, [2, 3, 4]),
        (RIGHT, 5, 1, 4, [1, 2, 3]),
        (LEFT, 5, 0, 3, [1, 2, 3]),
        (LEFT, 5, 0, 2, [0, 1, 2]),
        # No room for three side by side: each as near as it can come.
        (THROUGH, 4, 3, 3, [1, 2, 3]),
        (THROUGH, 3, 1, 2, [0, 1, 2]),
    ],
)
def test_lanes_entered(kind: int, into: int, low: int, high: int, entered: list[int]) -> None:
    net = kernel_network(_road(kind, into, low, high), Fleet().table, speed_factor=1.0)
    assert [entry_lane(net, 0, own, low, high) for own in range(3)] == entered


@pytest.mark.parametrize("low", [0, 1])
def test_a_lane_more_for_a_while_takes_no_flow_from_a_road(low: int) -> None:
    """Three lanes that go on as three lanes carry what they carry without one more beside them."""
    passed = []
    for into, first in ((3, 0), (4, low)):
        traffic = MicroTraffic(
            _road(THROUGH, into, first, first + 2), seed=np.uint64(1), kinds=CALM
        )
        departs = np.arange(0.0, 600.0, 0.5).tolist()
        rows = len(departs)
        traffic.add_trips(make_trips(departs, [[0, 1, 2]] * rows, [390.0] * rows))
        traffic.advance(600)
        passed.append(int(traffic.link_stats().left[1]))
    assert passed[1] >= 0.95 * passed[0]
