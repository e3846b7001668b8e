"""Capacity of a minor road and of a permitted left turn, against the Highway Capacity Manual.

Random arrivals on the road that goes first, a queue that never ends on the other, six replications
of an hour. The manual's critical and follow-up headways are base values (TRB 2016, exhibits 20-11
and 20-12); the queue's follow-up headway is no parameter of the model but comes out of it. Drivers
are those whom waiting does not change, since the manual knows no impatience.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.support.junctions import turn
from tests.support.priority import SETTLE_S, harders, link, main_road, passages, settled
from twin.traffic.control import LEAST_GAP

pytestmark = pytest.mark.verify

SEEDS = range(1, 7)
THROUGH, RIGHT, LEFT = (3, 1), (3, 2), (3, 4)
EAST, WEST = (4, 2), (2, 4)


def _mean(capacities: list[float]) -> float:
    """Return the mean of replications, and check that they tell it to within 6%."""
    error = np.std(capacities, ddof=1) / np.sqrt(len(capacities))
    assert error < 0.06 * np.mean(capacities)
    return float(np.mean(capacities))


@pytest.mark.parametrize(
    ("way", "flow", "known"),
    [
        # Through: tc = 6.5 s, tf = 4.0 s.
        (THROUGH, 0.0, 900.0),
        (THROUGH, 300.0, 616.0),
        (THROUGH, 600.0, 417.0),
        (THROUGH, 900.0, 280.0),
        (THROUGH, 1200.0, 187.0),
        # Left: tc = 7.1 s, tf = 3.5 s.
        (LEFT, 0.0, 1029.0),
        (LEFT, 300.0, 656.0),
        (LEFT, 600.0, 416.0),
        (LEFT, 900.0, 262.0),
        (LEFT, 1200.0, 163.0),
    ],
)
def test_crossing_a_main_road_of_four_lanes(way, flow, known):
    headways = {THROUGH: (6.5, 4.0), LEFT: (7.1, 3.5)}[way]
    assert harders(flow, *headways) == pytest.approx(known, abs=0.5)
    network = main_road(lanes=2)
    streams = [(EAST, flow / 2), (WEST, flow / 2)]
    measured = _mean([passages(network, way, streams, seed=seed) for seed in SEEDS])
    assert measured == pytest.approx(known, rel=0.12)


@pytest.mark.parametrize(("flow", "known"), [(0.0, 1091.0), (200.0, 846.0), (400.0, 654.0)])
def test_joining_a_lane_by_a_right_turn(flow, known):
    # Right: tc = 6.2 s, tf = 3.3 s, against the one lane that is joined.
    assert harders(flow, 6.2, 3.3) == pytest.approx(known, abs=0.5)
    network = main_road(lanes=1)
    measured = _mean([passages(network, RIGHT, [(EAST, flow)], seed=seed) for seed in SEEDS])
    assert measured == pytest.approx(known, rel=0.12)


def test_left_turn_off_the_main_road():
    # tc = 4.1 s, tf = 2.2 s against the opposing traffic; exhibits 20-11 and 20-12.
    network = main_road(lanes=1, opposing=2)
    for flow in (300.0, 600.0, 900.0):
        capacities = [passages(network, (4, 1), [(WEST, flow)], seed=seed) for seed in SEEDS]
        assert _mean(capacities) == pytest.approx(harders(flow, 4.1, 2.2), rel=0.15), flow


def test_impatience_is_felt_where_waits_are_long():
    # Measured: nothing at 600 veh/h, where nobody waits for half a minute at the line.
    network = main_road(lanes=2)
    gain = {}
    for flow in (600.0, 1200.0, 1600.0):
        streams = [(EAST, flow / 2), (WEST, flow / 2)]
        patient, hasty = (
            np.mean([passages(network, THROUGH, streams, seed=s, least_gap=g) for s in SEEDS])
            for g in (1.0, LEAST_GAP)
        )
        gain[flow] = hasty / patient - 1.0
    assert gain[600.0] == pytest.approx(0.0, abs=0.02)
    assert gain[600.0] < gain[1200.0] < gain[1600.0]
    assert 0.02 < gain[1200.0] < 0.15
    assert 0.05 < gain[1600.0] < 0.40


@pytest.mark.parametrize("flow", [0.0, 200.0, 400.0, 600.0, 800.0])
def test_permitted_left_turn_at_a_signal(flow):
    # HCM, chapter 31: while the opposing queue leaves nobody turns; then the left turn's saturation
    # flow is that of gaps with tc = 4.5 s and tf = 2.5 s; two sneak out at the end of each cycle.
    network = main_road(lanes=1, opposing=2, signals=True)
    group = network.turn_group[turn(network, 4, 0, 1)]
    assert group == network.turn_group[turn(network, 2, 0, 4)]
    cycle = 90.0
    shown = float(network.group_green_to[group] - network.group_green_from[group])
    green = shown  # 2 s are lost at the start, 2 s of the 3 s of yellow are used (the manual)
    lane = flow / 2 / 3600.0
    queue_s = lane * (cycle - green) / (0.5 - lane)  # at 1,800 veh/h and lane
    saturation = harders(flow, 4.5, 2.5) / 3600.0
    known = (saturation * (green - queue_s) + 2.0) * 3600.0 / cycle
    measured = _mean([passages(network, (4, 1), [(WEST, flow)], seed=seed) for seed in SEEDS])
    assert measured == pytest.approx(known, rel=0.15)


def test_somebody_turns_left_in_every_cycle_however_dense_the_opposing_traffic():
    # The manual's two per cycle, no more, at the end of green: here the one who waits in the
    # junction, and nearly always the next. The opposing queue itself hardly ever leaves a gap.
    network = main_road(lanes=1, opposing=2, signals=True)
    way, cycles = (4, 1), 80
    group = network.turn_group[turn(network, 4, 0, 1)]
    ends = float(network.group_green_to[group])
    traffic = settled(network, way, [(WEST, 4000.0)], seed=1, hours=2.0)
    in_time, sneaked = 0, np.zeros(cycles + 9, np.int64)
    for _ in range(round(90.0 * cycles)):
        traffic.advance(1)
        left = int(traffic.link_stats().left[link(network, way[0], 0)])
        number, second = divmod(traffic.t - ends + 3.0, 90.0)
        if second < 10.0:
            sneaked[int(number)] += left
        else:
            in_time += left
    first = math.ceil((SETTLE_S - ends + 3.0) / 90.0)
    counted = sneaked[first : first + cycles]
    assert set(counted.tolist()) <= {1, 2}
    assert counted.mean() > 1.8
    assert in_time < 0.1 * cycles
