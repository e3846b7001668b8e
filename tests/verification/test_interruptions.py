"""Whatever is switched, closed, blocked and rerouted, an interruption changes no bit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now, digest
from tests.unit.test_bus_stops import GRID, random_buses
from twin.network.graph import Place
from twin.traffic.hook import View
from twin.traffic.micro import MicroTraffic
from twin.traffic.router import Router

pytestmark = pytest.mark.verify

TICKS = 400
TRIPS = random_trips(GRID, 500, 150.0, 7)
MODES = ("fixed", "actuated", "coordinated", "max-pressure")


def _new(threads: int) -> MicroTraffic:
    return MicroTraffic(GRID, seed=np.uint64(3), threads=threads)


def _way(trip: int):
    return TRIPS.route_link[TRIPS.route_ptr[trip] : TRIPS.route_ptr[trip + 1]]


def _happen(traffic: MicroTraffic, tick: int) -> None:
    """Let happen what happens at a tick; all of it follows from the tick and the traffic."""
    rng = np.random.default_rng(tick)
    link = int(rng.integers(GRID.n_links))
    if tick % 40 == 0:
        some = np.flatnonzero(rng.random(GRID.n_signals) < 0.6)
        traffic.control_signals(MODES[tick // 40 % 4], some)
    if tick % 60 == 20:
        traffic.preempt_signals(detection_m=250.0)
    if tick % 30 == 10:
        traffic.block(Place(link, 0.5 * float(GRID.link_length[link])), 1)
    if tick % 30 == 25:
        traffic.unblock(tick // 30)
    if tick % 50 == 15:
        traffic.ban_turns(np.flatnonzero(rng.random(GRID.n_turns) < 0.05).astype(np.int32))
    if tick % 25 == 5:
        way, siren = _way(tick), tick % 50 == 5
        place = Place(int(way[0]), 40.0)
        traffic.insert_unit(tick, place, way, 149.0, speed_factor=1.3, siren=siren)
    if tick % 20 == 0:
        running = traffic.running_routes(share=0.3)
        traffic.set_route(running.vehicle, *Router(GRID).routes(running.link, running.goal))
    if tick % 35 == 7:
        traffic.close_lanes(link, None if tick % 2 else 1)
    if tick % 35 == 30:
        for closed in traffic.closed.tolist():
            traffic.open_lanes(closed)
    if tick % 45 == 9:
        View(traffic).show(0, np.flatnonzero(GRID.group_signal == 0)[:1])
    if tick % 45 == 40:
        View(traffic).release(np.arange(len(GRID.group_signal)))


def _run(threads: int, cuts: tuple[int, ...] = (), *, check: bool = False) -> str:
    traffic = _new(threads)
    traffic.add_trips(TRIPS)
    buses, asked = random_buses(60)
    traffic.add_calls(traffic.add_trips(buses), asked)
    for tick in range(TICKS):
        if tick in cuts:
            saved = traffic.checkpoint()
            traffic = _new(1 + tick % 2)
            traffic.restore(saved)
        _happen(traffic, tick)
        traffic.advance(1)
        if check:
            check_now(traffic)
    return digest(traffic)


def test_threads_and_interruptions_change_no_bit_with_everything_on() -> None:
    straight = _run(1, check=True)
    assert _run(2) == straight
    assert _run(1, (3, 17, 41, 100, 101, 222, 333, 399)) == straight
