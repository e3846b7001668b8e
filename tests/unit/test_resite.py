"""From a number of ambulances to the changes of a scenario that put them where they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import DAY, plan
from tests.support.table_city import region
from twin.agents.deployment.resite import changes_to, figures, moves_to, site, sites_of
from twin.agents.roster import roster
from twin.city.model import City
from twin.core.errors import InputError
from twin.demand.call_file import read_calls
from twin.scenarios.changes import check
from twin.scenarios.spec import Scenario

LINE = [[100.0 * abs(a - b) for b in range(6)] for a in range(6)]
"""Six places on a line, 100 s apart."""


@pytest.fixture
def city(tmp_path: Any) -> City:
    """Return a city with ambulances at p0 (3), p3 and p5, and demand 6 at p1, 3 at p4, 1 at p2."""
    place = region(tmp_path, LINE, [0, 0, 0, 3, 5], [2])
    rows = "".join(
        f"{point}{k},{k},{point}\n" for point, n in {"p1": 6, "p2": 1, "p4": 3}.items()
        for k in range(n)
    )  # fmt: skip
    (tmp_path / "demand.csv").write_text("id,t,place\n" + rows)
    place.tables["history"] = read_calls(tmp_path / "demand.csv", place, DAY)
    return place


def scenario(**fields: Any) -> Scenario:
    return plan(city="region", coverage={"within_s": 150.0, "busy": 0.4}, **fields)


def after(city: City, base: Scenario, changes: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many units stand where after the changes, which must be legal."""
    whole = scenario(changes=[*base.model_dump()["changes"], *changes])
    check(whole, city)
    return dict(roster(city, whole.changes)["station_id"].value_counts())


def test_what_stands_today_covers_by_hand(city):
    sites = sites_of(city, scenario())
    assert sites.ids == ("p0", "p3", "p5")
    assert sites.today.tolist() == [3, 1, 1]
    # p0 reaches p1; p3 reaches p2 and p4; p5 reaches p4.
    found = figures(sites, sites.today)
    assert found["within_reach"] == 1.0
    assert found["twice"] == pytest.approx(0.9)
    expected = 0.6 * (1 - 0.4**3) + 0.1 * (1 - 0.4) + 0.3 * (1 - 0.4**2)
    assert found["expected"] == pytest.approx(expected)
    assert found["mean_drive_s"] == pytest.approx(100.0)
    assert figures(sites, np.zeros(3, int))["within_reach"] == 0.0


@pytest.mark.parametrize("model", ["mexclp", "mclp", "p-median", "nested"])
@pytest.mark.parametrize("n", [2, 5, 7])
@pytest.mark.parametrize("anywhere", [False, True])
def test_the_changes_put_them_there(city, model, n, anywhere):
    base = scenario()
    sites = sites_of(city, base, anywhere=anywhere)
    if model == "p-median" and n > len(sites.ids):
        with pytest.raises(InputError, match="more than") as error:
            site(sites, n, model)
        assert error.value.field == "--ambulances"
        return
    counts = site(sites, n, model).siting.counts
    assert counts.sum() == n
    stand = after(city, base, changes_to(city, base, sites, counts))
    assert stand == {sites.ids[k]: c for k, c in enumerate(counts.tolist()) if c}


def test_a_siting_is_as_good_as_today_or_better(city):
    sites = sites_of(city, scenario())
    for model, figure in (("mexclp", "expected"), ("mclp", "within_reach")):
        found = figures(sites, site(sites, 5, model).siting.counts)
        assert found[figure] >= figures(sites, sites.today)[figure] - 1e-12
    # MCLP needs p0 and p3; the three others stand where a second one helps most.
    assert site(sites, 5, "mclp").siting.counts.tolist() == [3, 2, 0]
    nested = site(sites, 3, "nested")
    assert [sites.ids[row] for row in nested.order] == ["p0", "p3", "p0"]


