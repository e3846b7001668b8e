"""All that vehicles can meet at once: nobody touches, threads and an interruption change no bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now, digest
from tests.unit.test_bus_stops import GRID, random_buses
from twin.network.conditions import Conditions
from twin.network.graph import Place
from twin.traffic.micro import Kinds, MicroTraffic

KINDS = Kinds(
    car=Kinds().car._replace(headway_sd=0.2, imperfection=0.2, reaction_s=0.5),
    truck=Kinds().truck._replace(model="krauss", imperfection=0.5),
)
TRIPS = random_trips(GRID, 500, 150.0, 7)


def new(threads: int = 1) -> MicroTraffic:
    return MicroTraffic(GRID, seed=np.uint64(3), threads=threads, kinds=KINDS)


def begin(threads: int) -> MicroTraffic:
    """Return types who differ, buses, bays, bus lanes, closed lanes, sirens, snow and works."""
    traffic = new(threads)
    kind = np.array([0, 1, 2, 7, 8], np.uint8)[np.arange(len(TRIPS)) % 5]
    traffic.add_trips(replace(TRIPS, kind=kind))
    buses, asked = random_buses(60)
    traffic.add_calls(traffic.add_trips(buses), asked)
    traffic.set_bus_lanes(3, [0])
    traffic.set_bus_lanes(8, [1])
    traffic.close_lanes(12, 1)
    for unit in range(3):
        way = TRIPS.route_link[TRIPS.route_ptr[unit] : TRIPS.route_ptr[unit + 1]]
        place = Place(int(way[0]), 60.0)
        traffic.insert_unit(unit, place, way, 149.0, speed_factor=1.3, siren=True)
    snow = Conditions.clear(GRID.n_links)._replace(speed=0.88, capacity=0.78)
    snow.limit_mps[3], snow.lane_veh_h[3] = 5.0, 900.0
    traffic.set_conditions(snow)
    assert traffic.slow(Place(5, 70.0), 0.5) == 0
    return traffic


def test_nobody_touches_and_no_bit_changes():
    one, two = begin(1), begin(2)
    for _ in range(100):
        one.advance(1)
        check_now(one)
    two.advance(100)
    other = new(2)
    other.restore(one.checkpoint())
    for traffic in (one, two, other):
        traffic.open_lanes(12)
        traffic.set_bus_lanes(3, [])
        traffic.set_conditions(Conditions.clear(GRID.n_links))
        traffic.unslow(0)
        traffic.advance(100)
    assert digest(one) == digest(two) == digest(other)
    assert one.counters.red_run == 0
