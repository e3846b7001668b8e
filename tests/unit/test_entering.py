"""Trips enter where their lane has room: from beside the road, from beyond it, past who waits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.roads import CALM, Group, Link, Turn, make_network, make_trips
from twin.network.sumo import read_sumo
from twin.traffic.control import kernel_network
from twin.traffic.kernels.junctions import entry_lane
from twin.traffic.micro import MicroTraffic
from twin.traffic.types import Fleet

RED = Group(cycle=1000.0, green_from=900.0, green_to=901.0)


def _traffic(network, routes, horizon_s: int):
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    ends = [190.0] * len(routes)
    traffic.add_trips(make_trips([0.0] * len(routes), routes, ends))
    traffic.advance(horizon_s)
    return traffic


@pytest.mark.parametrize(("led_to", "fit"), [(False, 13), (True, 7)])
def test_a_road_from_beyond_the_network_fills_up(led_to: bool, fit: int) -> None:
    """100 m before a red light hold 100 / 7 cars; who parks beside a road takes half at most."""
    links = [Link(1, 2, 100.0), Link(2, 3)]
    turns = [Turn(0, 1, group=0)]
    if led_to:
        links.append(Link(0, 1))
        turns.append(Turn(2, 0))
    network = make_network(links, turns, (RED,))
    counts = _traffic(network, [[0, 1]] * 40, 200).counters
    assert counts.inserted == pytest.approx(fit, abs=1)
    assert counts.waiting_to_insert == 40 - counts.inserted


def _fork(lanes: int = 2):
    """Return a road whose kerb lane stands before a red light, and whose other lane goes on."""
    return make_network(
        [Link(0, 1, 100.0, lanes=lanes), Link(1, 2), Link(1, 3)],
        [Turn(0, 1, group=0, lo=0, hi=0), Turn(0, 2, lo=lanes - 1, hi=lanes - 1)],
        (RED,),
    )


def test_who_waits_for_one_lane_holds_up_nobody_who_wants_another() -> None:
    routes = [[0, 1]] * 60 + [[0, 2]] * 30
    counts = _traffic(_fork(), routes, 300).counters
    # All thirty who go on are through; of the others those are in that fit before the light.
    assert counts.finished == 30
    assert counts.inserted == pytest.approx(30 + 13, abs=1)


def test_who_enters_keeps_out_of_a_bus_lane_between_others() -> None:
    network = make_network([Link(0, 1, 100.0, lanes=3), Link(1, 2, lanes=3)], [Turn(0, 1, hi=2)])
    bus = np.array([0], np.int32), np.array([1], np.int32)
    network = replace(network, bus_link=bus[0], bus_lane=bus[1])
    traffic = _traffic(network, [[0, 1]] * 12, 3)
    assert set(traffic.vehicles.lane.tolist()) == {0, 2}


def test_in_one_lane_nobody_overtakes_who_waits() -> None:
    counts = _traffic(_fork(lanes=1), [[0, 1], [0, 2]] * 30, 300).counters
    assert counts.finished == 0


def test_who_turns_off_soon_enters_in_the_lane_that_leads_there() -> None:
    """The next road is too short to change on, so its turn off decides the lane at the start."""
    network = make_network(
        [Link(0, 1, 150.0, lanes=3), Link(1, 2, 50.0, lanes=3), Link(2, 3), Link(2, 4, lanes=2)],
        [Turn(0, 1, hi=2), Turn(1, 2, kind=1, lo=0, hi=0), Turn(1, 3, lo=1, hi=2)],
    )
    for way, lanes in ((2, {0}), (3, {1, 2})):
        traffic = _traffic(network, [[0, 1, way]] * 8, 3)
        assert set(traffic.vehicles.lane.tolist()) <= lanes


JOINED = """<net version="1.16">
    <location netOffset="0,0" convBoundary="0,0,400,100" projParameter="!"/>
    <edge id="main" from="a" to="n"><lane id="main_0" index="0" speed="20" length="200"
        shape="0,0 200,0"/><lane id="main_1" index="1" speed="20" length="200"
        shape="0,3 200,3"/></edge>
    <edge id="ramp" from="b" to="n"><lane id="ramp_0" index="0" speed="20" length="200"
        shape="0,-90 200,-3"/></edge>
    <edge id="on" from="n" to="c"><lane id="on_0" index="0" speed="20" length="200"
        shape="200,-3 400,-3"/><lane id="on_1" index="1" speed="20" length="200"
        shape="200,0 400,0"/><lane id="on_2" index="2" speed="20" length="200"
        shape="200,3 400,3"/></edge>
    <junction id="a" type="dead_end" x="0" y="0" incLanes="" intLanes=""/>
    <junction id="b" type="dead_end" x="0" y="-90" incLanes="" intLanes=""/>
    <junction id="n" type="priority" x="200" y="0" incLanes="ramp_0 main_0 main_1" intLanes="">
        <request index="0" response="000" foes="000"/><request index="1" response="000" foes="000"/>
        <request index="2" response="000" foes="000"/>
    </junction>
    <junction id="c" type="dead_end" x="400" y="0" incLanes="on_0 on_1 on_2" intLanes=""/>
    <connection from="ramp" to="on" fromLane="0" toLane="{ramp}" dir="s" state="M"/>
    <connection from="main" to="on" fromLane="0" toLane="1" dir="s" state="M"/>
    <connection from="main" to="on" fromLane="1" toLane="2" dir="s" state="M"/>
</net>
"""


BUS_LANE = (
    ('id="main_0"', 'id="main_0" allow="bus"'),
    ('id="on_0"', 'id="on_0" allow="bus"'),
    ('fromLane="0" toLane="1"', 'fromLane="0" toLane="0"'),
    ('fromLane="1" toLane="2"', 'fromLane="1" toLane="1"'),
)
"""A bus lane at the kerb of the main road and of the road after, straight on."""


def _joined(tmp_path, ramp: int, *changes: tuple[str, str]):
    text = JOINED.format(ramp=ramp)
    for old, new in changes:
        text = text.replace(old, new)
    file = tmp_path / "joined.net.xml"
    file.write_text(text)
    return read_sumo(file)


def _entered(made) -> dict[str, list[int]]:
    """Return which lane each lane of the two roads leads to."""
    network, names = made.network, made.edges.edge
    net = kernel_network(network, Fleet().table, speed_factor=1.0)
    return {
        names[link]: [
            entry_lane(net, turn, lane, 0, 127) for lane in range(int(network.link_lanes[link]))
        ]
        for turn, link in enumerate(network.turn_from.tolist())
    }


def test_a_ramp_that_brings_its_lane_keeps_it(tmp_path) -> None:
    assert _entered(_joined(tmp_path, 0)) == {"main": [1, 2], "ramp": [0]}


def test_a_bus_lane_beside_shifts_nobody(tmp_path) -> None:
    made = _joined(tmp_path, 2, *BUS_LANE)
    assert made.network.bus_lane.tolist() == [0, 0]
    assert _entered(made) == {"main": [0, 1], "ramp": [2]}


def test_lanes_that_two_roads_share_are_nobodys_own(tmp_path) -> None:
    network = _joined(tmp_path, 1).network
    assert len(network.own_turn) == len(network.own_lane) == 0