@pytest.mark.parametrize("method", ["exact", "heuristic"])
@pytest.mark.parametrize("model", ["mexclp", "mclp"])
def test_outside_a_district_nothing_changes(city, model, method):
    sites = sites_of(city, scenario())
    inside = np.array([False, True, True])
    # Two more, and p0 may take neither nor give any.
    found = site(sites, 7, model, inside=inside, method=method).siting.counts
    assert found[0] == 3
    assert found.sum() == 7
    kept = site(sites, 6, model, inside=inside, keep=True, method=method).siting.counts
    assert (kept >= sites.today).all()
    assert kept[0] == 3
    for n, most in ((2, None), (9, 2)):
        with pytest.raises(InputError, match=r"3 of . ambulances stay") as error:
            site(sites, n, model, most=most, inside=inside)
        assert error.value.field == "--district"
    with pytest.raises(InputError, match="all are placed anew"):
        site(sites, 5, "nested", inside=inside)


def test_as_few_move_as_may_be_and_those_who_are_near(city):
    sites = sites_of(city, scenario())
    moves = moves_to(city, scenario(), sites, np.array([2, 3, 0]))
    # One of p0 (300 s) and the one of p5 (200 s) go to p3; the second and first of p0 stay.
    assert moves == [("u2", 0, 1, 300.0), ("u4", 2, 1, 200.0)]
    assert moves_to(city, scenario(), sites, sites.today) == []
    assert changes_to(city, scenario(), sites, sites.today) == []


def test_changes_of_the_base_count(city):
    base = scenario(changes=[{"kind": "move-units", "units": ["u0"], "to": "p5"}])
    sites = sites_of(city, base)
    assert sites.today.tolist() == [2, 1, 2]
    stand = after(city, base, changes_to(city, base, sites, np.array([0, 5, 0])))
    assert stand == {"p3": 5}
    more = scenario(changes=[{"kind": "add-units", "station": "p3"}])
    with pytest.raises(InputError, match="added by the scenario"):
        sites_of(city, more)


def test_a_city_without_stations_or_demand_is_refused(city):
    bare = City(city.meta, city.network, dict(city.tables), city.service)
    bare.tables["history"] = city["history"].iloc[:0]
    with pytest.raises(InputError, match="where calls come from"):
        sites_of(bare, scenario())
    bare = City(city.meta, city.network, dict(city.tables), city.service)
    bare.tables["stations"] = city["stations"].iloc[:0]
    bare.tables["units"] = city["units"].iloc[:0]
    with pytest.raises(InputError, match="no station for ambulances"):
        sites_of(bare, scenario())


def test_no_more_than_there_is_room_for(city):
    sites = sites_of(city, scenario())
    with pytest.raises(InputError, match="7 ambulances are more than 3 stations take at 2 each"):
        site(sites, 7, "mexclp", most=2)
    assert site(sites, 6, "mexclp", most=2).siting.counts.tolist() == [2, 2, 2]


def test_many_at_one_station_are_several_changes(city):
    sites = sites_of(city, scenario())
    changes = changes_to(city, scenario(), sites, np.array([3, 1, 121]))
    assert [c["count"] for c in changes if c["kind"] == "add-units"] == [50, 50, 20]
    assert pd.Series([c["kind"] for c in changes]).unique().tolist() == ["add-units"]


def test_one_more_where_it_helps_most_and_nobody_moves(city):
    sites = sites_of(city, scenario())
    # One more at p0 adds 6 q^3 (1 - q), at p3 1 q (1 - q) + 3 q^2 (1 - q), at p5 3 q^2 (1 - q).
    for method in ("exact", "heuristic"):
        counts = site(sites, 6, "mexclp", keep=True, method=method).siting.counts
        assert counts.tolist() == [3, 2, 1]
    changes = changes_to(city, scenario(), sites, counts)
    assert changes == [{"kind": "add-units", "station": "p3", "unit": "ambulance", "count": 1}]
    assert site(sites, 7, "mclp", keep=True).siting.counts.tolist() == [4, 2, 1]
    with pytest.raises(InputError, match="5 ambulances stay"):
        site(sites, 4, "mexclp", keep=True)
    with pytest.raises(InputError, match="placed anew"):
        site(sites, 6, "nested", keep=True)
