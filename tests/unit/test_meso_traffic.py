"""Queue-level traffic behind the calls of lane-level traffic."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.support.plain import plain_digest
from tests.support.queues import TRIANGLE, digest, queued, stream
from tests.support.roads import Link, Turn, make_network, make_trips, random_trips, road
from twin.core.errors import InputError, TwinError
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.meso import MesoTraffic, Parameters

NETWORK = grid(5, 5, 150.0, 2, 13.9)
TRIPS = random_trips(NETWORK, 1500, 200.0, 7)


def _run(chunks: list[int], *, threads: int = 1) -> MesoTraffic:
    traffic = MesoTraffic(NETWORK, threads=threads)
    traffic.add_trips(TRIPS)
    path = TRIPS.route_link[TRIPS.route_ptr[5] : TRIPS.route_ptr[6]]
    traffic.insert_unit(0, Place(int(path[0]), 60.0), path, 149.0, speed_factor=1.3, siren=True)
    for ticks in chunks:
        traffic.advance(ticks)
    return traffic


def test_threads_and_chunks_change_no_bit():
    one = _run([300])
    assert 400 < one.counters.running < 1500
    assert digest(one) == digest(_run([300], threads=2)) == digest(_run([7, 50, 243]))
    assert digest(one) != digest(_run([301]))


def test_restored_run_ends_with_the_same_bits():
    traffic = _run([90])
    token = traffic.block(Place(3, 70.0), 1)
    traffic.close_lanes(9, 1)
    traffic.ban_turns(np.array([4], np.int32))
    saved = io.BytesIO()
    np.savez(saved, **traffic.checkpoint())
    traffic.advance(40)
    traffic.unblock(token)
    traffic.advance(90)
    saved.seek(0)
    other = MesoTraffic(NETWORK)
    with np.load(saved) as parts:
        other.restore(dict(parts))
    assert other.tick == 90
    assert other.banned.tolist() == [4]
    other.advance(40)
    other.unblock(token)
    other.advance(90)
    assert digest(other) == digest(traffic)
    assert (other.link_stats().left == traffic.link_stats().left).all()
    assert sorted(other.finished().vehicle) == sorted(traffic.finished().vehicle)
    with pytest.raises(InputError, match="another network"):
        MesoTraffic(grid(2, 2, 100.0, 1, 10.0)).restore(traffic.checkpoint())


def test_trips_in_parts_and_out_of_order_enter_by_departure():
    network = road([200.0])
    whole = MesoTraffic(network)
    whole.add_trips(make_trips([0.0, 5.0, 9.0, 20.0], [[0]] * 4, [100.0] * 4))
    parts = MesoTraffic(network)
    for departs in ([5.0, 20.0], [0.0], [9.0]):
        parts.add_trips(make_trips(departs, [[0]] * len(departs), [100.0] * len(departs)))
    for traffic in (whole, parts):
        traffic.advance(60)
    assert whole.finished().t_depart.tolist() == parts.finished().t_depart.tolist()


def test_everybody_arrives_and_is_told_once():
    traffic = MesoTraffic(NETWORK)
    traffic.add_trips(TRIPS)
    seen: list[int] = []
    for _ in range(40):
        traffic.advance(60)
        done = traffic.finished()
        assert (np.diff(done.t_arrive) >= 0).all()
        assert (done.t_arrive >= done.t_depart).all()
        assert (done.t_depart >= done.t_planned - 1e-3).all()
        seen += done.vehicle.tolist()
    count = traffic.counters
    assert (count.finished, count.running, count.removed) == (1500, 0, 0)
    assert sorted(seen) == list(range(1500))
    lengths = NETWORK.link_length.astype(float)
    for trip in (0, 700, 1499):
        path = TRIPS.route_link[TRIPS.route_ptr[trip] : TRIPS.route_ptr[trip + 1]]
        assert lengths[path].sum() >= TRIPS.end_pos_m[trip]


def test_distance_is_that_of_the_route():
    traffic = queued(road([300.0, 200.0, 100.0]), make_trips([0.0], [[0, 1, 2]], [40.0]))
    traffic.advance(60)
    assert traffic.finished().distance_m.tolist() == pytest.approx([540.0])


def test_a_route_must_be_joined_and_known():
    traffic = MesoTraffic(road([100.0, 100.0, 100.0]))
    with pytest.raises(InputError, match="no turn joins"):
        traffic.add_trips(make_trips([0.0], [[0, 2]], [10.0]))
    with pytest.raises(InputError, match="outside"):
        traffic.add_trips(make_trips([0.0], [[7]], [10.0]))
    with pytest.raises(InputError, match="not positive"):
        MesoTraffic(road([100.0]), speed_factor=0.0)


def test_obstacle_takes_its_share_of_the_capacity():
    network = make_network(
        [Link(0, 1, 500, 2), Link(1, 2, 500, 2), Link(2, 3, 500, 2)],
        [Turn(0, 1, hi=1), Turn(1, 2, hi=1)],
    )
    n = 2000
    traffic = queued(network, make_trips([0.0] * n, [[0, 1, 2]] * n, [499.0] * n))
    traffic.advance(300)
    token = traffic.block(Place(1, 300.0), 1)
    traffic.link_stats()
    traffic.advance(500)
    assert traffic.link_stats().left[1] == pytest.approx(0.8 * 500, rel=0.03)
    whole = traffic.block(Place(1, 300.0), 2)
    traffic.advance(100)
    assert traffic.link_stats().left[1] == 0
    assert traffic.link_travel_time()[1] > 60.0
    traffic.unblock(whole)
    traffic.unblock(token)
    traffic.advance(500)
    assert traffic.link_stats().left[1] == pytest.approx(1.6 * 500, rel=0.05)
    with pytest.raises(KeyError):
        traffic.unblock(token)


def test_who_stands_before_a_closed_road_takes_another_way_or_ends():
    network = make_network(
        [Link(0, 1), Link(1, 2), Link(1, 3), Link(3, 2), Link(2, 4)],
        [Turn(0, 1), Turn(0, 2), Turn(1, 4), Turn(2, 3), Turn(3, 4)],
    )
    traffic = queued(network, make_trips([0.0, 5.0], [[0, 1, 4]] * 2, [100.0] * 2))
    traffic.close_lanes(1)
    assert traffic.closed.tolist() == [1]
    assert traffic.vehicles_with(1).tolist() == [0, 1]
    traffic.advance(60)
    assert traffic.counters.running == 2
    traffic.advance(140)
    assert (traffic.counters.finished, traffic.counters.strayed) == (2, 2)
    traffic.open_lanes(1)
    traffic.close_lanes(4)
    traffic.add_trips(make_trips([200.0], [[0, 1, 4]], [100.0]))
    traffic.advance(200)
    assert traffic.counters.removed == 1
    assert traffic.finished().reached.tolist() == [True, True, False]


def test_who_is_on_a_closed_bridge_drives_on_to_its_end():
    """Its links are closed one by one, and no other way leads off it."""
    network = road([300.0] * 4)
    traffic = queued(network, stream([0, 1, 2, 3], 4.0, 120.0, 290.0))
    traffic.advance(60)
    traffic.close_lanes(1)
    traffic.close_lanes(2)
    at = traffic.running_routes().link
    on_it, beyond = np.isin(at, [1, 2]).sum(), traffic.counters.finished + (at == 3).sum()
    assert on_it > 3
    traffic.advance(120)
    assert traffic.counters.finished == beyond + on_it
    assert set(traffic.running_routes().link) == {0}
    traffic.open_lanes(1)
    traffic.open_lanes(2)
    traffic.advance(300)
    assert (traffic.counters.finished, traffic.counters.removed) == (30, 0)


def test_a_closure_that_grows_lets_nobody_into_the_street_that_was_closed_before():
    traffic = queued(road([300.0] * 4), stream([0, 1, 2, 3], 4.0, 240.0, 290.0))
    traffic.close_lanes(2)
    traffic.advance(110)
    assert (traffic.running_routes().link == 1).sum() > 10
    traffic.close_lanes(1)
    traffic.advance(60)
    assert set(traffic.running_routes().link) == {0, 1}


def test_a_banned_turn_is_not_made():
    network = make_network(
        [Link(0, 1), Link(1, 2), Link(1, 3), Link(3, 2), Link(2, 4)],
        [Turn(0, 1), Turn(0, 2), Turn(1, 4), Turn(2, 3), Turn(3, 4)],
    )
    traffic = queued(network, stream([0, 1, 4], 20.0, 100.0, 100.0))
    traffic.ban_turns(np.array([0], np.int32))
    assert sorted(traffic.vehicles_turning(np.array([0], np.int32))) == [0, 1, 2, 3, 4]
    traffic.advance(500)
    assert traffic.link_stats().left.tolist() == [5, 0, 5, 5, 5]


def test_new_routes_are_taken_from_where_vehicles_are():
    network = make_network([Link(0, 1), Link(1, 2), Link(1, 3)], [Turn(0, 1), Turn(0, 2)])
    traffic = queued(network, make_trips([0.0, 1.0, 30.0], [[0, 1]] * 3, [150.0] * 3))
    traffic.advance(5)
    running = traffic.running_routes()
    assert running.link.tolist() == [0, 0]
    ptr, links = np.array([0, 2, 4], np.int32), np.array([0, 2, 0, 2], np.int32)
    assert traffic.set_route(np.array([0, 2]), ptr, links) == 2
    traffic.advance(100)
    done = traffic.finished()
    assert dict(zip(done.vehicle.tolist(), done.destination.tolist(), strict=True)) == {
        0: 2,
        1: 1,
        2: 2,
    }
    assert len(traffic.running_routes(share=0.5).vehicle) == 0


def test_full_ring_turns_since_the_stuck_squeeze_in():
    """Four full links in a ring: nobody could move, were it not for the stuck."""
    links = [Link(i, (i + 1) % 4, 50.0, 1, 10.0) for i in range(4)]
    network = make_network(links, [Turn(i, (i + 1) % 4) for i in range(4)])
    routes = [[(i + j) % 4 for j in range(4)] for i in range(4)]
    n = 10
    trips = make_trips([0.0] * 4 * n, routes * n, [49.0] * 4 * n)
    patient = queued(network, trips, TRIANGLE._replace(stuck_s=1e5))
    patient.advance(2000)
    traffic = queued(network, trips, TRIANGLE._replace(stuck_s=30.0))
    traffic.advance(2000)
    assert patient.squeezed == 0
    assert traffic.counters.finished == 40
    if patient.counters.finished < 40:
        assert traffic.squeezed > 0


def test_positions_lie_on_the_links_in_order():
    traffic = _run([250])
    view = traffic.vehicles
    assert len(np.unique(view.id)) == len(view)
    assert int((view.kind < 4).sum()) == traffic.counters.running
    assert (view.pos_m >= 0).all()
    assert (view.pos_m <= NETWORK.link_length[view.link]).all()
    assert (view.lane < NETWORK.link_lanes[view.link]).all()
    assert np.isfinite(view.x).all()


def test_a_unit_under_siren_passes_part_of_the_queue():
    network = road([500.0, 500.0, 500.0])
    took = {}
    for siren in (True, False):
        traffic = queued(network, make_trips([0.0] * 400, [[0, 1, 2]] * 400, [499.0] * 400))
        token = traffic.block(Place(1, 499.0), 1)
        traffic.advance(300)
        traffic.unblock(token)
        path = np.array([0, 1, 2], np.int32)
        traffic.insert_unit(0, Place(0, 10.0), path, 400.0, speed_factor=1.0, siren=siren)
        assert traffic.unit_running(0)
        with pytest.raises(TwinError, match="already"):
            traffic.insert_unit(0, Place(0, 10.0), path, 400.0, speed_factor=1.0, siren=siren)
        places = []
        for _ in range(900):
            traffic.advance(1)
            places.append(traffic.unit_place(0))
            if (found := traffic.arrivals()) != []:
                break
        took[siren] = found[0][1] - 300.0
        assert found[0][0] == 0
        order = [place.link * 500.0 + place.pos_m for place in places]
        assert (np.diff(order) >= -1e-3).all()
        assert traffic.unit_place(0) == Place(2, pytest.approx(400.0, abs=0.1))
    assert 1390.0 / 20.0 < took[True] < 0.8 * took[False]


def test_a_unit_turns_round_halts_and_goes_on():
    network = road([500.0, 500.0])
    traffic = MesoTraffic(network)
    traffic.insert_unit(
        3, Place(0, 100.0), np.array([0, 1], np.int32), 400.0, speed_factor=1.3, siren=True
    )
    traffic.advance(5)
    here = traffic.unit_place(3)
    assert here.pos_m == pytest.approx(100.0 + 5 * 26.0, rel=0.02)
    traffic.reroute_unit(3, np.array([0], np.int32), 300.0)
    traffic.advance(10)
    assert traffic.unit_place(3).pos_m == pytest.approx(300.0)
    assert traffic.arrivals()[0][0] == 3
    traffic.insert_unit(
        3, Place(0, 300.0), np.array([0, 1], np.int32), 9.0, speed_factor=1, siren=False
    )
    traffic.advance(3)
    assert traffic.remove_unit(3).pos_m == pytest.approx(360.0, rel=0.02)
    assert not traffic.unit_running(3)
    with pytest.raises(InputError, match="behind"):
        traffic.insert_unit(
            4, Place(0, 300.0), np.array([0], np.int32), 9.0, speed_factor=1.0, siren=True
        )


def test_an_empty_network_keeps_its_free_flow_times():
    traffic = MesoTraffic(NETWORK)
    traffic.advance(100)
    assert np.allclose(traffic.link_travel_time(), NETWORK.free_flow_s * Parameters().pace)
    assert not traffic.link_stats().vehicle_seconds.any()


def test_routes_are_compacted_while_vehicles_need_them():
    network = road([50.0] * 300)
    traffic = MesoTraffic(network)
    route = list(range(300))
    for part in range(12):
        departs = [part * 60.0 + 4.0 * i for i in range(15)]
        for _ in range(5):
            traffic.add_trips(make_trips(departs, [route] * 15, [40.0] * 15))
        traffic.advance(60)
    # 900 routes of 300 links were given to a store that keeps 65,536 entries free.
    assert len(traffic._state.route) < 8 * 65_536
    traffic.advance(6000)
    done = traffic.finished()
    assert len(done.vehicle) == 900
    assert done.distance_m == pytest.approx(np.full(900, 299 * 50.0 + 40.0))


def small_run() -> MesoTraffic:
    """Return traffic that has met every kernel: signals, gaps, units, obstacles, detours, bans."""
    network = grid(3, 3, 80.0, 2, 13.9)
    traffic = MesoTraffic(network, parameters=Parameters(stuck_s=5.0))
    trips = random_trips(network, 120, 20.0, 2, most_links=6)
    traffic.add_trips(trips)
    path = trips.route_link[trips.route_ptr[0] : trips.route_ptr[1]]
    traffic.insert_unit(0, Place(int(path[0]), 30.0), path, 79.0, speed_factor=1.3, siren=True)
    token = traffic.block(Place(int(path[-1]), 50.0), 2)
    for tick in range(60):
        if tick == 30:
            traffic.unblock(token)
            traffic.close_lanes(int(path[-1]))
            traffic.ban_turns(np.array([3, 11], np.int32))
        traffic.advance(1)
    return traffic


def test_plain_python_gives_the_same_bits_as_compiled_code():
    assert plain_digest("tests.support.queues", __name__) == digest(small_run())


@pytest.mark.pyfunc
def test_small_run_in_plain_python():
    count = small_run().counters
    assert count.inserted == 120
    # Counts of the compiled run, whose every bit the test before compares.
    assert (count.finished, count.removed, count.strayed) == (66, 0, 3)
