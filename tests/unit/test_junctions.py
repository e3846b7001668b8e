"""Hand-made junctions whose turns, lanes, signals and precedence are known."""

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.network.build import BuildOptions, build_network, raw_roads
from twin.network.clean import CleanOptions
from twin.network.geometry import Projection
from twin.network.graph import YELLOW_S, Network, RoadClass, TurnKind
from twin.network.signals import SignalOptions

PROJECTION = Projection(127.0, 37.5)
PRIMARY, RESIDENTIAL = RoadClass.PRIMARY, RoadClass.RESIDENTIAL


def street(a, b, *, lanes=1, kind=RESIDENTIAL, oneway=False, ramp=False, ring=False, via=()):
    """Two links (or one) between numbered nodes; `via` are inner vertices in metres."""
    forth = {
        "link_from": a,
        "link_to": b,
        "link_lanes": lanes,
        "link_class": int(kind),
        "link_ramp": ramp,
        "link_roundabout": ring,
        "via": list(via),
    }
    back = {**forth, "link_from": b, "link_to": a, "via": list(via)[::-1]}
    return [forth] if oneway else [forth, back]


def roads(nodes, *streets, signals=(), restrictions=None):
    """RawRoads of nodes `{number: (x, y)}` and streets."""
    links = [link for group in streets for link in group]
    x, y = np.asarray(list(nodes.values()), float).T
    lon, lat = PROJECTION.inverse(x, y)
    lines = []
    for link in links:
        if link["via"]:
            points = [nodes[link["link_from"]], *link["via"], nodes[link["link_to"]]]
            lines.append(np.stack(PROJECTION.inverse(*np.asarray(points, float).T), axis=1))
        else:
            lines.append(np.zeros((0, 2)))
    shape = np.concatenate(lines)
    ptr = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    columns = {key: [link[key] for link in links] for key in links[0] if key != "via"}
    return raw_roads(
        node_id=list(nodes),
        node_lon=lon,
        node_lat=lat,
        node_signal=[number in signals for number in nodes],
        link_speed=np.full(len(links), 13.9),
        geometry=(ptr, shape[:, 0], shape[:, 1]),
        restrictions=restrictions,
        **columns,
    )


def build(*args, options=None, **kwargs):
    return build_network(roads(*args, **kwargs), options=options)[0]


def node(network: Network, number: int) -> int:
    return int(np.flatnonzero(network.node_id == number)[0])


def turn(network: Network, a: int, b: int, c: int) -> int:
    """Index of the only turn from street a-b into street b-c, or -1."""
    a, b, c = (node(network, number) for number in (a, b, c))
    found = [
        t
        for t in range(network.n_turns)
        if (
            network.link_from[network.turn_from[t]],
            network.link_to[network.turn_from[t]],
            network.link_to[network.turn_to[t]],
        )
        == (a, b, c)
    ]
    assert len(found) <= 1
    return found[0] if found else -1


def lanes_of(network: Network, t: int) -> tuple[int, int]:
    return int(network.turn_lane_lo[t]), int(network.turn_lane_hi[t])


def foes(network: Network, t: int) -> set[int]:
    return set(network.foe_turn[network.foe_ptr[t] : network.foe_ptr[t + 1]].tolist())


# North 1, east 2, south 3, west 4 around the middle 0.
CROSS = {0: (0, 0), 1: (0, 200), 2: (200, 0), 3: (0, -200), 4: (-200, 0)}


def cross(main_lanes=1, main=RESIDENTIAL, side_lanes=1, side=RESIDENTIAL):
    return [
        *(street(0, k, lanes=side_lanes, kind=side) for k in (1, 3)),
        *(street(0, k, lanes=main_lanes, kind=main) for k in (2, 4)),
    ]


def test_directions_at_a_cross():
    network = build(CROSS, *cross())
    assert network.turn_kind[turn(network, 3, 0, 1)] == TurnKind.THROUGH
    assert network.turn_kind[turn(network, 3, 0, 2)] == TurnKind.RIGHT
    assert network.turn_kind[turn(network, 3, 0, 4)] == TurnKind.LEFT


def test_turning_round_is_for_dead_ends_only():
    network = build(CROSS, *cross())
    assert turn(network, 3, 0, 3) == -1
    at_end = turn(network, 0, 3, 0)
    assert network.turn_kind[at_end] == TurnKind.U_TURN
    assert (network.turn_kind == TurnKind.U_TURN).sum() == 4


