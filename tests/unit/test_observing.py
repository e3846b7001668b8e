"""Traffic has the same bits whoever reads what of it, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.support import queues, traffic_checks
from tests.support.roads import random_trips
from twin.demand.trips import Trips
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic

NETWORK = grid(4, 4, 150.0, 3, 13.9)
TRIPS = random_trips(NETWORK, 900, 150.0, 7)
TICKS = 420
PARTS = (120, 240, 330)
"""Ticks at which more trips come, into slots that others have left where their ends were read."""

Traffic = MicroTraffic | MesoTraffic


def micro(threads: int = 1) -> MicroTraffic:
    return MicroTraffic(NETWORK, seed=np.uint64(11), threads=threads)


def meso(threads: int = 1) -> MesoTraffic:
    return MesoTraffic(NETWORK, threads=threads)


def digest(traffic: Traffic) -> str:
    if isinstance(traffic, MicroTraffic):
        return traffic_checks.digest(traffic)
    return queues.digest(traffic)


def feed(traffic: Traffic) -> None:
    """Add the trips of this tick, and after the first a unit that comes to its end."""
    trips = TRIPS if traffic.tick == 0 else random_trips(NETWORK, 200, 60.0, traffic.tick)
    traffic.add_trips(replace(trips, depart_s=trips.depart_s + traffic.t))
    path = TRIPS.route_link[TRIPS.route_ptr[5] : TRIPS.route_ptr[6]]
    traffic.insert_unit(
        traffic.tick, Place(int(path[0]), 60.0), path, 149.0, speed_factor=1.3, siren=True
    )


def go(
    traffic: Traffic,
    *,
    every: int = TICKS,
    reads: Callable[[Traffic], object] | None = None,
    cut: Callable[[], Traffic] | None = None,
) -> tuple[str, set[int]]:
    """Run in pieces of `every` ticks at most; return the bits and the trips that were told.

    Parameters
    ----------
    reads
        What is read after each piece.
    cut
        Makes the traffic that takes over after each piece, from a checkpoint.
    """
    told: list[int] = []
    while traffic.tick < TICKS:
        if traffic.tick in (0, *PARTS):
            feed(traffic)
        due = min(at for at in (*PARTS, TICKS) if at > traffic.tick)
        traffic.advance(min(every, due - traffic.tick))
        if reads is not None:
            reads(traffic)
        if reads is ends:
            told += traffic.finished().vehicle.tolist()
        if cut is not None:
            saved = traffic.checkpoint()
            traffic = cut()
            traffic.restore(saved)
    told += traffic.finished().vehicle.tolist()
    assert len(set(told)) == len(told) == traffic.counters.finished + traffic.counters.removed
    return digest(traffic), set(told)


def ends(traffic: Traffic) -> None:
    """Read which units arrived; `go` reads which trips ended."""
    traffic.arrivals()


def view(traffic: Traffic) -> None:
    """Read all that moves no account."""
    _ = traffic.vehicles, traffic.counters, traffic.link_travel_time(), traffic.turn_delay()
    traffic.link_stats(reset=False)
    traffic.checkpoint()


@pytest.mark.parametrize("new", [micro, meso])
def test_reading_changes_no_bit(new: Callable[..., Traffic]) -> None:
    never = go(new())
    assert len(never[1]) > 500
    assert go(new(), every=1, reads=ends) == never
    assert go(new(), every=60, reads=ends) == never
    assert go(new(threads=2), every=7) == never
    assert go(new(), every=20, reads=view) == never


@pytest.mark.parametrize("new", [micro, meso])
def test_ends_read_between_checkpoints_change_no_bit(new: Callable[..., Traffic]) -> None:
    never = go(new())
    assert go(new(), every=45, cut=new) == never
    assert go(new(threads=2), every=45, cut=new, reads=ends) == never


@pytest.mark.parametrize("new", [micro, meso])
def test_trips_given_at_once_or_in_parts_drive_the_same(new: Callable[..., Traffic]) -> None:
    """A slot is given when a trip is added, a number in the same order."""

    def part(begin_s: float, end_s: float) -> Trips:
        low, high = np.searchsorted(TRIPS.depart_s, [begin_s, end_s])
        return TRIPS.part(int(low), int(high))

    whole, parts = new(), new()
    whole.add_trips(TRIPS)
    whole.advance(300)
    for begin in range(0, 300, 30):
        parts.add_trips(part(begin, begin + 30))
        parts.advance(30)
        parts.finished()
    assert digest(whole) == digest(parts)
