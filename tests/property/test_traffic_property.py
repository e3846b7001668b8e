"""Whatever the network and the trips: nobody overlaps, passes red, or gets lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import few_examples
from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.micro import MicroTraffic


@few_examples
@given(
    rows=st.integers(2, 4),
    cols=st.integers(2, 4),
    spacing=st.sampled_from([25.0, 60.0, 150.0, 310.0]),
    lanes=st.integers(1, 4),
    signals=st.booleans(),
    dt=st.sampled_from([0.5, 1.0]),
    trips=st.integers(1, 400),
    seed=st.integers(0, 2**31),
)
def test_invariants(rows, cols, spacing, lanes, signals, dt, trips, seed):
    network = grid(rows, cols, spacing, lanes, 13.9, signals)
    traffic = MicroTraffic(network, seed=np.uint64(seed), dt_s=dt)
    plan = random_trips(network, trips, 60.0, seed)
    traffic.add_trips(plan)
    unit_path = plan.route_link[plan.route_ptr[0] : plan.route_ptr[1]]
    for tick in range(150):
        if tick == 40:
            traffic.insert_unit(
                0,
                Place(int(unit_path[0]), 0.1 * spacing),
                unit_path,
                0.9 * spacing,
                speed_factor=1.4,
                siren=True,
            )
        if tick == 60:
            token = traffic.block(Place(seed % network.n_links, 0.5 * spacing), 1)
        if tick == 110:
            traffic.unblock(token)
        traffic.advance(1)
        check_now(traffic)


def test_everybody_arrives_in_the_end():
    network = grid(4, 4, 120.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(random_trips(network, 600, 200.0, 3))
    traffic.advance(2400)
    count = traffic.counters
    assert (count.finished, count.running, count.removed) == (600, 0, 0)
    done = traffic.finished()
    assert sorted(done.vehicle) == list(range(600))
    assert (done.t_arrive > done.t_depart).all()
    assert (done.t_depart >= done.t_planned).all()
