"""SUMO networks are read as they are: lanes, movements, right of way, signals, ways through."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from tests.support.kernels import from_python
from tests.support.sumo_files import NET
from twin.core.errors import InputError
from twin.network.graph import RoadClass, TurnKind, TurnYield
from twin.network.sumo import read_sumo
from twin.traffic.control import kernel_network
from twin.traffic.kernels.signals.plan import set_signals
from twin.traffic.types import Fleet


@pytest.fixture
def read(tmp_path):
    def of(text: str):
        file = tmp_path / "made.net.xml"
        file.write_text(text)
        return read_sumo(file)

    return of


def _turns(made) -> dict[tuple[str, str], int]:
    names, network = made.edges.edge, made.network
    pairs = zip(network.turn_from.tolist(), network.turn_to.tolist(), strict=True)
    return {(names[a], names[b]): t for t, (a, b) in enumerate(pairs)}


def test_lanes_lengths_and_movements_are_those_of_the_file(read) -> None:
    made = read(NET)
    network, names = made.network, made.edges.edge
    assert names == ["in", "out", "back", "home", "up", "down"]
    assert network.link_lanes.tolist() == [2, 2, 1, 1, 1, 1]
    assert made.edges.lanes[0] == (1, 2)
    # The way through the junction, 4 m and 6 m for the left turn, belongs to the link behind it.
    assert network.link_length.tolist() == pytest.approx([190, 200, 190, 199.5, 190, 180])
    assert made.edges.entry_m.tolist() == pytest.approx([0, 10, 0, 9.5, 10, 0])
    turns = _turns(made)
    assert set(turns) == {
        ("in", "out"), ("in", "up"), ("back", "home"), ("down", "home"), ("out", "back"),
    }  # fmt: skip
    left, straight = turns["in", "up"], turns["in", "out"]
    assert (network.turn_lane_lo[left], network.turn_lane_hi[left]) == (1, 1)
    assert (network.turn_lane_lo[straight], network.turn_lane_hi[straight]) == (0, 1)
    kinds = [TurnKind(network.turn_kind[turns[pair]]) for pair in (("in", "up"), ("down", "home"))]
    assert kinds == [TurnKind.LEFT, TurnKind.RIGHT]
    assert network.turn_kind[turns["out", "back"]] == TurnKind.U_TURN
    assert network.link_class[0] == RoadClass.SECONDARY
    assert network.names == ("High Street",)
    bend = slice(*network.geom_ptr[4:6])
    assert network.geom_x[bend].tolist() == [200, 210, 200]


def test_only_who_has_a_weak_green_gives_way(read) -> None:
    made = read(NET)
    network, turns = made.network, _turns(made)
    left = turns["in", "up"]
    foes = network.foe_turn[network.foe_ptr[left] : network.foe_ptr[left + 1]]
    assert foes.tolist() == [turns["back", "home"]]
    # `down` has to yield to both by its request, but it is never green together with them.
    assert np.flatnonzero(network.turn_yield).tolist() == [left]


def test_a_lamp_that_lets_go_after_a_stop(read) -> None:
    phases = (("GGgGr", "GGgGs"), ("yyyyr", "yyyys"))
    made = read(NET.replace(*phases[0]).replace(*phases[1]))
    network, turns = made.network, _turns(made)
    right = turns["down", "home"]
    assert network.turn_yield[right] == TurnYield.ON_RED
    assert made.report.counts["turns after a stop on red"] == 1
    foes = network.foe_turn[network.foe_ptr[right] : network.foe_ptr[right + 1]]
    assert sorted(foes.tolist()) == sorted([turns["in", "up"], turns["back", "home"]])
    assert network.turn_yield[turns["in", "up"]] == TurnYield.GIVES_WAY
    part = read(NET.replace(*phases[0]))
    assert part.network.turn_yield[right] == TurnYield.FREE
    assert len(part.network.foe_turn) == len(made.network.foe_turn) - 2
    what = "turns after a stop in some of their reds: taken as red"
    assert part.report.counts[what] == 1
    assert what not in made.report.counts


def test_right_of_way_without_signals(read) -> None:
    text = NET.replace(' tl="C"', "")
    made = read(text)
    turns = _turns(made)
    network = made.network
    right = turns["down", "home"]
    foes = network.foe_turn[network.foe_ptr[right] : network.foe_ptr[right + 1]]
    assert sorted(foes.tolist()) == sorted([turns["in", "up"], turns["back", "home"]])
    assert network.n_signals == 0


def test_turns_behind_a_stop_sign_are_counted(read) -> None:
    unlit = NET.replace(' tl="C"', "")
    plain = '<connection from="down" to="home"'
    assert plain in unlit
    lines = unlit.splitlines()
    at = next(k for k, line in enumerate(lines) if plain in line) + 1
    assert 'state="o"' in lines[at]
    lines[at] = lines[at].replace('state="o"', 'state="s"')
    made, before = read("\n".join(lines)), read(unlit)
    what = "turns behind a stop sign: they give way without a stop"
    assert made.report.counts[what] == 1
    assert what not in before.report.counts
    assert made.network.turn_yield.tolist() == before.network.turn_yield.tolist()


def test_where_all_stop_whoever_yields_stops(read) -> None:
    text = NET.replace(' tl="C"', "").replace('type="traffic_light"', 'type="allway_stop"')
    network = read(text).network
    stops = np.diff(network.foe_ptr) > 0
    assert network.turn_yield.tolist() == (stops * 2).tolist()
    assert stops.sum() == 2


def test_signal_programs(read) -> None:
    made = read(NET)
    network, turns = made.network, _turns(made)
    assert network.signal_cycle.tolist() == [60]
    assert network.signal_offset.tolist() == [5]
    main, side = network.turn_group[turns["in", "out"]], network.turn_group[turns["down", "home"]]
    assert network.turn_group[turns["out", "back"]] == -1
    assert (network.group_green_from[main], network.group_green_to[main]) == (0, 30)
    assert (network.group_green_from[side], network.group_green_to[side]) == (33, 57)
    assert network.node_signal.tolist().count(0) == 1


def test_a_green_over_the_end_of_the_cycle_is_one(read) -> None:
    text = NET.replace('"rrrry"', '"GGrry"')
    made = read(text)
    network = made.network
    group = network.turn_group[_turns(made)["in", "out"]]
    assert (network.group_green_from[group], network.group_green_to[group]) == (57, 90)


def test_several_greens_a_cycle_all_show(read) -> None:
    states = ("rrrrG", "rrrry", "GGgGr", "yyyyr") * 2
    times = (10, 3, 10, 3, 14, 3, 14, 3)
    phases = [f'<phase duration="{t}" state="{s}"/>' for t, s in zip(times, states, strict=True)]
    head, _, rest = NET.partition('<phase duration="30"')
    made = read(f"{head}{''.join(phases)}</tlLogic>{rest.partition('</tlLogic>')[2]}")
    network = made.network
    group = network.turn_group[_turns(made)["down", "home"]]
    assert network.green_s[group] == 24
    net = kernel_network(network, Fleet().table, speed_factor=1.0)
    seen = ""
    follow_plan = from_python(set_signals)
    for second in range(60):
        follow_plan(second + 5.0, net)
        seen += "Gyr"[net.group["state"][group]]
    assert seen == "".join(s[4] * t for t, s in zip(times, states, strict=True))


def test_what_is_not_for_cars_is_counted(read) -> None:
    counts = read(NET).report.counts
    assert counts["left out: edges for rails only"] == 1
    assert counts["left out: edges for cyclists and pedestrians only"] == 1
    assert counts["left out: lanes for cyclists and pedestrians only"] == 1
    assert counts["left out: crossings"] == 1
    assert counts["roundabouts"] == 1
    assert counts["turns round"] == 1


def test_actuated_signals_are_named(read) -> None:
    assert read(NET).actuated.tolist() == []
    assert read(NET.replace('type="static"', 'type="actuated"')).actuated.tolist() == [0]


def test_compressed_file(tmp_path) -> None:
    file = tmp_path / "made.net.xml.gz"
    file.write_bytes(gzip.compress(NET.encode()))
    assert read_sumo(file).network.n_links == 6


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ('length="190.00" shape="0,0 190,0"', 'length="x"', "lane 'in_1'", "length"),
        ('speed="13.89" length="190.00" shape="0,0', 'speed="0" length="1" shape="0,0',
         "lane 'in_1'", "speed"),
        ('shape="200,0 210,50 200,200"', 'shape="200,0 nowhere"', "edge 'up'", "shape"),
        ('from="A" to="C" priority', 'from="A" to="Z" priority', "edge 'in'", "to"),
        ('<edge id="back"', '<edge id="out"', "edge 'out'", "id"),
        ('from="in" to="up"', 'from="in" to="upp"', "connection 'in' to 'upp'", "to"),
        ('fromLane="2" toLane="0"', 'fromLane="7" toLane="0"', "connection 'in' to 'up'",
         "fromLane"),
        ('linkIndex="4"', 'linkIndex="9"', "connection 'down' to 'home'", "linkIndex"),
        ('tl="C" linkIndex="4"', 'tl="Q" linkIndex="4"', "connection 'down' to 'home'", "tl"),
        ('state="yyyyr"', 'state="yyyr"', "tlLogic 'C', phase 1", "state"),
        ('state="yyyyr"', 'state="yyXyr"', "tlLogic 'C', phase 1", "state"),
        ('duration="24"', 'duration="-1"', "tlLogic 'C', phase 2", "duration"),
        ('response="01000"', 'response="0100"', "junction 'C', request 2", "response"),
        ('x="400"', 'x="far"', "junction 'B'", "x"),
    ],
)  # fmt: skip
def test_rubbish_is_named(read, old: str, new: str, row: str, field: str) -> None:
    assert old in NET
    with pytest.raises(InputError) as caught:
        read(NET.replace(old, new, 1))
    assert (caught.value.row, caught.value.field) == (row, field)
    assert str(caught.value.file).endswith("made.net.xml")


@pytest.mark.parametrize(
    "text",
    [
        "<net><edge></net>",
        "<routes/>",
        "<net/>",
        '<!DOCTYPE net [<!ENTITY a "b">]><net>&a;</net>',
        "no xml at all",
        '<?xml version="1.0" encoding="euc-kr"?><net/>',
    ],
)
def test_what_is_no_network_is_refused(read, text: str) -> None:
    with pytest.raises(InputError):
        read(text)


def test_too_few_requests(read) -> None:
    text = NET.replace(
        'incLanes="in_1 in_2 back_0 down_0"', 'incLanes="in_1 in_2 in_1 back_0 down_0"'
    )
    with pytest.raises(InputError, match="5 requests for 6"):
        read(text)
