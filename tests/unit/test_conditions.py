"""Weather, work zones and passers-by: what they do to speeds, headways and times, and their end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import simpy

from tests.support.cities import grid_city
from tests.support.queues import digest as digest_of_queues
from tests.support.roads import (
    CALM,
    Group,
    Link,
    Turn,
    make_network,
    make_trips,
    random_trips,
    road,
)
from tests.support.traffic_checks import digest
from twin.core.errors import InputError
from twin.network.conditions import Conditions
from twin.network.generate import grid
from twin.network.graph import Place
from twin.scenarios.changes import check
from twin.scenarios.conditions import FACTORS, conditions_of
from twin.scenarios.roads import Standing
from twin.scenarios.spec import Scenario
from twin.traffic.conditions import capacity_share, headway_for, lane_capacity
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.obstacles import Obstacles
from twin.traffic.passers_by import OPPOSITE_SHARE, PassersBy, open_lane_share
from twin.traffic.table import TableMobility
from twin.traffic.types import Kinds

NETWORK = grid(4, 4, 150.0, 3, 13.9)
TRIPS = random_trips(NETWORK, 900, 150.0, 7)


def scenario(*changes, **traffic) -> Scenario:
    return Scenario(
        name="t",
        city="grid",
        period={"start": "08:00", "end": "09:00", "warm_up_min": 0.0},
        traffic=traffic,
        changes=list(changes),
    )


def weather(sky: str, **fields):
    return {"kind": "weather", "sky": sky} | fields


def zone(**fields):
    return {"kind": "work-zone", "links": [int(NETWORK.link_id[2])]} | fields


def whole(n_links: int, speed: float, capacity: float) -> Conditions:
    return Conditions.clear(n_links)._replace(speed=speed, capacity=capacity)


def traffic_of(kind: str, network, **settings):
    if kind == "micro":
        return MicroTraffic(network, seed=np.uint64(1), **settings)
    return MesoTraffic(network, **settings)


# What scenarios say


def test_the_lowest_figures_of_what_overlaps_hold():
    changes = scenario(
        weather("rain-light"),
        weather("fog", capacity_factor=0.5),
        zone(lanes=1, speed_limit_kmh=36.0),
        zone(lanes=2, lane_veh_h=1200.0),
    ).changes
    now = conditions_of(changes, NETWORK)
    assert (now.speed, now.capacity) == (0.95, 0.5)
    assert now.limit_mps[2] == pytest.approx(10.0)
    assert now.lane_veh_h[2] == 1200.0
    assert np.isinf(np.delete(now.limit_mps, 2)).all()
    always = Standing.of(scenario(weather("fog"), zone(lanes=5 - 3)), NETWORK)
    assert always.conditions.speed == 0.95
    assert always.closed == {2: 2}


def test_work_leaves_a_lane_open():
    city = grid_city(network=NETWORK)
    check(scenario(zone(lanes=2)), city)
    with pytest.raises(InputError, match=r"changes\.1\.lanes.* leaves one lane open"):
        check(scenario(zone(lanes=3)), city)
    with pytest.raises(InputError, match="there are at most 3"):
        check(scenario(zone(lanes=4)), city)
    with pytest.raises(InputError, match="the city has no link 9999"):
        check(scenario(zone(links=[9999])), city)
    assert Standing.of(scenario(zone(lanes=0)), NETWORK).closed == {}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "weather"},
        weather("hail"),
        weather("fog", speed_factor=0.0),
        weather("fog", capacity_factor=1.1),
        weather("fog", speed_factor=float("nan")),
        weather("fog", at="18:00", until="17:00"),
        weather("fog", street="Main"),
        {"kind": "work-zone"},
        zone(lanes=-1),
        zone(speed_limit_kmh=0),
        zone(lane_veh_h=10),
        zone(reason="x" * 300),
    ],
)
def test_rubbish_is_refused(change):
    with pytest.raises(ValueError, match="changes"):
        scenario(change)


# What one road does


@pytest.mark.parametrize("sky", FACTORS)
@pytest.mark.parametrize("kind", ["micro", "meso"])
def test_free_speed_falls_by_the_factor(kind, sky):
    speed, capacity = FACTORS[sky]
    took = []
    for factors in ((1.0, 1.0), (speed, capacity)):
        traffic = traffic_of(
            kind, road([2000.0, 2000.0]), **({"kinds": CALM} if kind == "micro" else {})
        )
        traffic.set_conditions(whole(2, *factors))
        traffic.add_trips(make_trips([0.0], [[0, 1]], [1990.0]))
        traffic.advance(300)
        took.append(float(traffic.finished().t_arrive[0]))
    assert took[0] / took[1] == pytest.approx(speed, rel=0.01)


def test_a_unit_under_siren_is_slower_in_snow():
    times = []
    for speed in (1.0, 0.88):
        traffic = MicroTraffic(road([2000.0]), seed=np.uint64(1))
        traffic.set_conditions(whole(1, speed, 0.78))
        route = np.array([0], np.int32)
        traffic.insert_unit(0, Place(0, 10.0), route, 1990.0, speed_factor=1.3, siren=True)
        traffic.advance(120)
        times.append(traffic.arrivals()[0][1])
    assert times[0] / times[1] == pytest.approx(0.88, rel=0.02)


def saturation(kind: str, speed: float, capacity: float) -> float:
    """Return the vehicles that two hours of half green let out of one lane."""
    network = make_network(
        [Link(0, 1, 1500.0, 1, 13.9), Link(1, 2, 600.0, 1, 13.9)],
        [Turn(0, 1, group=0)],
        (Group(400.0, 0.0, 300.0),),
    )
    traffic = traffic_of(kind, network)
    traffic.set_conditions(whole(2, speed, capacity))
    count = 3000
    traffic.add_trips(
        make_trips([float(i) for i in range(count)], [[0, 1]] * count, [590.0] * count)
    )
    traffic.advance(400)
    traffic.link_stats()
    traffic.advance(4000)
    return float(traffic.link_stats().left[0])


@pytest.mark.parametrize("kind", ["micro", "meso"])
def test_saturation_flow_falls_by_the_factor(kind):
    dry = saturation(kind, 1.0, 1.0)
    for sky, (speed, capacity) in FACTORS.items():
        # The greens start and end, and drivers differ: 4%.
        share = saturation(kind, speed, capacity) / dry
        assert share == pytest.approx(capacity, rel=0.04), sky


def test_headways_give_the_capacity_asked_for():
    car = Kinds().car
    speed = np.array([8.3, 13.9, 27.8])
    dry = lane_capacity(speed, car)
    for share in (0.95, 0.7, 0.3):
        headway = headway_for(share * dry, speed, car)
        assert lane_capacity(speed, car, headway) == pytest.approx(share * dry, rel=1e-4)
    assert headway_for(2.0 * dry, speed, car) == pytest.approx(car.headway_s)
    now = Conditions.clear(3)
    now.lane_veh_h[1] = dry[1] / 2
    assert capacity_share(now, speed.astype(np.float32)) == pytest.approx([1.0, 0.5, 1.0])


@pytest.mark.parametrize("kind", ["micro", "meso"])
def test_a_work_zone_carries_what_the_manual_says(kind):
    # HCM 2010: 1,600 pc/h and lane beside short-term work; a limit of 60 km/h changes nothing.
    network = road([1500.0, 600.0, 600.0], speed=25.0)
    traffic = traffic_of(kind, network)
    count = 1500
    departs = [1.8 * i for i in range(count)]
    traffic.add_trips(make_trips(departs, [[0, 1, 2]] * count, [590.0] * count))
    now = Conditions.clear(3)
    now.lane_veh_h[1], now.limit_mps[1] = 1600.0, 60.0 / 3.6
    traffic.set_conditions(now)
    traffic.advance(600)
    traffic.link_stats()
    traffic.advance(1800)
    assert 2.0 * traffic.link_stats().left[1] == pytest.approx(1600.0, rel=0.05)
    on = traffic.vehicles.link == 1
    assert traffic.vehicles.speed_mps[on].max() < 1.3 * 60.0 / 3.6


# Passers-by


def test_what_open_lanes_carry_is_the_manuals_table():
    # HCM 2010, exhibit 10-17, to the two figures of SHRP 2 L08's table.
    known = {2: [0.35], 3: [0.49, 0.17], 4: [0.58, 0.25, 0.13], 6: [0.71, 0.50, 0.26]}
    for lanes, row in known.items():
        for blocked, share in enumerate(row, start=1):
            left = (lanes - blocked) / lanes * open_lane_share(lanes, blocked)
            assert left == pytest.approx(share, abs=0.01)
    assert open_lane_share(1, 1) == open_lane_share(3, 3) == open_lane_share(3, 0) == 1.0
    assert open_lane_share(10, 1) == open_lane_share(8, 1)


def test_drivers_pass_an_incident_slowly_and_those_across_too():
    links = [Link(0, 1, 1000.0, 3), Link(1, 0, 1000.0, 3)]
    network = make_network(links, [])
    assert PassersBy(network).seen(Place(0, 400.0), 1, opposite=False) == [(Place(0, 400.0), 0.74)]
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    obstacles = Obstacles(traffic)
    token = obstacles.put(Place(0, 400.0), 1, opposite=True)
    traffic.add_trips(make_trips([0.0, 0.0], [[0], [1]], [990.0, 990.0]))
    slowest = np.full((2, 10), np.inf)
    for _ in range(60):
        traffic.advance(1)
        view = traffic.vehicles
        for link, pos, speed in zip(view.link, view.pos_m, view.speed_mps, strict=True):
            if pos > 100.0 and speed > 0:
                at = int(pos // 100)
                slowest[link, at] = min(slowest[link, at], speed)
    # Own direction: 300 to 420 m; across: 500 to 620 m.
    assert slowest[0, 3] == pytest.approx(0.74 * 20.0, rel=0.03)
    assert slowest[1, 5] == pytest.approx(OPPOSITE_SHARE * 20.0, rel=0.03)
    assert slowest[0, [2, 8]] == pytest.approx([20.0, 20.0], rel=0.02)
    assert slowest[1, [3, 9]] == pytest.approx([20.0, 20.0], rel=0.02)
    obstacles.take(token)
    assert (traffic._net.link["slow"] == 0).all()
    with pytest.raises(KeyError):
        traffic.unslow(0)


def test_a_blocked_lane_never_stops_the_other():
    # Who is beside a car that must merge goes first; both once stood for good.
    network = road([1500.0, 600.0, 600.0], lanes=2, speed=25.0)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    count = 3000
    departs = [0.7 * i for i in range(count)]
    traffic.add_trips(make_trips(departs, [[0, 1, 2]] * count, [590.0] * count))
    traffic.block(Place(1, 300.0), 1)
    traffic.advance(600)
    for _ in range(5):
        traffic.link_stats()
        traffic.advance(120)
        assert traffic.link_stats().left[1] > 25


# Their end, and bits


@pytest.mark.parametrize("kind", ["micro", "meso"])
def test_what_ends_leaves_the_old_bits(kind):
    def run(*, snow: bool):
        traffic = traffic_of(kind, NETWORK)
        if snow:
            now = whole(NETWORK.n_links, 0.88, 0.78)
            now.limit_mps[3], now.lane_veh_h[3] = 5.0, 900.0
            traffic.set_conditions(now)
            token = traffic.slow(Place(5, 70.0), 0.5)
        traffic.advance(120)
        if snow:
            traffic.set_conditions(Conditions.clear(NETWORK.n_links))
            traffic.unslow(token)
        traffic.advance(120)
        later = replace(TRIPS, depart_s=TRIPS.depart_s + 240.0)
        traffic.add_trips(later)
        traffic.advance(200)
        return traffic

    once, never = run(snow=True), run(snow=False)
    if kind == "meso":
        assert digest_of_queues(once) == digest_of_queues(never)
    else:
        assert digest(once) == digest(never)
    assert (once.link_travel_time() == never.link_travel_time()).all()


@pytest.mark.parametrize("kind", ["micro", "meso"])
def test_threads_and_a_checkpoint_change_no_bit(kind):
    digest_now = digest if kind == "micro" else digest_of_queues

    def new(threads: int = 1):
        if kind == "micro":
            return MicroTraffic(NETWORK, seed=np.uint64(1), threads=threads)
        return MesoTraffic(NETWORK, threads=threads)

    def begin(threads: int):
        traffic = new(threads)
        now = whole(NETWORK.n_links, 0.88, 0.78)
        now.limit_mps[3], now.lane_veh_h[3] = 5.0, 900.0
        traffic.set_conditions(now)
        traffic.slow(Place(5, 70.0), 0.5)
        traffic.slow(Place(5, 120.0), 0.7)
        traffic.add_trips(TRIPS)
        traffic.advance(90)
        return traffic

    one, two = begin(1), begin(2)
    other = new()
    other.restore(one.checkpoint())
    for traffic in (one, two, other):
        traffic.advance(60)
        traffic.unslow(0)
        traffic.set_conditions(Conditions.clear(NETWORK.n_links))
        traffic.advance(60)
    assert digest_now(one) == digest_now(two) == digest_now(other)


# Tables


def test_table_times_are_scaled_exactly():
    network = grid(5, 5, 200.0, 2, 10.0, signals=False)
    env = simpy.Environment(initial_time=3 * 3600.0)
    settings = scenario(fidelity="table", demand_scale=0.0)
    mobility = TableMobility(env, grid_city(network=network), settings)
    unit = mobility.add_unit("A1", "ambulance", Place(0, 0.0))
    goal = Place(0, 200.0)

    def etas() -> list[float]:
        return [float(mobility.etas([unit], goal, siren=siren)[0]) for siren in (False, True)]

    dry = etas()
    assert dry[0] == pytest.approx(20.0, rel=1e-6)
    for speed, capacity in FACTORS.values():
        mobility.set_conditions(whole(network.n_links, speed, capacity))
        assert etas() == pytest.approx([t / speed for t in dry], rel=1e-6)
    limit = Conditions.clear(network.n_links)
    limit.limit_mps[0], limit.lane_veh_h[0] = 5.0, 1600.0
    mobility.set_conditions(limit)
    assert etas() == pytest.approx([2.0 * t for t in dry], rel=1e-6)
    mobility.set_conditions(Conditions.clear(network.n_links))
    assert etas() == dry
