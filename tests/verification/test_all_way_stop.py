"""An all-way stop: who came first goes first, and all four roads get their turns.

Highway Capacity Manual, TRB 2016, exhibit 21-15, headways of a single lane that enters from the
line: 3.9 s with nobody else there, 4.7 s with the opposite road, 5.8 s with one from the side,
9.6 s with all; so 923, 766, 620 and 375 veh/h. Hebert 1963 (and the manual of 1985) counted 475
where all four are full. The bands are wide because the two differ by a quarter.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.junctions import build, cross
from tests.support.priority import FAR, link
from tests.support.roads import make_trips
from twin.traffic.micro import MicroTraffic

pytestmark = pytest.mark.verify

THROUGH = {1: 3, 3: 1, 2: 4, 4: 2}
RIGHT = {1: 4, 4: 3, 3: 2, 2: 1}
LEFT = {goal: start for start, goal in RIGHT.items()}
FULL = 1800.0


def _flows(flows: dict[int, float], *, straight: float = 1.0) -> dict[int, int]:
    """Return how many leave each road in an hour; the rest turn right and left equally."""
    network = build(FAR, *cross())
    rng = np.random.default_rng(1)
    rows = []
    for road, flow in flows.items():
        for t in np.arange(0.0, 3900.0, 3600.0 / flow).tolist():
            draw = rng.random()
            goal = THROUGH if draw < straight else RIGHT if draw < (1 + straight) / 2 else LEFT
            rows.append((t, [link(network, road, 0), link(network, 0, goal[road])]))
    rows.sort()
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([t for t, _ in rows], [r for _, r in rows], [300.0] * len(rows)))
    traffic.advance(300)
    traffic.link_stats()
    traffic.advance(3600)
    left = traffic.link_stats().left
    return {road: int(left[link(network, road, 0)]) for road in flows}


@pytest.mark.parametrize(
    ("roads", "low", "high"),
    [((1,), 0.85 * 923, 923), ((1, 3), 0.9 * 766, 1.1 * 766), ((1, 2), 0.7 * 620, 620)],
)
def test_fewer_than_four_full_roads(roads, low, high):
    for flow in _flows(dict.fromkeys(roads, FULL)).values():
        assert low <= flow <= high


@pytest.mark.parametrize("straight", [1.0, 0.6])
def test_four_full_roads_get_equal_turns(straight):
    flows = np.array(list(_flows(dict.fromkeys(THROUGH, FULL), straight=straight).values()))
    assert 375.0 <= flows.mean() <= 475.0
    assert flows == pytest.approx(flows.mean(), rel=0.06)


def test_a_light_road_is_not_starved_by_full_ones():
    flows = _flows({1: FULL, 2: 200.0, 3: FULL, 4: 200.0})
    assert flows[2] == pytest.approx(200, rel=0.02)
    assert flows[4] == pytest.approx(200, rel=0.02)
