"""What holds for every network that the clean-up makes, on random street plans."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from tests.support.random_roads import build
from twin.city.bundle import load_city, save_city
from twin.city.model import City, Meta
from twin.network.geometry import Polylines
from twin.network.graph import Network, TurnKind, TurnYield
from twin.network.signals import CHANGE_S


def crossing(network: Network, t: int, u: int) -> bool:
    """Whether the paths of two turns cross or merge, by an independent reckoning.

    Both turns are drawn as straight chords between points at the edge of the junction, a little
    to the right of the middle of the road.
    """
    if network.turn_to[t] == network.turn_to[u]:
        return True
    ends = []
    for turn in (t, u):
        a, b = int(network.turn_from[turn]), int(network.turn_to[turn])
        ends.append((_edge(network, a, -1), _edge(network, b, 0)))
    (p, q), (r, s) = ends
    return _side(p, q, r) * _side(p, q, s) < 0 and _side(r, s, p) * _side(r, s, q) < 0


def _edge(network: Network, link: int, end: int) -> np.ndarray:
    rows = slice(network.geom_ptr[link], network.geom_ptr[link + 1])
    line = np.stack([network.geom_x[rows], network.geom_y[rows]], axis=1)
    along = line[1] - line[0] if end == 0 else line[-1] - line[-2]
    along = along / np.hypot(*along)
    right = np.asarray([along[1], -along[0]])
    outward = along if end == 0 else -along
    return line[end] + 10.0 * outward + 0.1 * right


def _side(p, q, r) -> float:
    return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))


def own_lane(network: Network, t: int, u: int) -> bool:
    """Whether the road that two turns enter has lanes for both of their roads (slip roads)."""
    lanes = network.link_lanes.astype(int)
    both = lanes[network.turn_from[t]] + lanes[network.turn_from[u]]
    return bool(both <= lanes[network.turn_to[t]])


SEEDS = st.integers(0, 10_000)
CALM = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@CALM
@given(SEEDS)
def test_structure(seed):
    network = build(seed)
    if network is None:
        return
    first, last = network.geom_ptr[:-1], network.geom_ptr[1:] - 1
    assert (np.diff(network.geom_ptr) >= 2).all()
    for vertex, node in ((first, network.link_from), (last, network.link_to)):
        np.testing.assert_allclose(network.geom_x[vertex], network.node_x[node], atol=1e-3)
        np.testing.assert_allclose(network.geom_y[vertex], network.node_y[node], atol=1e-3)
    start = network.turn_from
    assert (network.link_to[start] == network.link_from[network.turn_to]).all()
    assert len(np.unique(start.astype(np.int64) * network.n_links + network.turn_to)) == len(start)
    assert (network.link_from != network.link_to).all()
    assert len(np.unique(network.link_id)) == network.n_links
    assert len(np.unique(network.node_id)) == network.n_nodes
    assert (network.link_length > 0).all()
    assert (network.link_speed > 0).all()
    assert (network.link_lanes > 0).all()
    assert (network.link_capacity > 0).all()
    drawn = Polylines(network.geom_ptr, network.geom_x, network.geom_y).length
    np.testing.assert_allclose(network.link_length, drawn, rtol=0.02, atol=1.0)


@CALM
@given(SEEDS)
def test_every_link_reaches_every_other(seed):
    network = build(seed)
    if network is None:
        return
    n = network.n_links
    graph = csr_array((np.ones(network.n_turns), (network.turn_from, network.turn_to)), (n, n))
    parts, _ = connected_components(graph, directed=True, connection="strong")
    assert parts == 1


@CALM
@given(SEEDS)
def test_every_lane_leads_somewhere(seed):
    network = build(seed)
    if network is None:
        return
    low, high = network.turn_lane_lo.astype(int), network.turn_lane_hi.astype(int)
    assert (low <= high).all()
    assert (high < network.link_lanes[network.turn_from]).all()
    for link in range(network.n_links):
        rows = range(network.turn_ptr[link], network.turn_ptr[link + 1])
        led = {lane for t in rows for lane in range(low[t], high[t] + 1)}
        assert led == set(range(network.link_lanes[link]))


@CALM
@given(SEEDS)
def test_turning_round_only_where_nothing_else_leads_on(seed):
    network = build(seed)
    if network is None:
        return
    for t in np.flatnonzero(network.turn_kind == TurnKind.U_TURN):
        link = network.turn_from[t]
        kinds = network.turn_kind[network.turn_ptr[link] : network.turn_ptr[link + 1]]
        assert (kinds == TurnKind.U_TURN).all()


@CALM
@given(SEEDS)
def test_signals(seed):
    network = build(seed)
    if network is None:
        return
    group, node = network.turn_group, network.link_to[network.turn_from]
    signal = network.node_signal[node]
    assert ((group >= 0) == (signal >= 0)).all()
    lit = group >= 0
    assert (network.group_signal[group[lit]] == signal[lit]).all()
    begin, end = network.group_green_from, network.group_green_to
    cycle = network.signal_cycle[network.group_signal]
    assert (begin >= 0).all()
    assert (end - begin >= 7.0).all()
    assert (end + CHANGE_S <= cycle).all()
    for k in range(network.n_signals):
        stages = np.flatnonzero(network.group_signal == k)
        assert len(stages) >= 2
        # One stage after the other, with yellow and all red between, filling the cycle.
        assert begin[stages[0]] == 0.0
        np.testing.assert_array_equal(begin[stages[1:]], end[stages[:-1]] + CHANGE_S)
        assert end[stages[-1]] + CHANGE_S == network.signal_cycle[k]
    assert ((network.signal_offset >= 0) & (network.signal_offset < network.signal_cycle)).all()
    assert (network.node_signal[network.signal_node] == np.arange(network.n_signals)).all()


@CALM
@given(SEEDS)
def test_green_together_means_no_conflict_or_a_left_that_waits(seed):
    network = build(seed)
    if network is None:
        return
    foes = [
        set(network.foe_turn[network.foe_ptr[t] : network.foe_ptr[t + 1]].tolist())
        for t in range(network.n_turns)
    ]
    left = np.isin(network.turn_kind, [TurnKind.LEFT, TurnKind.U_TURN])
    node = network.link_to[network.turn_from]
    for t in range(network.n_turns):
        on_red = network.turn_yield[t] == TurnYield.ON_RED
        assert bool(network.turn_yield[t]) == bool(foes[t]) or on_red
        if on_red:
            assert network.turn_kind[t] == TurnKind.RIGHT
            assert network.turn_group[t] >= 0
        for u in foes[t]:
            assert network.link_to[network.turn_from[u]] == node[t]
            assert network.turn_from[u] != network.turn_from[t]
            if network.turn_yield[t] == 2:
                assert t in foes[u], "all stop, but one need not"
            elif not on_red:  # those on red wait for green ones, which never wait for them
                assert t not in foes[u] or network.turn_yield[u] == TurnYield.ON_RED
            assert (network.turn_group[u] == network.turn_group[t]) != on_red
            if network.turn_group[t] >= 0:
                assert left[t] or on_red, "only a permitted left waits on green"
        for u in np.flatnonzero((node == node[t]) & (network.turn_from > network.turn_from[t])):
            merge = network.turn_to[t] == network.turn_to[u] and not own_lane(network, t, u)
            together = network.turn_group[t] == network.turn_group[u]
            if merge and together:
                assert int(u) in foes[t] or t in foes[int(u)]


def test_conflicts_agree_with_drawn_paths():
    # On networks that are not drawn together, drawn chords must give the same conflicts.
    from twin.network.generate import grid

    network = grid(4, 4, signals=False)
    node = network.link_to[network.turn_from]
    checked = 0
    for t in range(network.n_turns):
        foes_t = set(network.foe_turn[network.foe_ptr[t] : network.foe_ptr[t + 1]].tolist())
        for u in np.flatnonzero((node == node[t]) & (network.turn_from > network.turn_from[t])):
            foes_u = network.foe_turn[network.foe_ptr[u] : network.foe_ptr[u + 1]].tolist()
            assert (int(u) in foes_t or t in foes_u) == crossing(network, t, int(u))
            checked += 1
    assert checked > 300


@settings(parent=CALM, max_examples=10)
@given(SEEDS)
def test_no_ring_of_waiting_at_any_junction(seed):
    network = build(seed)
    if network is None:
        return
    # Who may go on red waits for those who have green then, never both ways at once.
    waits = {
        t: set()
        if network.turn_yield[t] == TurnYield.ON_RED
        else set(network.foe_turn[network.foe_ptr[t] : network.foe_ptr[t + 1]].tolist())
        for t in range(network.n_turns)
    }
    free: set[int] = set()
    while more := {t for t, others in waits.items() if others <= free} - free:
        free |= more
    assert free == set(waits)


@settings(parent=CALM, max_examples=5)
@given(SEEDS)
def test_stored_and_loaded_is_the_same(tmp_path_factory, seed):
    network = build(seed)
    if network is None:
        return
    folder = tmp_path_factory.mktemp("city")
    save_city(City(meta=Meta(name="x", title={}, timezone="UTC"), network=network), folder)
    again = load_city(folder).network
    for name in network.__slots__:
        old, new = getattr(network, name), getattr(again, name)
        np.testing.assert_array_equal(np.asarray(old), np.asarray(new), err_msg=name)


def test_same_roads_give_the_same_network():
    one, two = build(7), build(7)
    assert one is not None
    assert two is not None
    for name in one.__slots__:
        np.testing.assert_array_equal(
            np.asarray(getattr(one, name)), np.asarray(getattr(two, name)), err_msg=name
        )