@pytest.mark.parametrize(
    ("lanes", "right", "through", "left"),
    [
        (1, (0, 0), (0, 0), (0, 0)),
        (2, (0, 0), (0, 1), (1, 1)),
        (3, (0, 0), (0, 1), (2, 2)),
        (4, (0, 0), (0, 2), (3, 3)),
        (5, (0, 0), (0, 2), (3, 4)),
    ],
)
def test_turn_lanes(lanes, right, through, left):
    network = build(CROSS, *cross(main_lanes=lanes, main=PRIMARY, side_lanes=2))
    assert lanes_of(network, turn(network, 4, 0, 3)) == right
    assert lanes_of(network, turn(network, 4, 0, 2)) == through
    assert lanes_of(network, turn(network, 4, 0, 1)) == left


def test_lanes_of_a_stem_are_shared_between_left_and_right():
    nodes = {k: CROSS[k] for k in (0, 2, 3, 4)}
    network = build(nodes, street(0, 2, lanes=2), street(0, 4, lanes=2), street(3, 0, lanes=2))
    assert lanes_of(network, turn(network, 3, 0, 2)) == (0, 0)
    assert lanes_of(network, turn(network, 3, 0, 4)) == (1, 1)


def test_lanes_split_where_a_road_forks():
    nodes = {0: (0, 0), 1: (300, 30), 2: (300, -40), 3: (-300, 0), 4: (0, 400), 5: (0, -400)}
    network = build(
        nodes,
        street(3, 0, lanes=4, kind=RoadClass.MOTORWAY, oneway=True),
        street(0, 1, lanes=3, kind=RoadClass.MOTORWAY, oneway=True),
        street(0, 2, lanes=1, kind=RoadClass.MOTORWAY, oneway=True, ramp=True),
        street(1, 4, oneway=True),
        street(4, 3, oneway=True),
        street(2, 5, oneway=True),
        street(5, 3, oneway=True),
    )
    fork = node(network, 0)
    ramp = {
        bool(network.link_lanes[network.turn_to[t]] == 1): lanes_of(network, t)
        for t in range(network.n_turns)
        if network.link_to[network.turn_from[t]] == fork
    }
    assert ramp == {True: (0, 0), False: (1, 3)}


def test_the_minor_road_gives_way_and_the_major_does_not():
    network = build(CROSS, *cross(main=PRIMARY))
    stem, across = turn(network, 3, 0, 1), turn(network, 4, 0, 2)
    assert across in foes(network, stem)
    assert turn(network, 2, 0, 4) in foes(network, stem)
    assert not foes(network, across)
    assert not network.turn_yield[across]
    # A left turn off the main road waits for the opposing traffic of that road only.
    left = turn(network, 4, 0, 1)
    assert foes(network, left) == {turn(network, 2, 0, 4), turn(network, 2, 0, 1)}


def test_right_turn_from_the_minor_road_meets_only_the_stream_it_joins():
    network = build(CROSS, *cross(main=PRIMARY))
    assert foes(network, turn(network, 3, 0, 2)) == {turn(network, 4, 0, 2)}


def test_two_equal_roads_yield_to_the_right():
    nodes = {0: (0, 0), 1: (0, -200), 2: (200, 0), 3: (0, 200), 4: (-200, 0)}
    network = build(
        nodes,
        street(1, 0, oneway=True),
        street(0, 3, oneway=True),
        street(2, 0, oneway=True),
        street(0, 4, oneway=True),
        street(3, 2, oneway=True, via=[(200, 200)]),
        street(4, 1, oneway=True, via=[(-200, -200)]),
        street(3, 1, oneway=True, via=[(-300, 250), (-300, -250)]),
        options=BuildOptions(clean=CleanOptions(merge=False)),
    )
    # Northbound traffic sees the westbound come from its right.
    north, west = turn(network, 1, 0, 3), turn(network, 2, 0, 4)
    assert west in foes(network, north)
    assert north not in foes(network, west)


def test_nobody_waits_for_everybody_at_four_equal_roads():
    network = build(CROSS, *cross())
    waits = {t: foes(network, t) for t in range(network.n_turns)}
    free = set()
    while True:
        more = {t for t, others in waits.items() if others <= free} - free
        if not more:
            break
        free |= more
    assert free == set(waits), "a ring of vehicles that wait for one another"


