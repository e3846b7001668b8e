"""Those who merge in turns roll up to the line; who has no lane to enter stays behind it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, Link, Turn, make_network
from tests.support.traffic_checks import check_now
from twin.network.graph import Place
from twin.traffic.micro import MicroTraffic

LENGTH_M = 150.0
DROP = make_network(
    [Link(0, 1, LENGTH_M, lanes=3), Link(1, 2, 300.0), Link(1, 3, 300.0)],
    [Turn(0, 1, hi=1), Turn(0, 2, lo=2, hi=2)],
)
"""Two lanes that become one; a third leads elsewhere."""


@pytest.mark.parametrize("before_m", [0.05, 0.2, 0.5, 1.0, 1.5, 3.0])
def test_who_is_in_a_wrong_lane_before_a_merge_does_not_roll_over_the_line(before_m: float):
    """It has no lane there: past the line it would be in no lane at all, and never arrive.

    It enters the road in the only lane that is free, which is not one of its turn.
    """
    traffic = MicroTraffic(DROP, seed=np.uint64(1), kinds=CALM)
    assert traffic._net.turn["zips"].tolist() == [1, 0]
    closed = traffic.block(Place(0, LENGTH_M - before_m), 2)
    place = Place(0, LENGTH_M - before_m)
    route = np.array([0, 1], np.int32)
    traffic.insert_unit(0, place, route, 200.0, speed_factor=1.0, siren=False)
    lanes = set()
    for _ in range(8):
        traffic.advance(1)
        check_now(traffic)
        lanes.update(traffic.vehicles.lane.tolist())
        assert traffic.unit_place(0).pos_m <= LENGTH_M
    assert 2 in lanes
    traffic.unblock(closed)
    traffic.advance(120)
    assert [unit for unit, _ in traffic.arrivals()] == [0]
