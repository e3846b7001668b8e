"""How near queues come to lanes: known travel times, what cannot be compared, whose settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration import fidelity
from calibration.fidelity import FidelityReport, compare_fidelities, compare_on_trips
from tests.support.cities import two_zone_city
from tests.support.roads import CALM, make_trips, road
from twin.core.errors import InputError
from twin.demand.trips import Trips
from twin.scenarios.spec import Scenario
from twin.traffic.meso import MesoTraffic, Parameters
from twin.traffic.micro import MicroTraffic
from twin.traffic.types import Fleet, kinds_of, shares_of

ROAD = road([400.0, 600.0, 500.0, 300.0], speed=20.0)
ROAD.link_id.setflags(write=True)
ROAD.link_id[:] = [70, 71, 72, 73]
ROAD.link_id.setflags(write=False)
EXACT = Parameters(pace=1.0, restart_s_per_mps=0.0)


def evenly(count: int) -> Trips:
    """Return trips along the road, one every ten seconds: nobody holds another up."""
    return make_trips([10.0 * k for k in range(count)], [[0, 1, 2, 3]] * count, [290.0] * count)


def compared(parts: list[Trips], until_s: float = 600.0) -> FidelityReport:
    micro = MicroTraffic(ROAD, seed=np.uint64(1), kinds=CALM)
    meso = MesoTraffic(ROAD, kinds=CALM, parameters=EXACT)
    return compare_on_trips(micro, meso, parts, 0.0, until_s)


def test_free_links_take_their_length_over_the_speed_in_both(tmp_path) -> None:
    report = compared([evenly(30)])
    # Entering vehicles still gain speed on the first link; the others are driven at 20 m/s.
    assert report.link.tolist()[1:3] == [1, 2]
    assert report.micro_s[1:3].tolist() == pytest.approx([30.0, 25.0], rel=0.01)
    assert report.meso_s[1:3].tolist() == pytest.approx([30.0, 25.0], rel=0.01)
    assert report.micro_left[:3].tolist() == report.meso_left[:3].tolist() == [30, 30, 30]
    assert report.micro_vph[:3].tolist() == pytest.approx([180.0] * 3)
    assert report.finished == (30, 30)
    assert report.trips[1] == pytest.approx(1790.0 / 20.0, abs=5.0)
    report.write_links(tmp_path / "links.csv")
    header, *rows = (tmp_path / "links.csv").read_text().splitlines()
    assert header == "link,vehicles_micro,vehicles_meso,seconds_micro,seconds_meso,ratio"
    table = {row.split(",")[0]: [float(value) for value in row.split(",")[1:]] for row in rows}
    assert len(rows) == len(report.link)
    assert table["71"] == pytest.approx([30, 30, 30.0, 30.0, 1.0], rel=0.01)
    assert table["72"] == pytest.approx([30, 30, 25.0, 25.0, 1.0], rel=0.01)


def by_hand(micro_s: list[float], meso_s: list[float]) -> FidelityReport:
    n = len(micro_s)
    left = np.array([100, 300][:n])
    return FidelityReport(
        link=np.arange(n),
        link_id=np.arange(n) + 7,
        micro_s=np.array(micro_s),
        meso_s=np.array(meso_s),
        micro_left=left,
        meso_left=left,
        hours=0.5,
        length_m=np.full(n, 500.0),
        trips=(100.0, 90.0),
        finished=(5, 6),
        cpu_s=(8.0, 2.0),
    )


def test_the_figures_of_two_links(tmp_path) -> None:
    report = by_hand([30.0, 20.0], [33.0, 10.0])
    assert report.micro_vph.tolist() == [200.0, 600.0]
    assert report.bias == pytest.approx((100 * 33 + 300 * 10) / (100 * 30 + 300 * 20) - 1)
    assert report.close_share == pytest.approx(0.25)
    assert report.correlation == pytest.approx(1.0)
    assert by_hand([30.0, 20.0], [10.0, 33.0]).correlation == pytest.approx(-1.0)
    assert report.geh.tolist() == [0.0, 0.0]
    assert report.lines() == [
        "links compared: 2 (with 20 vehicles or more in both)",
        (
            "travel time, meso over micro: -30.0% in all; correlation 1.000; "
            "25% of the flow within 15%"
        ),
        "flows: 100% of links have a GEH below 5; median 0.00",
        "mean trip: micro 100 s, meso 90 s; finished: micro 5, meso 6",
        "CPU time: micro 8.0 s, meso 2.0 s (4 times less)",
    ]
    report.write_links(tmp_path / "links.csv")
    assert (tmp_path / "links.csv").read_text().splitlines()[1:] == [
        "8,300,300,20.00,10.00,0.500",
        "7,100,100,30.00,33.00,1.100",
    ]
    with pytest.raises(InputError, match="cannot be written"):
        report.write_links(tmp_path)


@pytest.mark.parametrize("times", [[30.0], [20.0, 20.0], [0.1, 0.1]])
def test_links_that_are_alike_have_no_correlation(times) -> None:
    report = by_hand(times, times)
    assert report.correlation is None
    assert "no correlation, all links are alike" in report.lines()[1]


def test_too_few_vehicles_are_said_in_a_sentence(tmp_path) -> None:
    report = compared([evenly(19)])
    assert len(report.link) == 0
    first, *rest = report.lines()
    assert first.startswith("no link was left by 20 vehicles or more in both")
    assert rest[0].startswith("mean trip: micro ")
    report.write_links(tmp_path / "links.csv")
    assert len((tmp_path / "links.csv").read_text().splitlines()) == 1


def test_trips_that_do_not_end_are_said_in_a_sentence() -> None:
    report = replace(compared([evenly(1)], until_s=5.0), cpu_s=(0.0, 0.0))
    assert report.lines()[1:] == [
        "no trip ended in both; finished: micro 0, meso 0",
        "CPU time: micro 0.0 s, meso 0.0 s",
    ]
    assert not any("nan" in line for line in report.lines())


@pytest.mark.parametrize("parts", [[], [Trips.empty()]])
def test_nothing_is_compared_without_trips(parts) -> None:
    with pytest.raises(InputError, match="there are no trips"):
        compared(parts)


def test_the_scenario_has_the_say_over_vehicles(monkeypatch) -> None:
    city = two_zone_city(ROAD, 0, 3, 360.0)
    slow = {"top_kmh": 36.0}
    scenario = Scenario(
        name="t",
        city="two-zones",
        period={"start": "08:00", "end": "08:20", "warm_up_min": 5.0},
        traffic={
            "types": {"car": slow, "taxi": slow, "truck": {"share": 0.2, "length_m": 15.0, **slow}},
            "car_following": "krauss",
            "imperfection": 0.5,
        },
    )
    given = []

    def compare(micro, meso, *rest):
        given.extend((micro, meso))
        return compare_on_trips(micro, meso, *rest)

    monkeypatch.setattr(fidelity, "compare_on_trips", compare)
    report = compare_fidelities(city, scenario, parameters=EXACT)
    fleet = Fleet(kinds_of(scenario.traffic))
    for traffic in given:
        assert np.array_equal(traffic.fleet.table, fleet.table)
    assert not np.array_equal(fleet.table, Fleet().table)
    # 600 m and 500 m at 10 m/s, not at 20.
    assert report.link.tolist()[1:3] == [1, 2]
    assert report.meso_s[1:3].tolist() == pytest.approx([60.0, 50.0], rel=0.1)
    assert report.micro_s[1:3].tolist() == pytest.approx([60.0, 50.0], rel=0.2)
    # Long vehicles leave a queue less room.
    share = fleet.space_share(shares_of(scenario.traffic).items())
    assert share > 1.2
    same = MesoTraffic(ROAD, space_share=share, parameters=EXACT)
    usual = MesoTraffic(ROAD, parameters=EXACT)
    room, expected, without = (t._state.lane["room"] for t in (given[1], same, usual))
    assert np.array_equal(room, expected)
    assert not np.array_equal(room, without)
