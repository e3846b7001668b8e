"""Bus lanes as OpenStreetMap and SUMO tell them: which lane they are, and rubbish."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.sumo_files import NET
from twin.city.report import quality
from twin.core.errors import InputError
from twin.network.build import build_network
from twin.network.osm import read_osm
from twin.network.osm_bus_lanes import AGAINST, BOTH_WAYS, BY_THE_HOUR, UNFIT, BusLaneReader
from twin.network.sumo import read_sumo
from twin.traffic.micro import MicroTraffic

ONE, TWO, BACK = (True, False), (True, True), (False, True)

# way's directions, lanes, tags -> lanes, bits (the lowest is the kerb), what is left out
READ = [
    (ONE, (3, 3), {"bus:lanes": "yes|yes|designated"}, (3, 3), (0b001, 0), {}),
    (ONE, (3, 3), {"bus:lanes": "designated||"}, (3, 3), (0b100, 0), {}),
    (ONE, (0, 0), {"psv:lanes": "|designated"}, (2, 0), (0b01, 0), {}),
    (ONE, (2, 2), {"bus:lanes": "yes|yes", "vehicle:lanes": "yes|no"}, (2, 2), (0b01, 0), {}),
    # Cars are let in by the more particular tag.
    (ONE, (2, 2), {"bus:lanes": "yes|designated", "access:lanes": "yes|no",
                   "motor_vehicle:lanes": "yes|yes"}, (2, 2), (0, 0), {}),
    (ONE, (2, 2), {"bus:lanes": "yes|yes"}, (2, 2), (0, 0), {}),
    # A lane for cyclists stands among the tags of lanes and is no lane.
    (ONE, (2, 2), {"bus:lanes": "yes|designated|no", "vehicle:lanes": "yes|no|no"},
     (2, 2), (0b01, 0), {}),
    (ONE, (2, 2), {"bus:lanes": "yes|yes|designated"}, (2, 2), (0, 0), {UNFIT: 1}),
    (TWO, (3, 2), {"bus:lanes:forward": "||designated", "bus:lanes:backward": "|designated"},
     (3, 2), (0b001, 0b01), {}),
    (ONE, (3, 3), {"lanes:bus": "1"}, (3, 3), (0b001, 0), {}),
    (BACK, (3, 3), {"lanes:psv": "2"}, (3, 3), (0, 0b011), {}),
    (TWO, (2, 2), {"lanes:psv": "2"}, (2, 2), (0b01, 0b01), {}),
    (TWO, (2, 2), {"lanes:bus": "1"}, (2, 2), (0, 0), {BOTH_WAYS: 1}),
    (TWO, (2, 2), {"lanes:bus:backward": "1"}, (2, 2), (0, 0b01), {}),
    (ONE, (2, 2), {"lanes:bus": "3"}, (2, 2), (0, 0), {UNFIT: 3}),
    (ONE, (2, 2), {"lanes:bus:backward": "1"}, (2, 2), (0, 0), {AGAINST: 1}),
    (TWO, (2, 2), {"busway": "lane"}, (2, 2), (0b01, 0b01), {}),
    (TWO, (2, 2), {"busway:right": "lane"}, (2, 2), (0b01, 0), {}),
    (TWO, (2, 2), {"busway:left": "lane"}, (2, 2), (0, 0b01), {}),
    (ONE, (3, 3), {"busway:left": "lane"}, (3, 3), (0b100, 0), {}),
    (ONE, (3, 3), {"busway:both": "lane"}, (3, 3), (0b101, 0), {}),
    (BACK, (3, 3), {"busway:left": "lane"}, (3, 3), (0, 0b001), {}),
    (ONE, (2, 2), {"busway": "opposite_lane"}, (2, 2), (0, 0), {AGAINST: 1}),
    # Hours are counted by road, and a plain tag holds all day.
    (ONE, (2, 2), {"lanes:bus:conditional": "1 @ (07:00-10:00)"}, (2, 2), (0, 0),
     {BY_THE_HOUR: 1}),
    (ONE, (2, 2), {"busway:right:conditional": "lane @ (Mo-Fr 07:00-10:00)"}, (2, 2), (0, 0),
     {BY_THE_HOUR: 1}),
    (ONE, (2, 2), {"psv:lanes:forward:conditional": "|designated @ (17:00-20:00)",
                   "bus:lanes:conditional": "rubbish", "lanes:bus": "1"}, (2, 2), (1, 0),
     {BY_THE_HOUR: 1}),
    (ONE, (2, 2), {"bus:conditional": "no @ (22:00-05:00)"}, (2, 2), (0, 0), {}),
    (ONE, (2, 2), {"lanes:bus": "some", "busway": "track", "bus": "yes"}, (2, 2), (0, 0), {}),
]  # fmt: skip


@pytest.mark.parametrize(("drives", "lanes", "tags", "count", "bits", "left_out"), READ)
def test_tags_of_openstreetmap(drives, lanes, tags, count, bits, left_out):
    reader = BusLaneReader("map.osm")
    assert reader.read(tags, drives, lanes, "way 1") == (count, bits)
    assert {name: n for name, n in reader.left_out.items() if n} == left_out


@pytest.mark.parametrize(
    "tags",
    [
        {"lanes:bus": "-1"},
        {"lanes:psv:forward": "99"},
        {"bus:lanes": "|" * 5000},
        {"psv:lanes:backward": "designated|" * 40},
    ],
)
def test_rubbish_names_way_and_tag(tags):
    with pytest.raises(InputError) as caught:
        BusLaneReader("map.osm").read(
            tags, TWO if "backward" in str(tags) else ONE, (2, 2), "way 1"
        )
    assert (caught.value.file, caught.value.row) == ("map.osm", "way 1")
    assert caught.value.field == next(iter(tags))


def _osm(**ways: str) -> str:
    """Return a ring of three one-way roads, 1-2, 2-3 and 3-1, with these tags."""
    at = {1: (37.50, 127.00), 2: (37.51, 127.00), 3: (37.51, 127.01)}
    nodes = "".join(f'<node id="{n}" lat="{y}" lon="{x}"/>' for n, (y, x) in at.items())
    text = ""
    for number, (a, b) in enumerate(((1, 2), (2, 3), (3, 1)), start=1):
        own = f"highway=primary,oneway=yes,lanes=3,name=r{number},{ways.get(f'w{number}', '')}"
        pairs = [pair.split("=") for pair in own.strip(",").split(",")]
        tags = "".join(f'<tag k="{k.replace(";", ":")}" v="{v}"/>' for k, v in pairs)
        text += f'<way id="{number}"><nd ref="{a}"/><nd ref="{b}"/>{tags}</way>'
    return f'<osm version="0.6">{nodes}{text}</osm>'


def test_bus_lanes_of_a_map_are_kept_in_traffic_and_counted(tmp_path):
    file = tmp_path / "map.osm"
    tags = {"w1": "lanes;bus=1", "w2": "bus;lanes=designated|yes|yes", "w3": "lanes;bus=3"}
    file.write_text(_osm(**tags))
    network, report = build_network(read_osm(file))
    name = [network.names[n] for n in network.link_name]
    lanes = {name[k]: lane for k, lane in zip(network.bus_link, network.bus_lane, strict=True)}
    assert lanes == {"r1": 0, "r2": 2}
    assert MicroTraffic(network, seed=np.uint64(1)).bus_lanes == {
        name.index("r1"): (0,),
        name.index("r2"): (2,),
    }
    # Cars need a lane: a road whose lanes are all for buses keeps none for them.
    assert report.counts["bus lanes left out: no lane is left beside them"] == 3
    rows = {row.item: row for row in quality(network, report)}
    assert rows["bus lanes"].value == pytest.approx(
        network.link_length[[name.index("r1"), name.index("r2")]].sum() / 1000
    )
    assert rows["bus lanes"].note == "2 lanes"


def test_a_bus_lane_that_begins_halfway_cuts_the_road(tmp_path):
    file = tmp_path / "map.osm"
    file.write_text(_osm(w1="name=r", w2="name=r,lanes;bus=1", w3="name=r"))
    network, _ = build_network(read_osm(file))
    assert network.n_links == 2
    # From 127.00 to 127.01 degrees at 37.51 degrees north.
    assert network.link_length[network.bus_link].tolist() == pytest.approx([884], abs=1)


@pytest.mark.parametrize(("y", "lane"), [(-6, 0), (6, 2)])
def test_carriageways_side_by_side_become_one_with_the_lanes_in_order(tmp_path, y, lane):
    # Two roads of one direction between the same nodes; the second, to the right or to the left
    # of the first, has a bus lane at its kerb.
    places = {1: (0, 0), 2: (300, 0), 3: (15, y), 4: (285, y), 5: (150, 300)}
    nodes = "".join(
        f'<node id="{n}" lat="{37.5 + north / 111_200:.7f}" lon="{127 + east / 88_200:.7f}"/>'
        for n, (east, north) in places.items()
    )
    ways = [
        ("1 2", "oneway=yes lanes=2"),
        ("1 3 4 2", "oneway=yes lanes=2 lanes:bus=1"),
        ("2 5 1", "oneway=yes lanes=1"),
    ]
    text = ""
    for number, (refs, tags) in enumerate(ways, start=1):
        own = [pair.split("=") for pair in f"highway=primary {tags}".split()]
        text += f'<way id="{number}">' + "".join(f'<nd ref="{n}"/>' for n in refs.split())
        text += "".join(f'<tag k="{k}" v="{v}"/>' for k, v in own) + "</way>"
    file = tmp_path / "map.osm"
    file.write_text(f'<osm version="0.6">{nodes}{text}</osm>')
    network, report = build_network(read_osm(file))
    assert report.counts["links side by side joined"] == 1
    assert network.link_lanes[network.bus_link].tolist() == [4]
    assert network.bus_lane.tolist() == [lane]


def _net(text: str) -> str:
    """Return the crossing with lane 0 of the road `in` as the text says, joined straight on."""
    rows = 'lane id="in_0" index="0" allow="pedestrian" speed="1.5" length="190"'
    assert rows in NET
    joined = '<connection from="in" to="out" fromLane="0" toLane="0" dir="s" state="M"/>'
    return NET.replace(rows, f'lane id="in_0" index="0" {text} speed="9" length="190"').replace(
        "</net>", f"{joined}</net>"
    )


@pytest.mark.parametrize("rule", ['allow="bus"', 'allow="coach taxi"', 'disallow="passenger"'])
def test_lanes_for_buses_of_a_sumo_network(tmp_path, rule):
    file = tmp_path / "made.net.xml"
    file.write_text(_net(rule))
    made = read_sumo(file)
    network = made.network
    assert network.link_lanes.tolist()[0] == 3
    assert (network.bus_link.tolist(), network.bus_lane.tolist()) == ([0], [0])
    assert made.edges.lanes[0] == (0, 1, 2)
    assert made.report.counts["bus lanes"] == 1
    # Buses go straight on from it; the left turn of cars stays where it was.
    names = made.edges.edge
    turns = {
        names[b]: t
        for t, (a, b) in enumerate(zip(network.turn_from, network.turn_to, strict=True))
        if a == 0
    }
    lanes = {to: (network.turn_lane_lo[t], network.turn_lane_hi[t]) for to, t in turns.items()}
    assert lanes == {"out": (0, 2), "up": (2, 2)}
    # What cars find of the road does not change.
    file.write_text(NET)
    plain = read_sumo(file).network
    assert network.link_speed.tolist() == plain.link_speed.tolist()
    assert network.link_length.tolist() == plain.link_length.tolist()
    assert network.foe_turn.tolist() == plain.foe_turn.tolist()


@pytest.mark.parametrize(
    "rule", ['allow="taxi"', 'disallow="all"', 'disallow="passenger bus coach"']
)
def test_lanes_for_neither_cars_nor_buses_are_no_lanes(tmp_path, rule):
    file = tmp_path / "made.net.xml"
    file.write_text(_net(rule))
    made = read_sumo(file)
    assert made.network.link_lanes.tolist()[0] == 2
    assert made.report.counts["bus lanes"] == 0


def test_a_bus_lane_is_read_as_strictly_as_another(tmp_path):
    file = tmp_path / "made.net.xml"
    file.write_text(_net('allow="bus"').replace('speed="9"', 'speed="fast"'))
    with pytest.raises(InputError) as caught:
        read_sumo(file)
    assert caught.value.field == "speed"
