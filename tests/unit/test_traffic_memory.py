"""How the arrays of the movement kernels lie in memory, and how kernels look them up."""

from __future__ import annotations

from types import FunctionType

import numba
import numpy as np
import pytest

from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now, digest
from twin.network.generate import grid
from twin.traffic import storage
from twin.traffic.kernels.layout import LANE, LINE, LINK, TURN
from twin.traffic.kernels.prefetch import MANY_LANES
from twin.traffic.large_pages import side_by_side, zeros
from twin.traffic.micro import MicroTraffic


def _from_front(array, index):
    return array[index]


def _ir(module: str) -> str:
    function = FunctionType(_from_front.__code__, {"__name__": module}, "look_up")
    function.__module__ = module
    compiled = numba.njit("int64(int64[::1], int64)")(function)
    return next(iter(compiled.inspect_llvm().values()))


def test_records_begin_with_a_cache_line():
    for count in (0, 1, 5, 100_000):
        for dtype in (LANE, LINK, TURN):
            rows = storage.records(count, dtype)
            assert rows.shape == (count,)
            assert rows.dtype == dtype
            assert count == 0 or rows.ctypes.data % LINE == 0
            assert rows.flags.writeable
            assert not rows.view(np.uint8).any()
    assert {LANE.itemsize % LINE, LINK.itemsize % LINE, TURN.itemsize % LINE} == {0}


def test_large_arrays_begin_with_a_large_page_and_live_as_long_as_they_are_used():
    store = zeros(1_000_000, np.dtype(np.int32))
    store[:] = np.arange(1_000_000)
    part = store[5:]
    del store
    assert part.ctypes.data % LINE == 20
    assert (part[:3] == [5, 6, 7]).all()
    assert part[-1] == 999_999


def test_arrays_side_by_side_begin_with_a_cache_line_each_and_are_what_they_were():
    arrays = [np.arange(7, dtype=np.int32), np.empty((0, 2), np.float32), np.eye(3), np.ones(99)]
    copies = side_by_side(*arrays)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert array.dtype == copy.dtype
        assert copy.size == 0 or copy.ctypes.data % LINE == 0
    copies[0][:] = 5
    assert (copies[2] == np.eye(3)).all()


def test_restored_records_lie_as_new_ones_do():
    network = grid(3, 3, 100.0, 1, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.restore(traffic.checkpoint())
    for rows in (traffic._state.lane, traffic._state.vehicle, traffic._net.link, *traffic._buffers):
        assert rows.ctypes.data % LINE == 0


@pytest.mark.skipif(bool(numba.config.BOUNDSCHECK), reason="indices are tested, as asked")
def test_kernels_count_from_the_front_and_nobody_else_does():
    assert "icmp slt" not in _ir("twin.traffic.kernels.probe")
    assert "icmp slt" in _ir("elsewhere")
    last = numba.njit(_from_front)
    assert last(np.arange(5), -1) == 4


def test_threads_change_no_bit_where_memory_is_asked_ahead():
    network = grid(34, 34, 120.0, 1, 13.9)
    assert network.link_lanes.sum() > MANY_LANES
    trips = random_trips(network, 3_000, 20.0, 3)
    digests = set()
    for threads in (1, 2):
        traffic = MicroTraffic(network, seed=np.uint64(5), threads=threads)
        traffic.add_trips(trips)
        traffic.advance(60)
        check_now(traffic)
        digests.add(digest(traffic))
    assert traffic.counters.running > 1_000
    assert len(digests) == 1
