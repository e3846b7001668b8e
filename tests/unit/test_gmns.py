"""GMNS tables both ways: what is written comes back, and what others write is taken at its word."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.support.gmns import back, check_same
from tests.support.random_roads import build
from tests.support.sumo_files import NET
from twin.core.errors import InputError
from twin.network.build import build_network
from twin.network.generate import grid
from twin.network.gmns_read import read_gmns
from twin.network.graph import Network, TurnKind, TurnYield
from twin.network.sumo import read_sumo

# Two roads cross at node 1: 10 comes from the west, 40 from the south; 20 leads east, 30 north.
# 50 and 51 are a dead end to the east.
NODES = """node_id,x_coord,y_coord
1,127.0,37.5
2,126.99,37.5
3,127.01,37.5
4,127.0,37.51
5,127.0,37.49
6,127.02,37.5
"""
LINKS = """link_id,from_node_id,to_node_id,directed,lanes,facility_type
10,2,1,true,2,primary
20,1,3,true,2,primary
30,1,4,true,1,residential
40,5,1,true,1,residential
50,3,6,false,1,residential
"""
LANES = """lane_id,link_id,lane_num,allowed_uses
1,10,-1,AUTO
2,10,1,ALL
3,10,2,"auto, truck"
4,10,3,BUS
5,20,1,
6,20,2,bike
"""
MOVEMENTS = """mvmt_id,node_id,ib_link_id,start_ib_lane,end_ib_lane,ob_link_id,\
start_ob_lane,end_ob_lane,type,ctrl_type
1,1,10,-1,,30,,,LEFT,yield
2,1,10,1,1,20,,,THRU,no_control
3,1,10,2,3,20,,,THRU,no_control
4,1,40,1,,30,,,THRU,stop
"""
TABLES = {"node": NODES, "link": LINKS, "lane": LANES, "movement": MOVEMENTS}


@pytest.fixture
def read(tmp_path):
    def make(**changed: str | None) -> Network:
        for name, text in (TABLES | changed).items():
            if text is not None:
                (tmp_path / f"{name}.csv").write_text(text)
        raw, stated = read_gmns(tmp_path / "node.csv", tmp_path / "link.csv")
        return build_network(raw, stated=stated)[0]

    return make


def crossing(folder: Path) -> Network:
    (folder / "made.net.xml").write_text(NET)
    return read_sumo(folder / "made.net.xml").network


def test_a_sumo_network_comes_back(tmp_path):
    network = crossing(tmp_path)
    assert len(network.link_lanes) > len(np.unique(network.turn_from))  # links that end nowhere
    again = back(network, tmp_path)
    check_same(network, again)


@pytest.mark.parametrize("seed", range(12))
def test_random_cities_come_back(seed: int, tmp_path):
    network = build(seed)
    if network is None:
        network = grid(3, 3, 120.0, 2, 13.9)
    check_same(network, back(network, tmp_path))


def test_lanes_and_turns_that_no_rule_would_give_come_back(tmp_path):
    network = grid(3, 4, 150.0, 3, 13.9)
    rng = np.random.default_rng(3)
    low = rng.integers(0, 3, network.n_turns)
    high = np.minimum(2, low + rng.integers(0, 3, network.n_turns))
    odd = dataclasses.replace(
        network,
        turn_lane_lo=low.astype(np.uint8),
        turn_lane_hi=high.astype(np.uint8),
        turn_kind=rng.permutation(network.turn_kind),
        bus_link=np.array([0, 4, 4], np.int32),
        bus_lane=np.array([2, 0, 1], np.int32),
    )
    check_same(odd, back(odd, tmp_path))


def test_lanes_of_ones_own_come_back(tmp_path):
    # A road of one lane joins one of two lanes and adds a third.
    raw_links = LINKS.replace("20,1,3,true,2", "20,1,3,true,3")
    moves = MOVEMENTS.splitlines()[0] + "\n"
    moves += "1,1,10,1,2,20,1,2,thru,no_control\n2,1,40,1,,20,3,,right,no_control\n"
    for name, text in {"node": NODES, "link": raw_links, "movement": moves}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    raw, stated = read_gmns(tmp_path / "node.csv", tmp_path / "link.csv")
    network, _ = build_network(raw, stated=stated)
    east = network.link_of(20)
    into = np.flatnonzero(network.turn_to == east)
    assert network.own_turn.tolist() == into.tolist()
    assert network.own_lane.tolist() == [1, 0]
    assert (network.turn_yield[into] == 0).all()
    (tmp_path / "out").mkdir()
    check_same(network, back(network, tmp_path / "out"))


def turns_of(network: Network) -> dict[tuple[int, int], int]:
    start, end = network.link_id[network.turn_from], network.link_id[network.turn_to]
    return {pair: k for k, pair in enumerate(zip(start.tolist(), end.tolist(), strict=True))}


def foes(network: Network, turn: int) -> list[int]:
    return network.foe_turn[network.foe_ptr[turn] : network.foe_ptr[turn + 1]].tolist()


def test_tables_of_others_are_taken_at_their_word(read):
    network = read()
    turn = turns_of(network)
    # Nothing else at node 1; at both ends of the last road, where nothing is stated, all there is.
    assert set(turn) == {(10, 20), (10, 30), (40, 30), (20, 50), (50, -50), (-50, 50)}
    lanes = {pair: (network.turn_lane_lo[k], network.turn_lane_hi[k]) for pair, k in turn.items()}
    assert lanes[10, 20] == (0, 2)
    assert lanes[10, 30] == (3, 3)
    west, east = network.link_of(10), network.link_of(20)
    assert network.link_lanes[[west, east]].tolist() == [4, 1]
    assert list(zip(network.bus_link.tolist(), network.bus_lane.tolist(), strict=True)) == [
        (west, 0)
    ]
    assert network.turn_kind[turn[10, 30]] == TurnKind.LEFT
    # The one that must stop waits for the one that must give way.
    assert network.turn_yield[[turn[40, 30], turn[10, 30], turn[10, 20]]].tolist() == [1, 0, 0]
    assert turn[10, 30] in foes(network, turn[40, 30])
    assert turn[40, 30] not in foes(network, turn[10, 30])


def test_control_that_is_stated_decides(read):
    swapped = MOVEMENTS.replace("yield", "stop").replace("THRU,stop", "THRU,no_control")
    network = read(movement=swapped)
    turn = turns_of(network)
    assert turn[40, 30] in foes(network, turn[10, 30])
    assert turn[10, 30] not in foes(network, turn[40, 30])
    every = read(
        movement=MOVEMENTS.replace("yield", "stop_4_way").replace(",stop\n", ",stop_4_way\n")
    )
    assert every.turn_yield[[turn[40, 30], turn[10, 30]]].tolist() == [2, 2]
    lamps = MOVEMENTS.replace("yield", "signal").replace(",stop\n", ",signal\n")
    lit = read(movement=lamps.replace("no_control", "signal"))
    assert (lit.turn_group[[turn[40, 30], turn[10, 30], turn[10, 20]]] >= 0).all()
    on_red = read(movement=lamps.replace("no_control", "signal_with_RTOR"))
    through = on_red.turn_kind != TurnKind.RIGHT
    assert (on_red.turn_group[through] >= 0).any()
    assert not (on_red.turn_yield[through] == TurnYield.ON_RED).any()
    part = read(movement=lamps)
    assert part.turn_group[turn[10, 20]] == -1
    assert part.turn_group[turn[10, 30]] >= 0


def test_without_movements_lanes_are_taken_and_turns_worked_out(read):
    network = read(
        movement=None,
        link=LINKS.replace("true", "false"),
    )
    assert network.link_lanes[network.link_of(10)] == 4
    assert network.link_lanes[network.link_of(-10)] == 2
    assert (-40,) not in turns_of(network)
    assert (40, 20) in turns_of(network)


def test_a_node_that_only_bicycles_pass_is_covered(read):
    moves = MOVEMENTS.replace(",20,,,THRU", ",20,2,,THRU") + "5,3,20,2,,50,,,thru,\n"
    turn = turns_of(read(movement=moves))
    assert set(turn) == {(10, 30), (40, 30), (50, -50)}
    none = read(movement=moves.splitlines()[0] + "\n5,3,20,2,,50,,,thru,\n")
    assert (20, 50) not in turns_of(none)
    assert (10, 20) in turns_of(none)


def test_bicycles_and_pockets(read):
    moves = MOVEMENTS.replace("2,1,10,1,1,20,,,", "2,1,10,-2,,20,,,")
    moves += "5,1,40,1,,20,2,,right,yield\n"
    network = read(movement=moves)
    turn = turns_of(network)
    assert (40, 20) not in turn  # into the lane of bicycles only
    assert network.turn_lane_hi[turn[10, 20]] == 3  # a pocket left of the left-most lane


@pytest.mark.parametrize(
    ("name", "old", "new", "row", "field"),
    [
        ("lane", "1,10,-1", "1,11,-1", 2, "link_id"),
        ("lane", "1,10,-1", "1,10,1.5", 2, "lane_num"),
        ("lane", "1,10,-1", "1,10,0", 2, "lane_num"),
        ("lane", "1,10,-1", "1,10,-99", 2, "lane_num"),
        ("lane", "1,10,-1", "1,10,", 2, "lane_num"),
        ("lane", "1,10,-1", "1,10,2", 4, "lane_num"),
        ("lane", "BUS", "BROOM", 5, "allowed_uses"),
        ("lane", "5,20,1,\n", "5,20,1,bike\n", 6, "link_id"),
        ("lane", "lane_num", "lane", 1, "lane_num"),
        ("lane", "1,10,-1,AUTO", "1,10,-1", 2, None),
        ("movement", "\n2,1,10", "\n1,1,10", 3, "mvmt_id"),
        ("movement", "1,1,10", "1,9,10", 2, "node_id"),
        ("movement", "1,1,10", "1,2,10", 2, "ib_link_id"),
        ("movement", "1,1,10", "1,1,11", 2, "ib_link_id"),
        ("movement", "1,1,10", "1,1,20", 2, "ib_link_id"),
        ("movement", ",30,,,LEFT", ",40,,,LEFT", 2, "ob_link_id"),
        ("movement", ",30,,,LEFT", ",31,,,LEFT", 2, "ob_link_id"),
        ("movement", ",30,,,LEFT", ",30,,,LEFTISH", 2, "type"),
        ("movement", "yield", "yeild", 2, "ctrl_type"),
        ("movement", "10,2,3,20", "10,2,5,20", 4, "end_ib_lane"),
        ("movement", "10,2,3,20", "10,5,,20", 4, "start_ib_lane"),
        ("movement", "10,2,3,20", "10,,3,20", 4, "end_ib_lane"),
        ("movement", "10,2,3,20", "10,two,3,20", 4, "start_ib_lane"),
        ("movement", "40,1,,30,", "40,1,,30,2", 5, "start_ob_lane"),
        ("movement", "ob_link_id", "out_link_id", 1, "ob_link_id"),
    ],
)
def test_rubbish_is_refused(read, tmp_path, name, old, new, row, field):
    assert old in TABLES[name]
    with pytest.raises(InputError) as caught:
        read(**{name: TABLES[name].replace(old, new, 1)})
    error = caught.value
    file = str(tmp_path / f"{name}.csv")
    assert (error.file, error.row, error.field) == (file, row, field), str(error)


def test_lane_numbers_need_lanes(read):
    network = read(lane=None, link=LINKS, movement=MOVEMENTS.replace("2,3,20", "2,2,20"))
    assert network.link_lanes[network.link_of(10)] == 2
    with pytest.raises(InputError, match="has no lane"):
        read(lane=None, movement=MOVEMENTS.replace("2,3,20", "2,3,20"))


def test_tables_without_rows_state_nothing(read, tmp_path):
    without = read(lane=None, movement=None)
    for name in ("lane", "movement"):
        (tmp_path / f"{name}.csv").write_text(TABLES[name].splitlines()[0] + "\n")
    again = read(lane=None, movement=None)  # None leaves the files as they are
    check_same(without, again)


def test_movements_are_named_by_any_text(read):
    check_same(read(), read(movement=MOVEMENTS.replace("\n1,", "\nM-1,")))
    for text in (MOVEMENTS.replace("\n1,", "\n,"), MOVEMENTS.replace("\n1,", "\n2,")):
        with pytest.raises(InputError) as caught:
            read(movement=text)
        assert caught.value.field == "mvmt_id"


def test_lanes_that_no_table_counts_are_those_that_movements_name(read):
    blank = LINKS.replace("true,2", "true,").replace("true,1", "true,0")
    moves = MOVEMENTS.replace("20,,,THRU", "20,1,2,THRU")
    network = read(lane=None, link=blank, movement=moves)
    lanes = {link: int(network.link_lanes[network.link_of(link)]) for link in (10, 20, 40)}
    assert lanes == {10: 3, 20: 2, 40: 1}
    turn = turns_of(network)[10, 20]
    assert (network.turn_lane_lo[turn], network.turn_lane_hi[turn]) == (0, 2)
