"""What right turns on red add to a signal's capacity, against the Highway Capacity Manual.

On red a right turn is one off a minor road after a stop (TRB 2016, exhibits 20-11 and 20-12:
critical headway 6.2 s, follow-up headway 3.3 s). Random arrivals on the main road, a queue that
never ends on the side road, three replications of an hour.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.junctions import turn
from tests.support.priority import harders, link, main_road, settled

pytestmark = pytest.mark.verify

SEEDS = range(1, 4)
RIGHT, EAST = (3, 2), (4, 2)
CYCLE_S, CRITICAL_S, FOLLOW_S = 90.0, 6.2, 3.3
YELLOW_USED_S = 2.0


def _known(flow: float) -> float:
    """Return what red adds, veh/h, to a right turn into one lane that carries `flow` veh/h.

    While the queue of the main road leaves nobody turns; in the rest of its green they find gaps;
    when neither road has green nobody is in their way.
    """
    network = main_road(lanes=1, signals=True)
    shown = network.group_green_to - network.group_green_from
    side, main = (
        float(shown[network.turn_group[turn(network, a, 0, 2)]]) + YELLOW_USED_S for a in (3, 4)
    )
    red = CYCLE_S - side
    lane = flow / 3600.0
    queue_s = lane * (CYCLE_S - main + YELLOW_USED_S) / (0.5 - lane)  # at 1,800 veh/h
    rate = harders(flow, CRITICAL_S, FOLLOW_S) / 3600.0
    turned = rate * (main - queue_s) + (red - main) / FOLLOW_S
    return turned * 3600.0 / CYCLE_S


def _added(flow: float, *, meso: bool) -> float:
    """Return by how many vehicles per hour a side road's capacity grows."""
    passed = []
    for right_on_red in (True, False):
        network = main_road(lanes=1, signals=True, right_on_red=right_on_red)
        here = []
        for seed in SEEDS:
            traffic = settled(network, RIGHT, [(EAST, flow)], seed=seed, hours=1.0, meso=meso)
            traffic.advance(3600)
            here.append(float(traffic.link_stats().left[link(network, 3, 0)]))
            assert traffic.counters.red_run == 0
            assert (traffic.counters.on_red > 0) == right_on_red
        passed.append(np.mean(here))
    return float(passed[0] - passed[1])


@pytest.mark.parametrize(("flow", "known"), [(0.0, 764), (200.0, 567), (400.0, 414), (600.0, 294)])
def test_red_adds_the_capacity_of_a_minor_road(flow, known):
    assert _known(flow) == pytest.approx(known, abs=1.0)
    # The first of each red has to come to a stand, which takes about a follow-up headway.
    first = 3600.0 / CYCLE_S
    assert _added(flow, meso=False) == pytest.approx(known - first, rel=0.12)
    assert _added(flow, meso=True) == pytest.approx(known - first, rel=0.12)
