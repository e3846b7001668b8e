"""Capacity of an entry to a roundabout of one lane, against the Highway Capacity Manual.

1,380 exp(-0.00102 q) for a circulating flow q in veh/h (TRB 2016, eq. 22-1); random arrivals on the
ring, a queue that never ends at the entry, three replications of an hour.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.support.junctions import build, street
from tests.support.priority import link
from tests.support.roads import make_trips
from twin.network.graph import Network
from twin.traffic.micro import MicroTraffic

pytestmark = pytest.mark.verify

RING = {1: (0, 30), 2: (30, 0), 3: (0, -30), 4: (-30, 0)}
LEGS = {number + 10: (12 * x, 12 * y) for number, (x, y) in RING.items()}


def _roundabout() -> Network:
    around = ((1, 4), (4, 3), (3, 2), (2, 1))
    return build(
        {**RING, **LEGS},
        *(street(a, b, oneway=True, ring=True) for a, b in around),
        *(street(number, number + 10) for number in RING),
    )


def _route(network: Network, *numbers: int) -> list[int]:
    return [link(network, a, b) for a, b in itertools.pairwise(numbers)]


@pytest.mark.parametrize("flow", [0.0, 300.0, 600.0, 900.0])
def test_entry_capacity(flow):
    network = _roundabout()
    queued, passing = _route(network, 11, 1, 4, 14), _route(network, 12, 2, 1, 4, 3, 13)
    entered, circulating = [], []
    for seed in (1, 2, 3):
        rng = np.random.default_rng(seed)
        rows = [(t, queued) for t in np.arange(0.0, 3900.0, 2.0).tolist()]
        count = int(rng.poisson(flow * 3900.0 / 3600.0))
        rows += [(t, passing) for t in rng.uniform(0.0, 3900.0, count).tolist()]
        rows.sort()
        traffic = MicroTraffic(network, seed=np.uint64(seed), least_gap=1.0)
        departs, routes = [t for t, _ in rows], [route for _, route in rows]
        traffic.add_trips(make_trips(departs, routes, [150.0] * len(rows)))
        traffic.advance(300)
        traffic.link_stats()
        traffic.advance(3600)
        left = traffic.link_stats().left
        entered.append(left[queued[0]])
        circulating.append(left[passing[1]])
    known = 1380.0 * math.exp(-0.00102 * float(np.mean(circulating)))
    assert np.mean(entered) == pytest.approx(known, rel=0.15)
