"""Which street a link is part of: by name, or by the way it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.support.roads import Link, Turn, make_network, road
from tests.support.runs import ring_network
from twin.network.generate import grid
from twin.network.streets import middle_of_links, street_of_links


def test_links_of_one_name_are_one_street_wherever_they_lie() -> None:
    ring = ring_network()
    # Links 0 and 6 are the two directions of the bridge; the ring goes on without a name, so both
    # directions of the other five are one street.
    assert street_of_links(ring).tolist() == [0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1]
    apart = replace(ring, link_name=np.where(np.arange(12) % 2, -1, 0).astype(np.int32))
    assert len(set(street_of_links(apart)[::2].tolist())) == 1


def test_a_street_without_a_name_goes_straight_on_in_its_class() -> None:
    line = road([100.0] * 4)
    assert street_of_links(line).tolist() == [0, 0, 0, 0]
    classes = np.array([3, 3, 4, 4], np.uint8)
    assert street_of_links(replace(line, link_class=classes)).tolist() == [0, 0, 1, 1]
    named = replace(line, names=("A",), link_name=np.array([-1, 0, -1, -1], np.int32))
    assert street_of_links(named).tolist() == [0, 1, 2, 2]


def test_a_fork_or_a_bend_ends_a_street_without_a_name() -> None:
    links = [Link(0, 1), Link(1, 2), Link(1, 3)]
    fork = make_network(links, [Turn(0, 1), Turn(0, 2)])
    assert street_of_links(fork).tolist() == [0, 1, 2]
    bend = make_network(links, [Turn(0, 1, kind=1), Turn(0, 2)])
    assert street_of_links(bend).tolist() == [0, 1, 0]
    merge = make_network([Link(0, 2), Link(1, 2), Link(2, 3)], [Turn(0, 2), Turn(1, 2)])
    assert street_of_links(merge).tolist() == [0, 1, 2]


def test_the_streets_of_a_grid_are_its_rows_and_columns() -> None:
    net = grid(4, 5, 150.0)
    street = street_of_links(net)
    assert street.max() + 1 == 4 + 5
    for number in range(9):
        mine = np.flatnonzero(street == number)
        ends = np.concatenate([net.link_from[mine], net.link_to[mine]])
        assert min(np.ptp(net.node_x[ends]), np.ptp(net.node_y[ends])) < 1e-6


def test_the_middle_of_a_link_is_halfway_between_its_ends() -> None:
    ring = ring_network()
    lon, lat = middle_of_links(ring)
    assert lon[0] == 0.5 * (ring.node_lon[0] + ring.node_lon[1])
    assert lat[6] == 0.5 * (ring.node_lat[0] + ring.node_lat[1])
