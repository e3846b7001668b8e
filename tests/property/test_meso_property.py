"""Whatever the network and the trips: queues lose nobody, keep their bounds and know their sums."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import few_examples
from tests.support.roads import random_trips
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.kernels.meso_layout import DRIVING_PLACE
from twin.traffic.meso import MesoTraffic


def check_now(traffic: MesoTraffic) -> None:
    """Check conservation, storage, places and link sums at this instant."""
    count, state = traffic.counters, traffic._state
    view = traffic.vehicles
    assert count.inserted == count.finished + count.running + count.removed
    assert int((view.kind < 4).sum()) == count.running
    assert len(np.unique(view.id)) == len(view)
    assert (view.pos_m >= 0).all()
    assert (view.pos_m <= traffic.network.link_length[view.link]).all()
    taken = state.place["when"] >= 0
    slots = state.place["slot"][taken]
    assert len(np.unique(slots)) == len(slots)
    assert (state.vehicle["state"][slots] == DRIVING_PLACE).all()
    held = np.add.reduceat(taken.astype(np.int64), state.lane["place0"])
    assert (held <= state.lane["ring"]).all()
    if traffic.squeezed == 0:
        assert (held <= state.lane["room"]).all()
    link = traffic._net.link
    inside = link["n_in"] - link["n_out"] - link["n_ended"]
    trips = view.link[view.kind < 4]
    assert np.array_equal(inside, np.bincount(trips, minlength=len(link)))
    assert (traffic.link_travel_time() >= 0.99 * traffic.network.free_flow_s).all()


@few_examples
@given(
    rows=st.integers(2, 4),
    cols=st.integers(2, 4),
    spacing=st.sampled_from([25.0, 60.0, 150.0, 310.0]),
    lanes=st.integers(1, 4),
    signals=st.booleans(),
    trips=st.integers(1, 600),
    seed=st.integers(0, 2**31),
)
def test_invariants(rows, cols, spacing, lanes, signals, trips, seed):
    network = grid(rows, cols, spacing, lanes, 13.9, signals)
    traffic = MesoTraffic(network)
    plan = random_trips(network, trips, 60.0, seed)
    traffic.add_trips(plan)
    path = plan.route_link[plan.route_ptr[0] : plan.route_ptr[1]]
    spent = 0.0
    for tick in range(150):
        if tick == 40:
            place = Place(int(path[0]), 0.1 * spacing)
            traffic.insert_unit(0, place, path, 0.9 * spacing, speed_factor=1.4, siren=True)
        if tick == 60:
            token = traffic.block(Place(seed % network.n_links, 0.5 * spacing), 1)
            traffic.close_lanes((seed + 1) % network.n_links)
        if tick == 110:
            traffic.unblock(token)
            traffic.open_lanes((seed + 1) % network.n_links)
        traffic.advance(1)
        check_now(traffic)
    spent = float(traffic.link_stats().vehicle_seconds.sum())
    assert abs(spent - traffic.counters.updates) <= traffic.counters.inserted + 1
