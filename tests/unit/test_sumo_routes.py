"""SUMO's route files become trips; what has no counterpart is counted or refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import Link, Turn, make_network
from tests.support.sumo_files import NET, ROUTES
from twin.core.errors import InputError
from twin.demand.sumo_routes import read_routes
from twin.demand.trips import VehicleKind
from twin.network.sumo import read_sumo
from twin.recording.sumo_output import EdgeNames
from twin.recording.trip_run import drive
from twin.traffic.micro import MicroTraffic
from twin.traffic.router import Router


@pytest.fixture
def read(tmp_path):
    net = tmp_path / "made.net.xml"
    net.write_text(NET)
    made = read_sumo(net)
    links = {edge: link for link, edge in enumerate(made.edges.edge)}

    def of(text: str, end_s: float = 300.0, seed: int = 1):
        file = tmp_path / "made.rou.xml"
        file.write_text(text)
        return made, read_routes(
            [file], made.network, links, Router(made.network).routes,
            seed=seed, end_s=end_s, entry_m=made.edges.entry_m,
        )  # fmt: skip

    return of


def _one(demand, name: str) -> tuple[float, list[int], float, str]:
    trips, k = demand.trips, demand.ids.index(name)
    route = trips.route_link[trips.route_ptr[k] : trips.route_ptr[k + 1]].tolist()
    kind = demand.types[demand.type_of[k]].id
    return float(trips.depart_s[k]), route, float(trips.end_pos_m[k]), kind


def test_vehicles_and_trips(read) -> None:
    made, demand = read(ROUTES)
    demand.trips.check_on(made.network)
    length = made.network.link_length
    assert _one(demand, "first") == (0.0, [0, 1], pytest.approx(length[1] - 0.02), "small")
    # 50 m along its lane is 60 m along our link, of which 10 m lie in the junction.
    assert _one(demand, "clock") == (65.5, [0, 4], pytest.approx(60.0), "lorry")
    depart, route, _, kind = _one(demand, "round")
    assert (depart, route, kind) == (20.0, [0, 1, 2, 3], "DEFAULT_VEHTYPE")
    place = demand.ids.index("clock")
    assert demand.trips.kind[place] == VehicleKind.TRUCK


def test_flows(read) -> None:
    _, demand = read(ROUTES)
    by_name = dict(zip(demand.ids, demand.trips.depart_s.tolist(), strict=True))
    assert [by_name[f"many.{k}"] for k in range(6)] == [30, 40, 50, 60, 70, 80]
    assert [by_name[f"hourly.{k}"] for k in range(10)] == pytest.approx(np.arange(10) * 6.0)
    assert "hourly.10" not in by_name
    luck = sorted(t for name, t in by_name.items() if name.startswith("luck"))
    assert 5 <= len(luck) <= 40
    assert luck == np.unique(luck).tolist()
    kinds = {_one(demand, f"many.{k}")[3] for k in range(6)}
    assert kinds <= {"small", "lorry"}


def test_a_seed_draws_the_same_and_another_does_not(read) -> None:
    first, again, other = (read(ROUTES, seed=seed)[1] for seed in (1, 1, 2))
    assert first.ids == again.ids
    assert first.trips.depart_s.tolist() == again.trips.depart_s.tolist()
    assert first.ids != other.ids


def test_what_is_left_aside_is_counted(read) -> None:
    _, demand = read(ROUTES)
    assert dict(demand.left_out) == {
        "departPos": 1, "persons and containers": 1, "vehicles of class tram": 1,
    }  # fmt: skip
    assert "tram1" not in demand.ids
    assert "stops" in demand.ids


def test_who_departs_after_the_end_is_not_read_in(read) -> None:
    _, demand = read(ROUTES, end_s=60.0)
    assert demand.trips.depart_s.max() < 60.0
    assert "clock" not in demand.ids


@pytest.mark.parametrize(
    ("flow", "departs"),
    [
        # As in SUMO 1.28 with --end 100.
        ('<flow id="f" from="in" to="out" number="5"/>', [0, 20, 40, 60, 80]),
        ('<flow id="f" from="in" to="out" perHour="180"/>', [0, 20, 40, 60, 80]),
        ('<interval begin="5" end="11"><flow id="f" from="in" to="out" number="3"/></interval>',
         [5, 7, 9]),
        ('<interval begin="5"><flow id="f" from="in" to="out" end="35" number="3"/></interval>',
         [5, 15, 25]),
    ],
)  # fmt: skip
def test_when_a_flow_begins_and_ends(read, flow: str, departs: list[float]) -> None:
    _, demand = read(f"<routes>{flow}</routes>", end_s=100.0)
    assert demand.trips.depart_s.tolist() == departs
    assert not demand.left_out


def test_a_route_that_repeats_drives_its_rounds(tmp_path) -> None:
    ring = make_network([Link(0, 1), Link(1, 0)], [Turn(0, 1), Turn(1, 0)])
    file = tmp_path / "ring.rou.xml"
    file.write_text(
        '<routes><route id="r" edges="a b" repeat="3"><stop lane="b_0" duration="5"/></route>'
        '<vehicle id="v" route="r" depart="0"/></routes>'
    )
    edges = {"a": 0, "b": 1}
    demand = read_routes([file], ring, edges, Router(ring).routes, seed=1, end_s=9.0)
    assert _one(demand, "v")[1] == [0, 1, 0, 1, 0, 1]
    assert demand.left_out == {"stops of the further rounds of a route": 2}


@pytest.mark.parametrize("text", ["exp(0.1)", "10"])
def test_period(read, text: str) -> None:
    flow = f'<flow id="f" from="in" to="out" begin="10" end="250" period="{text}"/>'
    _, demand = read(f"<routes>{flow}</routes>")
    assert 10 <= len(demand.ids) <= 40
    assert demand.trips.depart_s.min() >= 10.0


@pytest.mark.parametrize(
    ("element", "row", "field"),
    [
        ('<vehicle id="v" depart="triggered" route="r"/>', "vehicle 'v'", "depart"),
        ('<vehicle id="v" depart="soon"><route edges="in"/></vehicle>', "vehicle 'v'", "depart"),
        ('<vehicle id="v" depart="-3"><route edges="in"/></vehicle>', "vehicle 'v'", "depart"),
        ('<vehicle id="v" depart="1:2"><route edges="in"/></vehicle>', "vehicle 'v'", "depart"),
        ('<vehicle id="v" depart="1"><route edges="in no"/></vehicle>', "vehicle 'v'", "edges"),
        ('<vehicle id="v" depart="1"><route edges="in down"/></vehicle>', "vehicle 'v'", "edges"),
        ('<vehicle id="v" depart="1" route="r"/>', "vehicle 'v'", "route"),
        ('<vehicle id="v" depart="1" type="t" route="r"/>', "vehicle 'v'", "type"),
        ('<vehicle depart="1"><route edges="in"/></vehicle>', "vehicle ''", "id"),
        ('<trip id="v" depart="1" from="in"/>', "trip 'v'", "to"),
        ('<trip id="v" depart="1" fromTaz="a" toTaz="b"/>', "trip 'v'", "fromTaz"),
        ('<flow id="f" from="in" to="out"/>', "flow 'f'", "number"),
        ('<flow id="f" from="in" to="out" period="0"/>', "flow 'f'", "period"),
        ('<flow id="f" from="in" to="out" begin="9" end="3" number="1"/>', "flow 'f'", "end"),
        ('<flow id="f" from="in" to="out" period="2" vehsPerHour="2"/>', "flow 'f'", "vehsPerHour"),
        ('<flow id="f" from="in" to="out" probability="2"/>', "flow 'f'", "probability"),
        ('<vType id="t" length="long"/>', "vType 't'", "length"),
        ('<vType id="t" speedFactor="fast"/>', "vType 't'", "speedFactor"),
        ('<vTypeDistribution id="t" vTypes="a b" probabilities="1"/>', "vTypeDistribution 't'",
         "probabilities"),
        ('<trip id="v" depart="1" from="in" to="out" arrivalPos="x"/>', "trip 'v'", "arrivalPos"),
        ('<trip id="v" depart="1" from="in" to="out" arrivalPos="nan"/>', "trip 'v'", "arrivalPos"),
        ('<vehicle id="v" depart="1"><route edges="in out" repeat="2"/></vehicle>', "vehicle 'v'",
         "edges"),
        ('<route id="r" edges="in out" repeat="0"/>', "route 'r'", "repeat"),
        ('<interval begin="x"><flow id="f" from="in" to="out" number="1"/></interval>', "flow 'f'",
         "begin"),
    ],
)  # fmt: skip
def test_rubbish_is_named(read, element: str, row: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"<routes>{element}</routes>")
    assert (caught.value.row, caught.value.field) == (row, field)
    assert str(caught.value.file).endswith("made.rou.xml")


def test_a_vehicle_twice(read) -> None:
    vehicle = '<vehicle id="v" depart="1"><route edges="in"/></vehicle>'
    with pytest.raises(InputError, match="already"):
        read(f"<routes>{vehicle}{vehicle}</routes>")


@pytest.mark.parametrize(
    ("first", "second", "row"),
    [
        ('<route id="x" edges="in out"/>', '<route id="x" edges="in up"/>', "route 'x'"),
        ('<route id="x" edges="in out"/>',
         '<routeDistribution id="x"><route id="y" edges="in up"/></routeDistribution>',
         "routeDistribution 'x'"),
        ('<vType id="x" maxSpeed="3"/>', '<vType id="x" maxSpeed="30"/>', "vType 'x'"),
        ('<vType id="x" maxSpeed="3"/>',
         '<vTypeDistribution id="x"><vType id="y"/></vTypeDistribution>', "vTypeDistribution 'x'"),
        ('<vTypeDistribution id="y"><vType id="z"/></vTypeDistribution>',
         '<vTypeDistribution id="x"><vType id="z"/></vTypeDistribution>', "vType 'z'"),
    ],
)  # fmt: skip
def test_a_route_or_a_type_twice(read, first: str, second: str, row: str) -> None:
    read(f"<routes>{first}</routes>")
    read(f"<routes>{second}</routes>")
    with pytest.raises(InputError, match="already") as caught:
        read(f"<routes>{first}{second}</routes>")
    assert (caught.value.row, caught.value.field) == (row, "id")
    assert str(caught.value.file).endswith("made.rou.xml")


def test_a_default_type_is_stated_before_who_has_it(read) -> None:
    car = '<vehicle id="v" depart="1"><route edges="in"/></vehicle>'
    stated = '<vType id="DEFAULT_VEHTYPE" maxSpeed="3"/>'
    _, demand = read(f"<routes>{stated}{car}</routes>")
    assert demand.types[0].max_speed == 3.0
    with pytest.raises(InputError, match="already"):
        read(f"<routes>{car}{stated}</routes>")


STOPS = """<routes>
    <busStop id="market" lane="out_0" startPos="20" endPos="-30"/>
    <route id="line" edges="in out"><stop busStop="market" duration="15"/></route>
    <vehicle id="a" route="line" depart="1"/>
    <vehicle id="b" route="line" depart="2"><stop lane="out_0" endPos="80" duration="5" until="90"
        parking="true"/></vehicle>
    <trip id="c" from="in" to="out" depart="3"><stop busStop="market" until="60"/></trip>
    <vehicle id="d" depart="4"><route edges="in up"/><stop busStop="market" duration="5"/></vehicle>
    <vehicle id="e" depart="5"><route edges="in out"/><stop parkingArea="p" duration="5"/></vehicle>
