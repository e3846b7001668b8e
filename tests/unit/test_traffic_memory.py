"""How the arrays of the movement kernels lie in memory, and how kernels look them up."""

from __future__ import annotations

from types import FunctionType

import numba
import numpy as np
import pytest

from tests.support.roads import random_trips
from tests.support.traffic_checks import check_now, digest
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic import storage
from twin.traffic.kernels.layout import CROWDED, LANE, LINE, LINK, RECORDS_USED, TURN
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


def test_what_every_tick_reads_of_a_link_is_one_cache_line():
    seldom = {"siren_dist", "queue_at", "queue_end", "full"}
    ends = {name: at + kind.itemsize for name, (kind, at, *_) in LINK.fields.items()}
    assert {name for name, end in ends.items() if end > LINE} == seldom


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


def _filling(seed: int = 4) -> MicroTraffic:
    network = grid(5, 5, 150.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(seed))
    traffic.add_trips(random_trips(network, 1_200, 60.0, 3))
    return traffic


def test_lanes_that_fill_are_moved_one_by_one_and_share_no_memory():
    traffic = _filling()
    moved = whole = 0
    for _ in range(240):
        before = traffic._state.lane["low"].copy(), traffic._current, len(traffic._records)
        traffic.advance(1)
        lane = traffic._state.lane
        order = np.argsort(lane["low"])
        ends = (lane["low"] + lane["cap"])[order]
        assert (lane["low"][order][1:] >= ends[:-1]).all()
        assert ends[-1] <= traffic._state.counts[RECORDS_USED] <= len(traffic._records)
        assert ((lane["low"] <= lane["start"]) & (lane["end"] <= lane["low"] + lane["cap"])).all()
        other = int((lane["low"] != before[0]).sum())
        if (traffic._current, len(traffic._records)) != before[1:]:
            whole += 1
        else:
            moved += 0 < other < len(lane) // 2
    assert moved > 10
    assert 0 < whole < moved
    check_now(traffic)


@pytest.mark.parametrize(("free", "spare"), [(200, 5_000), (5, 40)])
def test_how_much_space_lanes_have_changes_no_bit(free, spare):
    # Of five free records every lane wants more, and 40 are enough for one or two lanes.
    traffic, other = _filling(), _filling()
    for _ in range(6):
        _spread(other, free, spare)
        for each in (traffic, other):
            each.advance(40)
            check_now(each)
    assert digest(traffic) == digest(other)
    assert traffic.counters.lane_changes > 100


def _spread(traffic: MicroTraffic, free: int, spare: int) -> None:
    """Give every lane `free` records at its tail, and all of them `spare` to be moved to."""
    lane, old = traffic._state.lane, traffic._records
    count = lane["end"] - lane["start"]
    end = np.cumsum(count + free)
    buffers = storage.new_buffers(int(end[-1]) + spare)
    for x in range(len(lane)):
        live = old[lane["start"][x] : lane["end"][x]]
        buffers[0][end[x] - count[x] : end[x]] = live
    lane["start"], lane["end"] = end - count, end
    lane["low"], lane["cap"] = end - count - free, count + free
    traffic._state.counts[RECORDS_USED] = end[-1]
    traffic._state.counts[CROWDED] = 0
    traffic._buffers, traffic._current = buffers, 0


def test_a_checkpoint_holds_the_records_in_use_and_no_more():
    traffic = _filling()
    traffic.advance(90)
    parts = traffic.checkpoint()
    used = int(traffic._state.counts[RECORDS_USED])
    assert len(parts["record"]) == used < len(traffic._records)
    again = _filling(9)
    again.restore(parts)
    for each in (traffic, again):
        each.advance(60)
    assert digest(traffic) == digest(again)


def test_how_much_space_lanes_have_changes_no_bit_where_many_make_way():
    network = grid(6, 6, 200.0, 2, 13.9)
    trips = random_trips(network, 5_000, 150.0, 5)
    digests = []
    for free in (0, 200):
        traffic = MicroTraffic(network, seed=np.uint64(7))
        traffic.add_trips(trips)
        traffic.advance(150)
        for unit in range(120):
            path = trips.route_link[trips.route_ptr[unit] : trips.route_ptr[unit + 1]]
            if len(path) > 3:
                place = Place(int(path[0]), 10.0)
                traffic.insert_unit(unit, place, path, 150.0, speed_factor=1.3, siren=True)
            if free:
                _spread(traffic, free, 20_000)
            traffic.advance(2)
        check_now(traffic)
        digests.append(digest(traffic))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("barred", ["close", "bus lane", "obstacle"])
def test_how_much_space_lanes_have_changes_no_bit_where_all_leave_a_lane(barred):
    network = grid(3, 3, 900.0, 2, 13.9)
    trips = random_trips(network, 900, 100.0, 5)
    digests, most = [], 0
    for free in (0, 200):
        traffic = MicroTraffic(network, seed=np.uint64(7))
        traffic.add_trips(trips)
        traffic.advance(100)
        for link in range(network.n_links):
            if barred == "close":
                traffic.close_lanes(link, 1)
            elif barred == "bus lane":
                traffic.set_bus_lanes(link, [0])
            else:
                traffic.block(Place(link, 880.0), 1)
        if free:
            _spread(traffic, free, 20_000)
        for _ in range(40):
            before = traffic.counters.lane_changes
            traffic.advance(1)
            most = max(most, traffic.counters.lane_changes - before)
        check_now(traffic)
        digests.append(digest(traffic))
    assert digests[0] == digests[1]
    assert most > 0, most