@pytest.mark.parametrize(("lanes_after", "waits"), [(2, True), (3, False)])
def test_slip_road_yields_to_the_motorway_unless_it_brings_its_lane(lanes_after, waits):
    nodes = {0: (0, 0), 1: (-300, 0), 2: (300, 0), 3: (-250, -60), 4: (0, -400)}
    network = build(
        nodes,
        street(1, 0, lanes=2, kind=RoadClass.MOTORWAY, oneway=True),
        street(0, 2, lanes=lanes_after, kind=RoadClass.MOTORWAY, oneway=True),
        street(3, 0, kind=RoadClass.MOTORWAY, oneway=True, ramp=True),
        street(2, 4, oneway=True),
        street(4, 3, oneway=True),
        street(4, 1, oneway=True, via=[(-400, -400)]),
    )
    ramp, main = turn(network, 3, 0, 2), turn(network, 1, 0, 2)
    assert foes(network, ramp) == ({main} if waits else set())
    assert not foes(network, main)


def test_who_enters_a_roundabout_yields():
    ring = {1: (0, 30), 2: (30, 0), 3: (0, -30), 4: (-30, 0)}
    legs = {k + 10: (x * 10, y * 10) for k, (x, y) in ring.items()}
    network = build(
        {**ring, **legs},
        *(
            street(a, b, kind=RESIDENTIAL, oneway=True, ring=True)
            for a, b in ((1, 4), (4, 3), (3, 2), (2, 1))
        ),
        *(street(k, k + 10, kind=PRIMARY) for k in ring),
    )
    entry = turn(network, 11, 1, 4)
    circulating = turn(network, 2, 1, 4)
    assert foes(network, entry) == {circulating}
    assert not foes(network, circulating)
    assert turn(network, 2, 1, 11) >= 0
    assert turn(network, 11, 1, 11) == -1


def test_banned_turn_is_absent_and_only_turn_is_alone():
    streets = cross()
    base = roads(CROSS, *streets)
    index = {
        (int(a), int(b)): k
        for k, (a, b) in enumerate(zip(base.link_from, base.link_to, strict=True))
    }
    network = build(
        CROSS,
        *streets,
        restrictions=(
            [index[3, 0], index[4, 0]],
            [index[0, 4], index[0, 2]],
            [False, True],
        ),
    )
    assert turn(network, 3, 0, 4) == -1
    assert turn(network, 3, 0, 1) >= 0
    assert [turn(network, 4, 0, k) >= 0 for k in (1, 2, 3)] == [False, True, False]


def test_restrictions_can_cut_links_off():
    # A one-way loop whose only way back is banned cannot be left.
    nodes = {**CROSS, 5: (400, 0), 6: (400, 200)}
    streets = [
        *cross(),
        street(2, 5, oneway=True),
        street(5, 6, oneway=True),
        street(6, 2, oneway=True, via=[(200, 200)]),
    ]
    whole = build(nodes, *streets)
    base = roads(nodes, *streets)
    ends = list(zip(base.link_from.tolist(), base.link_to.tolist(), strict=True))
    back = ([ends.index((6, 2))], [ends.index((2, 0))], [False])
    cut = build(nodes, *streets, restrictions=back)
    assert whole.link_length.sum() - cut.link_length.sum() > 500.0
    assert sorted(cut.node_id.tolist()) == [0, 1, 2, 3, 4]
    assert cut.turn_kind[turn(cut, 0, 2, 0)] == TurnKind.U_TURN


def plan(network: Network) -> list[tuple[float, float]]:
    return sorted(
        zip(network.group_green_from.tolist(), network.group_green_to.tolist(), strict=True)
    )


def test_two_stage_plan_at_a_cross():
    network = build(CROSS, *cross(main=PRIMARY, main_lanes=2), signals=[0])
    assert network.n_signals == 1
    (a, b), (c, d) = plan(network)
    cycle = float(network.signal_cycle[0])
    assert (a, c, d) == (0.0, b + YELLOW_S, cycle - YELLOW_S)
    main, side = turn(network, 4, 0, 2), turn(network, 3, 0, 1)
    assert network.turn_group[main] == network.turn_group[turn(network, 2, 0, 4)]
    assert network.turn_group[main] != network.turn_group[side]
    green = network.group_green_to - network.group_green_from
    assert green[network.turn_group[main]] > green[network.turn_group[side]]
    # The permitted left waits for the opposing road and for nobody else.
    left = turn(network, 4, 0, 1)
    assert network.turn_group[left] == network.turn_group[main]
    assert foes(network, left) == {turn(network, 2, 0, 4), turn(network, 2, 0, 1)}
    assert not foes(network, side)


