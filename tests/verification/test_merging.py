"""Joining a road: who goes first keeps its flow; where both are full they take turns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.junctions import build, street
from tests.support.priority import link
from tests.support.roads import Link, Turn, make_network, make_trips
from tests.support.traffic_checks import smallest_gap
from twin.network.graph import RoadClass
from twin.traffic.micro import MicroTraffic

pytestmark = pytest.mark.verify

PLACES = {0: (0, 0), 1: (-600, 0), 2: (600, 0), 3: (-550, -120), 4: (0, -800)}
FULL = 2400.0
"""More than a lane can carry, veh/h."""


class Merge(NamedTuple):
    """Flow of the main road and of the ramp, veh/h; the longest wait between two of each, s."""

    main: float
    ramp: float
    main_wait_s: float
    ramp_wait_s: float


def _merge(lanes: int, road: RoadClass, main: float, ramp: float) -> Merge:
    """Let a ramp of one lane join a road for half an hour after ten minutes."""
    network = build(
        PLACES,
        street(1, 0, lanes=lanes, kind=road, oneway=True),
        street(0, 2, lanes=lanes, kind=road, oneway=True),
        street(3, 0, kind=road, oneway=True, ramp=True),
        street(2, 4, oneway=True),
        street(4, 3, oneway=True),
        street(4, 1, oneway=True, via=[(-800, -800)]),
    )
    ways = {"main": link(network, 1, 0), "ramp": link(network, 3, 0)}
    after = link(network, 0, 2)
    rows = []
    for way, flow in zip(ways.values(), (main, ramp), strict=True):
        if flow:
            rows += [(t, [way, after]) for t in np.arange(0.0, 2400.0, 3600.0 / flow).tolist()]
    rows.sort()
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([t for t, _ in rows], [r for _, r in rows], [500.0] * len(rows)))
    traffic.advance(600)
    traffic.link_stats()
    left = np.zeros((1800, 2), np.int64)
    for tick in range(1800):
        traffic.advance(1)
        left[tick] = traffic.link_stats().left[list(ways.values())]
    seen = [np.append(np.flatnonzero(left[:, k]), 1800) for k in (0, 1)]
    waits = [float(np.diff(tick, prepend=0).max()) for tick in seen]
    return Merge(2.0 * left[:, 0].sum(), 2.0 * left[:, 1].sum(), *waits)


def _drop(lanes: int, after: int, speed: float, *, closed: bool = False) -> NDArray[np.float64]:
    """Return the flow, veh/h, out of each lane of a full road that narrows to `after` lanes.

    It narrows at a node, or (closed) because lanes of the next link at the kerb are closed. Nobody
    may overlap at any tick.
    """
    beyond = lanes if closed else after
    network = make_network(
        [Link(0, 1, 600.0, lanes, speed), *(Link(k, k + 1, 600.0, beyond, speed) for k in (1, 2))],
        [Turn(0, 1, hi=lanes - 1), Turn(1, 2, hi=beyond - 1)],
    )
    traffic = MicroTraffic(network, seed=np.uint64(1))
    if closed:
        traffic.close_lanes(1, lanes - after)
    departs = np.arange(0.0, 2400.0, 3600.0 / (lanes * FULL)).tolist()
    traffic.add_trips(make_trips(departs, [[0, 1, 2]] * len(departs), [595.0] * len(departs)))
    traffic.advance(600)
    left = np.zeros(lanes)
    for _ in range(1800):
        was = traffic.vehicles
        traffic.advance(1)
        assert smallest_gap(traffic) >= -1e-4
        now = traffic.vehicles
        gone = ~np.isin(was.id, now.id[now.link == 0])
        left += np.bincount(was.lane[gone & (was.link == 0)], minlength=lanes)
    return 2.0 * left


def test_two_full_lanes_into_one_take_turns():
    # Measured: 836 veh/h each, at most 6 s apart; one lane alone carries 1,802. A merge
    # carries less than its road (capacity drop: 5 to 15%, Cassidy and Bertini 1999, "Some traffic
    # features at freeway bottlenecks", Transp. Res. B 33).
    alone = _merge(1, RoadClass.MOTORWAY, FULL, 0.0).main
    both = _merge(1, RoadClass.MOTORWAY, FULL, FULL)
    assert 0.88 * alone < both.main + both.ramp <= 0.95 * alone
    assert 0.45 <= both.ramp / (both.main + both.ramp) <= 0.55
    assert both.main_wait_s <= 10.0
    assert both.ramp_wait_s <= 10.0


@pytest.mark.parametrize("lanes", [3, 4])
def test_many_lanes_become_one_in_turns(lanes):
    # Measured: 1,532 and 1,504 veh/h, 85% and 83% of what one lane carries alone; all lanes have
    # their turn.
    flows = _drop(lanes, 1, 13.9)
    assert 0.80 * 1802.0 < flows.sum() <= 0.95 * 1802.0
    assert flows.min() > 0.7 * flows.mean()


@pytest.mark.parametrize("speed", [13.9, 25.0])
@pytest.mark.parametrize("closed", [False, True], ids=["narrow road", "closed lane"])
def test_two_lanes_become_one(speed, closed):
    # Measured: 1,652 to 1,666 veh/h, of 1,802 that one lane carries alone; half of each lane.
    flows = _drop(2, 1, speed, closed=closed)
    assert 0.88 * 1802.0 < flows.sum() <= 0.95 * 1802.0
    assert flows[0] == pytest.approx(flows[1], rel=0.05)


def test_three_lanes_become_two():
    # Two of them become one, the third goes on: what a merge carries (1,652 to 1,666 veh/h), and a
    # lane (1,802). Measured: 3,438 veh/h, 95% of two lanes.
    flows = _drop(3, 2, 13.9)
    assert flows.sum() == pytest.approx(1659.0 + 1802.0, rel=0.04)
    assert np.sort(flows)[:2].sum() <= 0.95 * 1802.0


@pytest.mark.parametrize("lanes", [2, 3])
def test_a_full_ramp_is_let_into_a_full_expressway(lanes):
    # Measured: ramp 754 and 782 veh/h (half of a lane would be 900), at most 6 s apart; in
    # all 85 and 83% of what the road carries alone.
    alone = _merge(lanes, RoadClass.MOTORWAY, lanes * FULL, 0.0).main
    both = _merge(lanes, RoadClass.MOTORWAY, lanes * FULL, FULL)
    assert both.main + both.ramp > 0.8 * alone
    assert both.ramp > 600.0
    assert both.ramp_wait_s <= 15.0


def test_a_merge_below_capacity_delays_nobody_for_long():
    both = _merge(2, RoadClass.MOTORWAY, 2000.0, 400.0)
    assert both.main == pytest.approx(2000.0, rel=0.02)
    assert both.ramp == pytest.approx(400.0, rel=0.02)
    assert both.ramp_wait_s <= 40.0


def test_a_street_keeps_its_flow_beside_a_full_side_road():
    alone = _merge(2, RoadClass.PRIMARY, 2000.0, 0.0)
    both = _merge(2, RoadClass.PRIMARY, 2000.0, FULL)
    assert both.main == pytest.approx(alone.main, rel=0.03)
    assert both.ramp > 0.0