</routes>"""


def test_stops_of_vehicles_routes_and_trips(read) -> None:
    made, demand = read(STOPS)
    calls, out = demand.calls, 1
    assert calls is not None
    length = float(made.network.link_length[out])
    assert calls.ptr.tolist() == [0, 1, 2, 3, 3, 3]
    assert calls.link.tolist() == [out] * 3
    assert calls.pos_m.tolist() == pytest.approx([length - 30.0] * 3)
    assert calls.dwell_s.tolist() == [15.0, 15.0, 0.0]
    assert calls.due_s.tolist() == [-np.inf, -np.inf, 60.0]
    # The stop of "b" at 80 m (90 m of our link) lies before that of its route.
    assert dict(demand.left_out) == {
        "stops at other places than bus stops and lanes": 1,
        "stops that are not on the way": 2,
    }


def test_stops_on_lanes_and_beside_them(read) -> None:
    _, demand = read(
        """<routes><vehicle id="b" depart="2"><route edges="in out"/>
        <stop lane="out_0" endPos="80" duration="5" until="90" parking="true"/></vehicle>
        </routes>"""
    )
    calls = demand.calls
    assert calls is not None
    # 80 m along its lane is 90 m along our link, of which 10 m lie in the junction.
    assert calls.pos_m.tolist() == pytest.approx([90.0])
    assert (calls.bay.tolist(), calls.dwell_s.tolist(), calls.due_s.tolist()) == (
        [True], [5.0], [90.0],
    )  # fmt: skip
    assert calls.part(1, 1).link.tolist() == []


@pytest.mark.parametrize(
    ("said", "bay"),
    [
        ("yes", True),
        ("on", True),
        ("1", True),
        ("opportunistic", True),
        ("no", False),
        ("0", False),
    ],
)
def test_who_parks_stands_beside_the_lane(read, said: str, bay: bool) -> None:
    _, demand = read(
        f"""<routes><vehicle id="b" depart="2"><route edges="in out"/>
        <stop lane="out_0" endPos="80" duration="60" parking="{said}"/></vehicle></routes>"""
    )
    assert demand.calls is not None
    assert demand.calls.bay.tolist() == [bay]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('parking="true"', 'parking="maybe"', "parking"),
        ('id="market" lane="out_0"', 'id="market" lane="out"', "lane"),
        ('id="market" lane="out_0"', 'id="market" lane="out_²"', "lane"),
        ('id="market" lane="out_0"', f'id="market" lane="out_{"1" * 5000}"', "lane"),
        ('lane="out_0" endPos="80"', 'lane="out_9" endPos="80"', "lane"),
        ('id="market" lane="out_0"', 'id="market" lane="out_9"', "busStop"),
        ('busStop="market" until', 'busStop="market9" until', "busStop"),
        ('duration="15"', "", "duration"),
        ('duration="15"', 'duration="long"', "duration"),
        ('endPos="-30"', 'endPos="far"', "endPos"),
    ],
)
def test_faults_of_stops_are_named(read, old: str, new: str, field: str) -> None:
    assert old in STOPS
    with pytest.raises(InputError) as caught:
        read(STOPS.replace(old, new, 1))
    assert caught.value.field == field
    assert caught.value.row


def test_who_stops_arrives_later_by_what_it_stands(read) -> None:
    text = """<routes><vehicle id="a" depart="0"><route edges="in out"/>STOP</vehicle></routes>"""
    took = []
    for stop in ("", '<stop lane="out_0" endPos="80" duration="30"/>'):
        made, demand = read(text.replace("STOP", stop))
        names = EdgeNames.of(made.edges.edge, made.edges.entry_m, made.edges.lanes, plane=True)
        traffic = MicroTraffic(made.network, seed=np.uint64(1))
        took.append(drive(traffic, demand, names, end_s=200.0).mean_duration_s)
    assert 30.0 <= took[1] - took[0] <= 30.0 + 60.0
