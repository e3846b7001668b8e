"""Which streets take the traffic: flows by hand, intervals, and a street that takes all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.cli.compare import show
from apps.report.comparison import comparison_page
from apps.report.street_differences import (
    street_cells,
    street_name,
    streets_reading,
    streets_section,
)
from apps.report.words import ALONE
from tests.support.cities import two_zone_city
from tests.support.emergency import QUIET
from tests.support.html import is_self_contained
from tests.support.roads import Link, Turn, make_network
from tests.support.runs import small_city, small_run, small_scenario
from twin.city.model import City
from twin.experiment import run_scenario
from twin.metrics.comparison import Comparison, compare_runs
from twin.metrics.street_differences import (
    SHOWN,
    StreetDifferences,
    discoveries,
    least_spread,
    paired_t,
    street_differences,
)
from twin.recording.comparison_folder import run_folder
from twin.recording.memory import schema
from twin.recording.reader import RunReader
from twin.scenarios.spec import Scenario

HOUR: dict[str, Any] = {"period": {"start": "18:00", "end": "19:00"}}
STREETS = [(0, "A", 100.0), (0, "A", 300.0), (1, None, 500.0), (2, "C", 200.0)]
"""Of links 0 to 3: street, name, length."""


def made_run(folder: Path, on: dict[int, tuple[float, float]], streets: Any = STREETS) -> Path:
    """Write a run of an hour in which links have a mean of so many vehicles at such a speed."""
    run = small_run(folder, **HOUR)
    start = small_scenario(**HOUR).period.start_s
    rows = [
        {"t": start + 300.0 * k, "link": link, "vehicles": n, "speed_mps": v, "left": 1}
        for k in range(1, 13)
        for link, (n, v) in on.items()
    ]
    put(run, "links", rows)
    put(
        run,
        "link_names",
        [
            {"link": k, "link_id": 100 + k, "street": s, "name": name, "road_class": "primary",
             "length_m": length, "free_mps": 20.0, "lon": 127.0 + k, "lat": 37.0 + k}
            for k, (s, name, length) in enumerate(streets)
        ],
    )  # fmt: skip
    return run


def put(run: Path, table: str, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema(table)), run / f"{table}.parquet")


def found_in(folder: Path, n: int) -> Comparison:
    base, whatif = small_scenario(**HOUR), small_scenario(name="other", **HOUR)
    return compare_runs(base, whatif, folder, n, ["twin"])


def streets_of(found: Comparison) -> StreetDifferences:
    assert found.streets is not None
    return found.streets


def test_flow_is_what_was_driven_over_length_and_hours(tmp_path) -> None:
    for k in range(3):
        made_run(run_folder(tmp_path, "base", k), {0: (2.0, 10.0), 1: (1.0, 20.0), 2: (4.0, 5.0)})
        less = {0: (1.0, 10.0), 1: (1.0, 20.0 - 2 * k), 2: (4.0, 5.0), 3: (1.0, 8.0)}
        made_run(run_folder(tmp_path, "whatif", k), less)
    found = streets_of(found_in(tmp_path, 3))
    (lost,), (gained,) = found.lost, found.gained
    assert (lost.street, lost.name, lost.length_m) == (0, "A", 400.0)
    # Base: (2 * 10 + 1 * 20) m/s * 3600 s / 400 m = 360 veh/h; what-if: 10 + (20 - 2 k), so
    # 270, 252 and 234. Differences of -90, -108, -126: 4.3027 * 18 / sqrt(3) = 44.71 either way.
    assert (lost.flow.base, lost.flow.whatif) == pytest.approx((360.0, 252.0))
    assert (lost.flow.low, lost.flow.high) == pytest.approx((-152.715, -63.285), abs=0.001)
    # Speed: 40 m in 3 vehicle-seconds; what-if 30, 28 and 26 m in 2.
    assert lost.speed is not None
    assert (lost.speed.base, lost.speed.whatif) == pytest.approx((48.0, 50.4))
    assert lost.speed.difference == pytest.approx(2.4)
    # 6, 2.4 and -1.2: 4.3027 * 3.6 / sqrt(3) = 8.943 either way.
    assert (lost.speed.low, lost.speed.high) == pytest.approx((-6.543, 11.343), abs=0.001)
    assert (gained.street, gained.name) == (2, "C")
    assert gained.flow.difference == pytest.approx(8 * 3600 / 200)
    assert gained.speed is None  # nobody drove there in the base
    assert (gained.lon, gained.lat, gained.road_class) == (130.0, 40.0, "primary")
    # Of street A the longer link, link 1.
    assert (lost.lon, lost.lat) == (128.0, 38.0)
    assert (found.compared, found.shown, found.clear) == (3, 2, 2)
    assert street_cells(lost) == [
        "360.0", "252.0", "-108.0", "-152.7 to -63.3", "clear difference",
        "48.0", "50.4", "+2.4", "-6.5 to +11.3",
    ]  # fmt: skip
    assert street_cells(gained)[4:] == ["clear difference", "-", "-", "-", "-"]


def test_what_is_less_than_a_vehicle_differs_at_no_street(tmp_path) -> None:
    # In an hour on 100 m, a mean of one vehicle at 10 m/s is 360 that drive all of it.
    one = 1.0 / 360.0
    many = [(k, f"S{k}", 100.0) for k in range(3)]
    for k in range(3):
        made_run(run_folder(tmp_path, "base", k), dict.fromkeys(range(3), (1.0, 10.0)), many)
        more = {0: (1.0 + 0.5 * one, 10.0), 1: (1.0 + 40.0 * one, 10.0), 2: (1.0, 10.0)}
        made_run(run_folder(tmp_path, "whatif", k), more, many)
    found = streets_of(found_in(tmp_path, 3))
    large, small = found.gained
    assert (large.name, large.flow.difference) == ("S1", pytest.approx(40.0, abs=1e-3))
    assert (small.name, small.flow.difference) == ("S0", pytest.approx(0.5, abs=1e-4))
    assert (large.clear, small.clear) == (True, False)
    # 4.3027 vehicles / sqrt(3) either way, though all three differences are the same.
    assert (large.flow.low, large.flow.high) == pytest.approx((37.516, 42.484), abs=0.001)
    assert (small.flow.low, small.flow.high) == pytest.approx((-1.984, 2.984), abs=0.001)
    assert (found.shown, found.clear) == (1, 1)
    assert street_cells(small)[4] == "no clear difference"


@pytest.mark.parametrize("pairs", [2, 3, 5])
def test_hardly_any_city_without_a_difference_has_a_clear_street(pairs) -> None:
    # Poisson traffic of 300 streets in 20 minutes, most of them small, the same on both sides.
    hours, cities = 1.0 / 3.0, 300
    rng = np.random.default_rng(17)
    wrong = loose = 0
    for _ in range(cities):
        mean = rng.lognormal(2.5, 1.5, 300)
        apart = (rng.poisson(mean, (pairs, 300)) - rng.poisson(mean, (pairs, 300))) / hours
        wrong += discoveries(paired_t(apart, least_spread(np.full(pairs, hours)))[2], 0.05).any()
        loose += discoveries(paired_t(apart, 1e-9)[2], 0.05).any()
    assert wrong <= 0.05 * cities
    assert loose > wrong


def test_a_speed_is_compared_where_both_sides_drive(tmp_path) -> None:
    for k in range(2):
        made_run(run_folder(tmp_path, "base", k), {3: (1.0, 8.0)})
        made_run(
            run_folder(tmp_path, "whatif", k), {2: (1.0, 5.0)} | ({3: (1.0, 4.0)} if k else {})
        )
    (lost,) = streets_of(found_in(tmp_path, 2)).lost
    assert lost.speed is not None
    assert (lost.speed.replications, lost.speed.low) == (1, None)
    assert (lost.speed.base, lost.speed.whatif) == pytest.approx((28.8, 14.4))
    assert lost.flow.replications == 2


def test_one_replication_has_no_interval_and_no_clear_street(tmp_path) -> None:
    made_run(run_folder(tmp_path, "base", 0), {0: (1.0, 10.0)})
    made_run(run_folder(tmp_path, "whatif", 0), {3: (1.0, 10.0)})
    found = streets_of(found_in(tmp_path, 1))
    assert (found.compared, found.shown, found.clear) == (2, 0, 0)
    assert street_cells(found.gained[0])[3:5] == ["-", "one replication"]
    assert streets_reading(found) == (
        "2 streets with traffic: one replication cannot tell which differ."
    )


def test_streets_that_are_shown_come_first_then_by_what_they_gain(tmp_path) -> None:
    many = [(k, f"S{k}", 100.0) for k in range(15)]
    for k, wobble in enumerate((-1.0, 0.0, 1.0)):
        made_run(run_folder(tmp_path, "base", k), dict.fromkeys(range(15), (1.0, 10.0)), many)
        # Street n gains 0.05 n vehicles; the last three by chance: they vary more than they gain.
        more = {n: (1.0 + 0.05 * n + (0.6 * wobble if n > 11 else 0.0), 10.0) for n in range(15)}
        made_run(run_folder(tmp_path, "whatif", k), more, many)
    found = streets_of(found_in(tmp_path, 3))
    assert [row.name for row in found.gained] == [f"S{n}" for n in range(11, 1, -1)]
    assert len(found.gained) == SHOWN
    assert found.lost == []
    assert (found.compared, found.shown, found.clear) == (15, 11, 11)


def test_clear_streets_come_before_those_that_change_more_by_chance(tmp_path) -> None:
    many = [(k, f"S{k}", 100.0) for k in range(20)]
    for k, wobble in enumerate((-1.0, 0.0, 1.0)):
        made_run(run_folder(tmp_path, "base", k), dict.fromkeys(range(20), (5.0, 10.0)), many)
        # t = 0.6 sqrt(3) / 0.2 = 5.2: by itself p = 0.035. S1 gains less, and always the same.
        more = dict.fromkeys(range(20), (5.0, 10.0))
        more |= {0: (5.6 + 0.2 * wobble, 10.0), 1: (5.3, 10.0)}
        made_run(run_folder(tmp_path, "whatif", k), more, many)
    found = streets_of(found_in(tmp_path, 3))
    assert [(row.name, row.flow.shown, row.clear) for row in found.gained] == [
        ("S1", True, True),
        ("S0", True, False),
    ]


def test_so_many_streets_look_different_by_chance_alone(tmp_path) -> None:
    many = [(k, f"S{k}", 100.0) for k in range(100)]
    rng = np.random.default_rng(3)
    for k in range(4):
        made_run(run_folder(tmp_path, "base", k), dict.fromkeys(range(100), (5.0, 10.0)), many)
        apart = rng.normal(0.0, 0.2, 100)
        apart[7] = 2.0 + 0.01 * k
        made_run(
            run_folder(tmp_path, "whatif", k),
            {n: (5.0 + float(apart[n]), 10.0) for n in range(100)},
            many,
        )
    found = streets_of(found_in(tmp_path, 4))
    assert found.clear == 1
    assert 1 < found.shown < 12
    assert found.gained[0].name == "S7"
    assert street_cells(found.gained[0])[4] == "clear difference"
    second = (found.gained[1:] + found.lost)[0]
    assert second.flow.shown
    assert street_cells(second)[4] == ALONE
    assert streets_reading(found) == (
        f"Of 100 streets with traffic, the interval of {found.shown} excludes zero, where chance "
        "alone makes about 5 do so; 1 street differs clearly with that allowed for."
    )


def test_the_procedure_of_benjamini_and_hochberg() -> None:
    # Their example: 15 endpoints, of which four are rejected at 0.05 (section 4.1).
    p = np.array(
        [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
         0.5719, 0.6528, 0.7590, 1.0000]
    )  # fmt: skip
    assert np.flatnonzero(discoveries(p, 0.05)).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(discoveries(p[::-1], 0.05)).tolist() == [11, 12, 13, 14]
    assert not discoveries(np.array([0.06, 0.9]), 0.05).any()
    # Step-up: the second holds at 0.05, and so does the first, which 0.025 would refuse alone.
    assert discoveries(np.array([0.03, 0.04]), 0.05).all()
    assert discoveries(np.zeros(0), 0.05).tolist() == []


def test_report_terminal_and_json_say_it(tmp_path, capsys) -> None:
    for k in range(3):
        made_run(run_folder(tmp_path, "base", k), {0: (2.0, 10.0), 2: (4.0, 5.0), 3: (1.0, 9.0)})
        made_run(run_folder(tmp_path, "whatif", k), {0: (1.0, 10.0), 2: (5.0, 5.0), 3: (1.0, 9.0)})
    found = found_in(tmp_path, 3)
    (gained,) = streets_of(found).gained
    assert street_name(gained) == "primary road at 39.0000, 129.0000 (500 m)"
    assert street_cells(gained)[2:5] == ["+36.0", "+33.5 to +38.5", "clear difference"]
    page = is_self_contained(comparison_page(found, small_city()))
    show(found, tmp_path / "report.html")
    printed = " ".join(capsys.readouterr().out.split())
    for text in (page, printed):
        assert "Streets that gain and lose traffic" in text
        assert "Of 3 streets with traffic, the interval of 2 excludes zero" in text
    assert street_name(gained) in page
    stored = found.as_dict()["streets"]
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert (stored["compared"], stored["clear"]) == (3, 2)
    line = stored["gained"][0]
    assert (line["street"], line["name"], line["clear"]) == (1, None, True)
    assert line["flow"]["difference"] == pytest.approx(36.0)
    assert line["flow"]["shown"] is True


def test_nothing_is_said_without_traffic_or_of_older_runs(tmp_path) -> None:
    base, whatif = run_folder(tmp_path, "base", 0), run_folder(tmp_path, "whatif", 0)
    small_run(base)
    small_run(whatif)
    found = found_in(tmp_path, 1)
    assert found.streets is None
    assert found.as_dict()["streets"] is None
    assert streets_section(found.streets) is None
    made_run(base, {0: (1.0, 10.0)})
    assert found_in(tmp_path, 1).streets is None  # the what-if is by table
    made_run(whatif, {0: (1.0, 10.0)})
    same = streets_of(found_in(tmp_path, 1))
    assert (same.gained, same.lost) == ([], [])
    assert streets_reading(same) == "On none of 1 street with traffic does the flow differ."
    for run in (base, whatif):
        put(run, "link_names", [])
    assert street_differences([(RunReader(base), RunReader(whatif))], [(None, None)]) is None
    assert found_in(tmp_path, 1).streets is None


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_free_flow_is_that_of_the_speed_factor(tmp_path, fidelity) -> None:
    city = forked_city()
    base, whatif = (
        Scenario(
            name=name,
            city="two-zones",
            period={"start": "08:00", "end": "08:20", "warm_up_min": 0.0},
            traffic={"fidelity": fidelity, "speed_factor": factor},
            calls=QUIET,
        )
        for name, factor in (("slow", 0.5), ("fast", 1.5))
    )
    for side, each in (("base", base), ("whatif", whatif)):
        folder = run_folder(tmp_path, side, 0)
        run_scenario(each, folder, city=city)
        free = RunReader(folder).table("link_names")["free_mps"].to_numpy()
        assert free == pytest.approx(city.network.link_speed * each.traffic.speed_factor)
    rows = {row.measure: row for row in compare_runs(base, whatif, tmp_path, 1, []).traffic}
    road, lost = rows["on-road"], rows["lost"]
    # Nearly free roads: at either pace little of the time is lost, and none is won.
    assert 0.0 <= lost.base < 0.3 * road.base
    assert 0.0 <= lost.whatif < 0.3 * road.whatif


def forked_city() -> City:
    """Return a city whose trips take the Short of two ways; link k has the number 10 k."""
    links = [Link(0, 1, 1000.0), Link(1, 2, 300.0), Link(1, 3, 500.0), Link(2, 4, 300.0)]
    links += [Link(3, 4, 500.0), Link(4, 5, 200.0)]
    turns = [Turn(0, 1), Turn(0, 2), Turn(1, 3), Turn(2, 4), Turn(3, 5), Turn(4, 5)]
    network = replace(
        make_network(links, turns),
        link_id=np.arange(6) * 10,
        names=("Approach", "Short", "Long"),
        link_name=np.array([0, 1, 2, 1, 2, 0], np.int32),
    )
    return two_zone_city(network, 0, 5, 240.0)


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_a_closed_street_gives_all_its_vehicles_to_the_parallel_one(tmp_path, fidelity) -> None:
    city = forked_city()

    def scenario(name: str, *changes: dict[str, Any]) -> Scenario:
        # Nobody sets out in the last 8 minutes, so everybody arrives.
        end = {"kind": "scale-demand", "factor": 0.0, "at": "08:12"}
        return Scenario(
            name=name,
            city="two-zones",
            period={"start": "08:00", "end": "08:20", "warm_up_min": 0.0},
            traffic={"fidelity": fidelity},
            calls=QUIET,
            changes=[end, *changes],
        )

    base = scenario("open")
    whatif = scenario("closed", {"kind": "close-links", "links": [10]})
    drove = []
    for replication in range(3):
        for side, each in (("base", base), ("whatif", whatif)):
            folder = run_folder(tmp_path, side, replication)
            vehicles = run_scenario(each, folder, city=city, replication=replication)["vehicles"]
            assert vehicles["finished"] == vehicles["inserted"]
        drove.append(vehicles["inserted"])
        ways = [(1, 3), (2, 4)]
        for side, (used, unused) in (("base", ways), ("whatif", ways[::-1])):
            left = RunReader(run_folder(tmp_path, side, replication)).table(
                "links", ["link", "left"]
            )
            by_link = left.groupby("link")["left"].sum()
            assert by_link[list(used)].tolist() == [vehicles["inserted"]] * 2
            assert not by_link.reindex(unused).notna().any()
    assert min(drove) > 30
    found = streets_of(compare_runs(base, whatif, tmp_path, 3, []))
    (gained,), (lost,) = found.gained, found.lost
    assert (gained.name, lost.name) == ("Long", "Short")
    assert gained.clear
    assert lost.clear
    # A third of an hour; a vehicle's step over the end of a link counts for the link that it left.
    assert gained.flow.difference / 3 == pytest.approx(np.mean(drove), rel=3e-3)
    assert lost.flow.difference / 3 == pytest.approx(-np.mean(drove), rel=3e-3)
    assert gained.flow.base == lost.flow.whatif == 0.0
    names = RunReader(run_folder(tmp_path, "base", 0)).table("link_names")
    assert names["link_id"].tolist() == [0, 10, 20, 30, 40, 50]
    assert names["name"].tolist() == ["Approach", "Short", "Long", "Short", "Long", "Approach"]
    assert names["street"].tolist() == [0, 1, 2, 1, 2, 0]
    assert set(names["road_class"]) == {"secondary"}
    assert names["length_m"].tolist() == city.network.link_length.tolist()
