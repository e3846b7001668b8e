"""The clean-up on street plans whose outcome is known."""

import numpy as np
import pytest

from tests.support.junctions import (
    CROSS,
    PRIMARY,
    build,
    cross,
    node,
    roads,
    street,
    turn,
)
from twin.core.errors import InputError
from twin.network.build import build_network
from twin.network.graph import TurnKind

DIVIDED = {
    # Four nodes of a crossing of two divided roads, 12 m apart, with legs of 200 m.
    1: (6, 6),
    2: (-6, 6),
    3: (-6, -6),
    4: (6, -6),
    11: (6, 200),
    12: (-6, 200),
    13: (-200, 6),
    14: (-200, -6),
    15: (-6, -200),
    16: (6, -200),
    17: (200, -6),
    18: (200, 6),
}


def divided():
    inner = [(4, 1), (1, 2), (2, 3), (3, 4)]
    outer = [(1, 11), (12, 2), (2, 13), (14, 3), (3, 15), (16, 4), (4, 17), (18, 1)]
    ends = [(11, 12), (13, 14), (15, 16), (17, 18)]
    return [
        *(street(a, b, lanes=2, kind=PRIMARY, oneway=True) for a, b in inner + outer),
        *(street(a, b, lanes=2, kind=PRIMARY, oneway=True) for a, b in ends),
    ]


def test_crossing_of_divided_roads_becomes_one_junction():
    network = build(DIVIDED, *divided(), signals=[1, 2, 3, 4])
    middle = np.flatnonzero(network.node_signal >= 0)
    assert len(middle) == 1
    assert network.n_signals == 1
    assert np.hypot(network.node_x - network.node_x[middle[0]], 0.0).min() == 0.0
    incoming = np.flatnonzero(network.link_to == middle[0])
    assert len(incoming) == 4
    for link in incoming:
        kinds = network.turn_kind[network.turn_ptr[link] : network.turn_ptr[link + 1]]
        assert sorted(kinds.tolist()) == [TurnKind.THROUGH, TurnKind.RIGHT, TurnKind.LEFT]
    assert network.link_length.min() > 10.0


def test_links_side_by_side_become_one():
    beside = [(50, 6), (150, 6)]
    nodes = {k: CROSS[k] for k in (0, 2, 3, 4)}
    streets = [
        street(0, 2, lanes=2),
        street(0, 2, lanes=1, oneway=True, via=beside),
        street(0, 3),
        street(0, 4),
    ]
    raw = roads(nodes, *streets)
    network, report = build_network(raw)
    assert report.counts["links side by side joined"] == 1
    (link,) = np.flatnonzero(
        (network.link_from == node(network, 0)) & (network.link_to == node(network, 2))
    )
    assert network.link_lanes[link] == 3
    # A crescent between the same junctions is another street.
    streets[1] = street(0, 2, lanes=1, via=[(50, 80), (150, 80)])
    assert build(nodes, *streets).n_links == 8


def test_chain_keeps_its_shape_and_length():
    nodes = {0: (0, 0), 1: (100, 30), 2: (200, 0), 3: (300, 40)}
    raw = roads(nodes, *(street(k, k + 1) for k in range(3)))
    network, report = build_network(raw)
    assert report.counts["nodes merged into chains"] == 2
    assert network.n_links == 2
    assert np.diff(network.geom_ptr).tolist() == [4, 4]
    expected = 2 * np.hypot(100, 30) + np.hypot(100, 40)
    np.testing.assert_allclose(network.link_length, expected, rtol=1e-5)


def test_chain_stops_where_lanes_change():
    nodes = {0: (0, 0), 1: (100, 0), 2: (200, 0), 3: (300, 0)}
    network = build(nodes, street(0, 1, lanes=2), street(1, 2, lanes=2), street(2, 3, lanes=1))
    assert network.n_links == 4
    assert sorted(network.link_lanes.tolist()) == [1, 1, 2, 2]


def test_signal_at_the_stop_line_moves_to_its_junction():
    nodes = {**CROSS, 5: (-15, 0)}
    streets = [*cross(main=PRIMARY)[:3], street(0, 5, kind=PRIMARY), street(5, 4, kind=PRIMARY)]
    network = build(nodes, *streets, signals=[5])
    assert network.n_signals == 1
    assert network.node_id[network.signal_node[0]] == 0


def test_link_is_cut_where_another_meets_it():
    nodes = {0: (-100, 0), 1: (100, 0), 2: (0, 0), 3: (0, 150)}
    network = build(nodes, street(0, 1, via=[(0, 0)]), street(2, 3))
    assert network.n_nodes == 4
    assert network.n_links == 6
    assert turn(network, 0, 2, 3) >= 0
    np.testing.assert_allclose(np.sort(network.link_length), [100.0] * 4 + [150.0] * 2, rtol=1e-4)


def test_loop_street_is_cut_at_its_far_end():
    nodes = {0: (0, 0), 1: (-100, 0)}
    loop = [(50, 40), (100, 0), (50, -40)]
    network = build(nodes, street(0, 1), street(0, 0, via=loop))
    assert not (network.link_from == network.link_to).any()
    assert network.n_nodes == 3
    assert network.n_links == 6


def test_one_way_dead_end_is_dropped():
    nodes = {**CROSS, 9: (400, 0)}
    network = build(nodes, *cross(), street(2, 9, oneway=True))
    assert 9 not in network.node_id
    with pytest.raises(InputError, match="no road is left"):
        build({0: (0, 0), 1: (100, 0)}, street(0, 1, oneway=True))


def test_imputed_shares_are_reported():
    nodes = {0: (0, 0), 1: (300, 0), 2: (300, 100)}
    raw = roads(nodes, street(0, 1, lanes=2, kind=PRIMARY), street(1, 2, lanes=0))
    network, report = build_network(raw)
    assert report.imputed["lanes"] == pytest.approx(0.25, rel=1e-4)
    assert report.imputed["speed"] == 0.0
    assert network.link_lanes.min() == 1
    assert (network.link_capacity > 0).all()
