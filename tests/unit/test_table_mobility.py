from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import simpy

from tests.support.cities import SHARES, grid_city
from tests.support.traffic_checks import driven
from twin.network.generate import grid
from twin.network.graph import Place, RoadClass, TurnKind
from twin.network.sides import across
from twin.scenarios.spec import Scenario
from twin.traffic.congestion import SQUEEZE_LANES, STREET_CURVE, HourlyTimes
from twin.traffic.costs import SIREN_DELAY_SHARE, RoadCosts, signal_wait
from twin.traffic.mobility import UnreachableError
from twin.traffic.table import TableMobility

FREE_S = 20.0  # a link of the grid below at free flow
NIGHT = 3 * 3600.0


@pytest.fixture(scope="module")
def city():
    roads = grid(5, 5, 200.0, 2, 10.0, signals=False)
    # Nobody gives way, so that straight on costs nothing beside the links.
    return grid_city(network=replace(roads, turn_yield=np.zeros_like(roads.turn_yield)))


def make(city, start: float = NIGHT, **traffic) -> tuple[simpy.Environment, TableMobility]:
    env = simpy.Environment(initial_time=start)
    scenario = Scenario(name="t", city="grid", traffic={"fidelity": "table", **traffic})
    speed = np.full((24, city.network.n_links), 10.0, np.float32)
    speed[8] = 5.0
    return env, TableMobility(env, city, scenario, hourly_link_speed=speed)


def street(network, links: int) -> list[int]:
    """Return that many links straight on, along the middle of the grid."""
    for first in range(network.n_links):
        row = [first]
        while len(row) < links:
            turns = range(*network.turn_ptr[row[-1] : row[-1] + 2])
            on = [t for t in turns if network.turn_kind[t] == TurnKind.THROUGH]
            if not on:
                break
            row.append(int(network.turn_to[on[0]]))
        middle = network.node_y[network.link_from[first]] == network.node_y[network.link_to[first]]
        if len(row) == links and middle and network.node_y[network.link_to[first]] == 0:
            return row
    raise AssertionError


def test_a_drive_takes_the_time_of_its_links_and_arrives_at_the_exact_second(city):
    env, mobility = make(city)
    a, b, c = street(city.network, 3)
    unit = mobility.add_unit("A1", "ambulance", Place(a, 50.0))
    goal = Place(c, 120.0)
    (eta,) = mobility.etas([unit], goal, siren=False)
    assert eta == pytest.approx(15.0 + FREE_S + 12.0, rel=1e-6)
    assert mobility.travel_times(Place(a, 50.0), [goal], siren=False)[0] == pytest.approx(eta)
    event = mobility.drive(unit, goal, siren=False)
    env.run(until=NIGHT + 25.0)
    assert mobility.place_of(unit) == (b, pytest.approx(100.0, abs=0.01))
    env.run(until=event)
    assert env.now == pytest.approx(NIGHT + eta)
    assert event.value == pytest.approx(NIGHT + eta)
    assert mobility.place_of(unit) == goal
    assert mobility.etas([], goal, siren=True).size == 0


def test_links_entered_after_the_full_hour_have_its_times(city):
    env, mobility = make(city, 8 * 3600.0 - 22.0)
    a, _, c = street(city.network, 3)
    unit = mobility.add_unit("A1", "ambulance", Place(a, 0.0))
    event = mobility.drive(unit, Place(c, 200.0), siren=False)
    env.run(until=event)
    # Two links entered before the hour, the third at the 5 m/s of eight o'clock.
    assert event.value == pytest.approx(8 * 3600.0 - 22.0 + 80.0)
    (eta,) = mobility.etas([unit], Place(c, 200.0), siren=False)
    assert eta == 0.0