def test_left_turns_with_their_own_lane_get_their_own_stage():
    network = build(CROSS, *cross(main=PRIMARY, main_lanes=3), signals=[0])
    left, through = turn(network, 4, 0, 1), turn(network, 4, 0, 2)
    assert network.turn_group[left] != network.turn_group[through]
    assert network.turn_group[left] == network.turn_group[turn(network, 2, 0, 3)]
    assert not network.turn_yield[left]
    assert len(plan(network)) == 3
    permitted = build(
        CROSS,
        *cross(main=PRIMARY, main_lanes=3),
        signals=[0],
        options=BuildOptions(signals=SignalOptions(protected_left=False)),
    )
    assert len(plan(permitted)) == 2


def test_a_bend_with_signals_gets_none():
    nodes = {k: CROSS[k] for k in (1, 0, 2)}
    raw = roads(nodes, street(1, 0), street(0, 2, kind=PRIMARY), signals=[0])
    network, _ = build_network(raw)
    assert network.n_signals == 0
    assert (network.node_signal == -1).all()


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


def arterial(gap: float, count: int = 4):
    """An arterial running east with a side street at each of `count` signals."""
    nodes = {0: (0.0, 0.0), count + 1: ((count + 1) * gap, 0.0)}
    streets = []
    for k in range(1, count + 1):
        nodes[k] = (k * gap, 0.0)
        nodes[100 + k], nodes[200 + k] = (k * gap, 150.0), (k * gap, -150.0)
        # The other direction is listed first here and there, so that numbers tell nothing.
        streets.append(street(*((k - 1, k) if k % 2 else (k, k - 1)), lanes=2, kind=PRIMARY))
        streets += [street(k, 100 + k), street(200 + k, k)]
    streets.append(street(count, count + 1, lanes=2, kind=PRIMARY))
    return nodes, streets


def test_a_platoon_runs_from_green_to_green():
    nodes, streets = arterial(278.0)
    network = build(nodes, *streets, signals=[1, 2, 3, 4])
    assert network.n_signals == 4
    assert (network.signal_cycle == 60.0).all()
    at = [network.node_signal[node(network, k)] for k in (1, 2, 3, 4)]
    # 278 m at 13.9 m/s are 20 s; after three blocks a cycle of 60 s has gone by.
    assert network.signal_offset[at].tolist() == [0.0, 20.0, 40.0, 0.0]


def test_signals_close_together_share_a_controller():
    nodes, streets = arterial(40.0, count=2)
    network = build(nodes, *streets, signals=[1, 2])
    assert network.n_signals == 1
    assert (network.node_signal >= 0).sum() == 2
    first, second = turn(network, 0, 1, 2), turn(network, 1, 2, 3)
    assert network.turn_group[first] == network.turn_group[second]
    far = build(*arterial(80.0, count=2)[:1], *arterial(80.0, count=2)[1], signals=[1, 2])
    assert far.n_signals == 2


def test_signals_are_inferred_where_asked():
    nodes, streets = arterial(200.0, count=2)
    raw = roads(nodes, *streets, street(201, 202, kind=PRIMARY), signals=[1])
    options = BuildOptions(infer_signals=RoadClass.RESIDENTIAL)
    network, report = build_network(raw, options=options)
    assert report.counts["signals inferred"] >= 1
    assert network.node_signal[node(network, 2)] >= 0
    assert build_network(raw)[0].n_signals == 1


def test_carriageways_that_seem_to_cross_share_a_leg():
    # Both one-way roads to the north start apart and swap sides before they reach the junction,
    # as straight lines between nodes at different distances do; nobody has to wait for that.
    nodes = {0: (0, 0), 1: (15, 300), 2: (-20, 250), 3: (0, -300), 4: (-300, 0), 5: (300, 0)}
    network = build(
        nodes,
        street(1, 0, lanes=2, kind=PRIMARY, oneway=True),
        street(0, 2, lanes=2, kind=PRIMARY, oneway=True),
        street(2, 1, lanes=2, kind=PRIMARY, oneway=True),
        street(0, 3, lanes=2, kind=PRIMARY),
        street(0, 4),
        street(0, 5),
        signals=[0],
        options=BuildOptions(clean=CleanOptions(merge=False)),
    )
    assert len(plan(network)) == 2
    down, up = turn(network, 1, 0, 3), turn(network, 3, 0, 2)
    assert network.turn_group[down] == network.turn_group[up]
