"""The same seed gives the same bits: whatever the threads, the chunks, the interruption."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.support.plain import plain_digest
from tests.support.roads import random_trips
from tests.support.traffic_checks import digest
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.micro import Kinds, MicroTraffic

NETWORK = grid(4, 4, 150.0, 3, 13.9)
TRIPS = random_trips(NETWORK, 900, 150.0, 7)


def _run(chunks: list[int], *, threads: int = 1, seed: int = 11) -> MicroTraffic:
    traffic = MicroTraffic(NETWORK, seed=np.uint64(seed), threads=threads)
    traffic.add_trips(TRIPS)
    path = TRIPS.route_link[TRIPS.route_ptr[5] : TRIPS.route_ptr[6]]
    traffic.insert_unit(0, Place(int(path[0]), 60.0), path, 149.0, speed_factor=1.3, siren=True)
    for ticks in chunks:
        traffic.advance(ticks)
    return traffic


def test_threads_change_no_bit():
    assert digest(_run([180])) == digest(_run([180], threads=2))


def test_chunks_change_no_bit():
    assert digest(_run([120])) == digest(_run([1] * 120)) == digest(_run([7, 50, 63]))


def test_another_seed_is_another_run():
    assert digest(_run([120])) != digest(_run([120], seed=12))


def test_an_obstacle_has_nothing_of_what_lay_in_its_place():
    clean, used = (MicroTraffic(NETWORK, seed=np.uint64(1)) for _ in range(2))
    for buffer in used._buffers:
        for name in buffer.dtype.names:
            buffer[name] = 7
    for traffic in (clean, used):
        traffic.block(Place(3, 70.0), 3)
    assert digest(clean) == digest(used)


def test_restored_run_ends_with_the_same_bits():
    traffic = _run([90])
    token = traffic.block(Place(3, 70.0), 2)
    traffic.close_lanes(9, 1)
    saved = io.BytesIO()
    np.savez(saved, **traffic.checkpoint())
    traffic.advance(40)
    traffic.unblock(token)
    traffic.advance(40)
    saved.seek(0)
    with np.load(saved) as parts:
        other = MicroTraffic(NETWORK, seed=np.uint64(99))
        other.restore(dict(parts))
    assert other.tick == 90
    other.advance(40)
    other.unblock(token)
    other.advance(40)
    assert digest(other) == digest(traffic)
    assert (other.link_stats().left == traffic.link_stats().left).all()
    with pytest.raises(InputError, match="another network"):
        MicroTraffic(grid(2, 2, 100.0, 1, 10.0), seed=np.uint64(1)).restore(traffic.checkpoint())
    older = traffic.checkpoint() | {"link": traffic.checkpoint()["link"][["length", "lanes"]]}
    with pytest.raises(InputError, match="another version"):
        MicroTraffic(NETWORK, seed=np.uint64(1)).restore(older)
    longer = Kinds(car=Kinds().car._replace(length_m=6.0))
    with pytest.raises(InputError, match="other types of vehicles"):
        MicroTraffic(NETWORK, seed=np.uint64(1), kinds=longer).restore(traffic.checkpoint())


def test_plain_python_gives_the_same_bits_as_compiled_code():
    from tests.unit.test_traffic_plain import small_run

    plain = plain_digest("tests.support.traffic_checks", "tests.unit.test_traffic_plain")
    assert plain == digest(small_run())