def test_a_siren_shortens_free_flow_and_the_delay(city):
    env, mobility = make(city, 8 * 3600.0, emergency_speed_factor=1.25)
    (a,) = street(city.network, 1)
    unit = mobility.add_unit("A1", "ambulance", Place(a, 0.0))
    (eta,) = mobility.etas([unit], Place(a, 200.0), siren=True)
    assert eta == pytest.approx(FREE_S / 1.25 + SIREN_DELAY_SHARE * (40.0 - FREE_S))
    event = mobility.drive(unit, Place(a, 200.0), siren=True)
    env.run(until=event)
    assert event.value == pytest.approx(8 * 3600.0 + eta)


def test_redirected_in_mid_drive_it_goes_on_from_where_it_is(city):
    env, mobility = make(city)
    a, b, c = street(city.network, 3)
    unit = mobility.add_unit("A1", "ambulance", Place(a, 0.0))
    first = mobility.drive(unit, Place(c, 200.0), siren=False)
    env.run(until=NIGHT + 30.0)
    here = mobility.place_of(unit)
    assert here == (b, pytest.approx(100.0, abs=0.01))
    second = mobility.drive(unit, Place(b, 150.0), siren=False)
    env.run(until=NIGHT + 500.0)
    assert second.value == pytest.approx(NIGHT + 35.0, abs=1e-3)
    assert not first.triggered
    third = mobility.drive(unit, Place(a, 100.0), siren=False)
    env.run(until=env.now + 7.0)
    stopped = mobility.stop(unit)
    env.run(until=env.now + 500.0)
    assert mobility.place_of(unit) == stopped
    assert not third.triggered


def test_positions_never_jump(city):
    env, mobility = make(city)
    network = city.network
    rng = np.random.default_rng(3)
    unit = mobility.add_unit("A1", "ambulance", Place(0, 0.0))
    for k in rng.integers(0, network.n_links, 8):
        before = mobility.place_of(unit)
        mobility.drive(unit, Place(int(k), float(rng.uniform(0, 200))), siren=False)
        assert mobility.place_of(unit) == (before.link, pytest.approx(before.pos_m, abs=1e-6))
        for _ in range(60):
            moved = mobility.moving(unit)
            env.run(until=env.now + 1.0)
            place = mobility.place_of(unit)
            metres = driven(network, before, place, (moved, mobility.moving(unit)))
            assert -1e-6 <= metres <= 10.0 + 1e-3
            before = place


def test_closures_turn_units_back_and_cut_goals_off(city):
    env, mobility = make(city)
    a, b, c = street(city.network, 3)
    unit = mobility.add_unit("A1", "ambulance", Place(a, 0.0))
    event = mobility.drive(unit, Place(c, 100.0), siren=False)
    env.run(until=NIGHT + 5.0)
    direct = NIGHT + 50.0
    mobility.close_links([b], None)
    assert mobility.place_of(unit) == (a, pytest.approx(50.0, abs=0.01))
    links = set()
    while not event.triggered:
        env.run(until=env.now + 1.0)
        links.add(mobility.place_of(unit).link)
    assert b not in links
    assert event.value > direct + 30.0
    back_a, back_b = across(city.network)[[a, b]].tolist()
    assert np.isfinite(mobility.etas([unit], Place(b, 10.0), siren=True)[0])
    mobility.close_links([back_b], None)
    assert np.isinf(mobility.etas([unit], Place(b, 10.0), siren=True)[0])
    back = mobility.drive(unit, Place(a, 10.0), siren=False)
    env.run(until=env.now + 5.0)
    mobility.close_links([a, back_a], None)
    with pytest.raises(UnreachableError, match=f"to link {a}"):
        env.run(until=back)
    mobility.open_links([a, back_a, b, back_b])
    assert np.isfinite(mobility.etas([unit], Place(b, 10.0), siren=True)[0])
    mobility.close_links([b, back_b], None)
    with pytest.raises(UnreachableError):
        env.run(until=mobility.drive(unit, Place(b, 10.0), siren=True))


def test_blocked_lanes_slow_the_link_by_the_capacity_lost(city):
    env, mobility = make(city)
    a, _, _ = street(city.network, 3)
    unit = mobility.add_unit("A1", "ambulance", Place(a, 0.0))
    goal = Place(a, 200.0)
    event = mobility.drive(unit, goal, siren=False)
    env.run(until=NIGHT + 10.0)
    one = mobility.block(Place(a, 150.0), 1)
    # The Highway Capacity Manual leaves 0.35 of two lanes when one is blocked (0.5 of 0.70).
    assert mobility.etas([unit], goal, siren=False)[0] == pytest.approx(10.0 / 0.35, abs=1e-3)
    two = mobility.block(Place(a, 150.0), 1)
    expected = 10.0 * 2 / SQUEEZE_LANES
    assert mobility.etas([unit], goal, siren=False)[0] == pytest.approx(expected, rel=1e-3)
    mobility.unblock(two)
    mobility.unblock(one)
    env.run(until=event)
    assert event.value == pytest.approx(NIGHT + 20.0, abs=1e-3)
    mobility.close_links([a], 1)
    mobility.remove_unit(unit)
    other = mobility.add_unit("A2", "ambulance", Place(a, 0.0))
    assert other == 1
    assert mobility.etas([other], goal, siren=False)[0] == pytest.approx(40.0, rel=1e-3)


def test_delay_follows_the_profile_and_the_demand(city):
    network = city.network
    share = SHARES / SHARES.sum()
    hourly = HourlyTimes(network, share, share.max(), network.free_flow_s)
    a, b = STREET_CURVE
    secondary = RoadClass.SECONDARY
    assert hourly.factor(8)[secondary] == pytest.approx(1 + a * 0.85**b)
    assert hourly.factor(3)[secondary] == pytest.approx(1 + a * (0.85 / 8) ** b)
    assert (hourly.seconds(8) > hourly.seconds(3)).all()
    hourly.demand = 0.5
    assert hourly.factor(8)[secondary] == pytest.approx(1 + a * (0.85 / 2) ** b)
    env = simpy.Environment(initial_time=8.2 * 3600)
    mobility = TableMobility(env, city, Scenario(name="t", city="grid"))
    link = street(network, 1)[0]
    before = mobility.travel_times(Place(link, 0.0), [Place(link, 200.0)], siren=False)
    mobility.scale_demand(2.0)
    after = mobility.travel_times(Place(link, 0.0), [Place(link, 200.0)], siren=False)
    assert before == pytest.approx(FREE_S * (1 + a * 0.85**b))
    assert after == pytest.approx(FREE_S * (1 + a * 1.7**b))


def test_the_mean_wait_at_a_signal_is_that_of_random_arrivals():
    network = grid(4, 4, 200.0, 2, 10.0, cycle_s=60.0)
    wait = signal_wait(network)
    green = network.group_green_to - network.group_green_from
    bounds = (60.0 - green) ** 2 / 120.0
    signalled = network.node_signal[network.link_to] >= 0
    assert (wait[~signalled] == 0).all()
    assert (wait[signalled] > bounds.min() - 1e-3).all()
    assert (wait[signalled] < bounds.max() + 1e-3).all()
    costs = RoadCosts(network, siren_factor=1.3)
    assert (costs.ordinary.times >= network.free_flow_s).all()
    assert (costs.siren.times < costs.ordinary.times).all()


def test_the_same_drives_give_the_same_times(city):
    values = []
    for _ in range(2):
        env, mobility = make(city)
        rng = np.random.default_rng(1)
        starts, ends = rng.integers(0, city.network.n_links, (2, 6))
        units = [mobility.add_unit(str(k), "ambulance", Place(int(k), 9.0)) for k in starts]
        events = [
            mobility.drive(u, Place(int(k), 30.0), siren=True)
            for u, k in zip(units, ends, strict=True)
        ]
        mobility.block(Place(int(ends[0]), 10.0), 1)
        env.run(until=env.all_of(events))
        values.append([event.value for event in events])
    assert values[0] == values[1]
