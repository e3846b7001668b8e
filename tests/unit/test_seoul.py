"""The built-in city: the same every time, whole, and true to the facts it is drawn from."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from apps.cli.places import named
from tests.support.gmns import back, check_same
from twin.city.bundle import load_city, save_city
from twin.city.model import TABLES, City
from twin.city.seoul import build_seoul
from twin.city.seoul.build import CORE, Drawing, draw_city, finish_city, vehicle_km
from twin.city.seoul.emergency import hourly
from twin.city.seoul.facts import fact_table, targets
from twin.city.seoul.geography import draw_land
from twin.city.seoul.notes import describe
from twin.city.seoul.roads import road_lengths
from twin.city.seoul.skims import grow, load, marked, sums, unique_edges
from twin.network.graph import RoadClass


@pytest.fixture(scope="session")
def drawing() -> Drawing:
    return draw_city()


@pytest.fixture(scope="session")
def core(drawing: Drawing) -> City:
    return finish_city(drawing, core=True)


@pytest.fixture(scope="session")
def whole(drawing: Drawing) -> City:
    return finish_city(drawing, core=False)


def digest(city: City) -> str:
    found = hashlib.sha256()
    for field in fields(city.network):
        value = getattr(city.network, field.name)
        found.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    for name in sorted(city.tables):
        found.update(city[name].to_csv(index=False).encode())
    found.update(city.meta.model_dump_json().encode())
    found.update(city.service[""].model_dump_json().encode())
    return found.hexdigest()


def test_the_core_has_the_same_bits_every_time(core: City) -> None:
    assert digest(build_seoul(core=True)) == digest(core)


def test_the_core_comes_back_from_gmns_tables(core: City, tmp_path) -> None:
    check_same(core.network, back(core.network, tmp_path))


@pytest.mark.parametrize("which", ["core", "whole"])
def test_every_table_has_its_columns_and_only_known_links(
    which: str, request: pytest.FixtureRequest
) -> None:
    city: City = request.getfixturevalue(which)
    for name, columns in TABLES.items():
        assert set(columns) <= set(city[name].columns), name
        if "link" in columns:
            assert city[name]["link"].between(0, city.network.n_links - 1).all(), name


def test_sizes(core: City, whole: City) -> None:
    assert whole.network.n_nodes >= 15_000
    assert 2_000 <= core.network.n_nodes <= 4_000
    assert whole.network.n_signals > 2_500
    zones = whole["zones"]
    assert (zones["population"] > 0).sum() == targets()["dongs"]
    assert zones["population"].sum() == pytest.approx(targets()["population"], rel=1e-9)
    assert set(core["districts"]["district"]) == set(CORE)


def test_every_place_can_be_reached_from_every_other(core: City) -> None:
    network = core.network
    turns = csr_array(
        (np.ones(network.n_turns), (network.turn_from, network.turn_to)),
        shape=(network.n_links, network.n_links),
    )
    count, _ = connected_components(turns, directed=True, connection="strong")
    assert count == 1


def test_streets_cross_the_river_on_bridges_only(drawing: Drawing) -> None:
    roads, land = drawing.roads, drawing.land
    ends = np.array([[roads.x[a], roads.y[a], roads.x[b], roads.y[b]] for a, b in links(drawing)])
    crossing = shapely.intersects(shapely.linestrings(ends.reshape(-1, 2, 2)), land.river)
    named = np.array(roads.name) >= 0
    assert crossing.any()
    assert (named | ~crossing).all()
    names = {roads.names[roads.name[k]] for k in np.flatnonzero(crossing)}
    assert all("대교" in name or "Bridge" in name for name in names), names
    assert any("마포대교 (Mapo Bridge)" in name for name in names)


def links(drawing: Drawing) -> list[tuple[int, int]]:
    return list(zip(drawing.roads.start, drawing.roads.stop, strict=True))


def test_no_street_stands_on_a_mountain_or_in_the_water(drawing: Drawing) -> None:
    roads, land = drawing.roads, drawing.land
    plain = [k for k, name in enumerate(roads.name) if name < 0 and not roads.ramp[k]]
    nodes = np.unique([roads.start[k] for k in plain])
    points = shapely.points(np.array(roads.x)[nodes], np.array(roads.y)[nodes])
    hills = shapely.union_all(land.obstacles).buffer(-80.0)
    assert not shapely.contains(hills, points).any()
    assert not shapely.contains(land.water, points).any()


def test_districts_have_their_official_areas_and_their_side_of_the_river() -> None:
    land, table = draw_land(), fact_table("gu")
    area = np.array([shape.area for shape in land.gu]) / 1e6
    assert area == pytest.approx(table["area_km2"].to_numpy(), rel=0.06)
    assert area.sum() == pytest.approx(targets()["area_km2"], rel=0.01)
    for one in range(len(land.gu)):
        for two in range(one):
            assert land.gu[one].intersection(land.gu[two]).area < 1.0


def test_names_hold_both_languages(whole: City) -> None:
    names = whole.network.names
    for text in ("마포대교", "Mapo Bridge", "올림픽대로", "Olympic-daero", "남산1호터널"):
        assert any(text in name for name in names), text
    used = {names[k] for k in whole.network.link_name[whole.network.link_name >= 0]}
    bridges = fact_table("bridges")
    for row in bridges[~bridges["mode"].str.startswith("rail")].itertuples():
        assert any(str(row.ko) in name for name in used), row.ko


def test_units_stations_and_hospitals_of_the_facts(whole: City) -> None:
    kinds = whole["units"]["kind"].value_counts()
    assert kinds["ambulance"] == 152
    assert kinds["engine"] == 112 + 25
    assert len(whole["stations"]) == 112
    assert len(whole["hospitals"]) == len(fact_table("emergency_centres"))
    links = np.concatenate([whole["stations"]["link"], whole["hospitals"]["link"]])
    assert (whole.network.link_name[links] < 0).all()
    assert (whole.network.link_class[links] >= RoadClass.PRIMARY).all()


@pytest.mark.parametrize("which", ["core", "whole"])
def test_a_place_names_its_true_district_in_both_cities(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    save_city(request.getfixturevalue(which), tmp_path)
    found = named(load_city(tmp_path))
    place = {row["name"]: row for row in found["stations"] + found["hospitals"]}
    true = {
        "공덕119안전센터 (Mapo Fire Station)": "Mapo-gu",
        "숭인119안전센터 (Jongno Fire Station)": "Jongno-gu",
        "강북삼성병원 (Kangbuk Samsung)": "Jongno-gu",
    }
    if which == "whole":
        true |= {
            "이대목동병원 (Ewha Mokdong)": "Yangcheon-gu",
            "경희대병원 (Kyung Hee Univ.)": "Dongdaemun-gu",
        }
    assert {name: place[name]["district"] for name in true} == true
    # The borders are only drawn: which outline a place lies in is told beside.
    assert place["강북삼성병원 (Kangbuk Samsung)"]["drawn_district"] == "Seodaemun-gu"
    assert {row["district"] for row in place.values()} <= set(fact_table("gu")["en"])


def test_every_fire_station_and_hospital_is_of_a_district() -> None:
    known = set(fact_table("gu")["en"])
    stations = fact_table("fire_stations")["gu"]
    assert set(stations) == known
    assert stations.is_unique
    assert set(fact_table("emergency_centres")["gu"]) <= known


def test_demand_keeps_to_the_published_totals(whole: City, drawing: Drawing) -> None:
    od = whole["od"]["trips_per_day"].to_numpy(float)
    assert od.sum() == pytest.approx(6.0e6, rel=0.01)
    assert len(od) <= 100_000
    n_zones, trips = drawing.demand.n_zones, drawing.demand.od
    km = sums(drawing.mesh.trees, drawing.mesh.graph.metres)[:, drawing.mesh.ends] / 1_000.0
    inner = trips[:n_zones, :n_zones]
    mean = (inner * km[:n_zones, :n_zones]).sum() / inner.sum()
    assert mean == pytest.approx(targets()["trip_km"], rel=0.1)
    profile = whole["trip_profile"]
    assert profile["weekday"].sum() == pytest.approx(1.0)
    ratio = targets()["weekend_count"] / targets()["weekday_count"]
    assert profile["weekend"].sum() == pytest.approx(ratio)


def test_every_end_of_a_trip_has_links(core: City) -> None:
    ends = set(core["od"]["origin"]) | set(core["od"]["destination"])
    assert ends <= set(core["zones"]["zone_id"])
    assert ends <= set(core["zone_links"]["zone_id"])


def test_calls_a_day(whole: City) -> None:
    fact = targets()
    per_day = whole["call_rates"].groupby("kind")["per_day"].sum()
    assert per_day["fire"] == pytest.approx(fact["fires_year"] / 365.0)
    collisions = fact["accidents_year"] / 365.0
    assert per_day["medical"] + collisions == pytest.approx(fact["ems_year"] / 365.0)
    for _, rows in whole["call_profile"].groupby("kind"):
        assert rows["share"].sum() == pytest.approx(1.0)
        assert rows["share"].min() > 0.0


def test_expected_collisions_are_the_published_ones(whole: City, drawing: Drawing) -> None:
    km = vehicle_km(drawing)
    weekday = whole["trip_profile"]["weekday"].to_numpy()
    rates = whole["collision_rates"]
    exposure = km[rates["road_class"]] * weekday[rates["hour"]] / 1e6
    expected = (rates["per_mvkm"] * exposure).groupby(rates["hour"]).sum()
    assert expected.sum() == pytest.approx(92.6, rel=0.001)
    assert expected[[18, 19]].sum() / expected.sum() == pytest.approx(0.113, rel=0.001)
    assert expected[[4, 5]].sum() / expected.sum() == pytest.approx(0.044, rel=0.001)


def test_it_says_that_it_is_synthesised(core: City) -> None:
    assert core.meta.synthesised
    assert "not a map" in core.meta.notice["en"]
    assert "합성" in core.meta.notice["ko"]
    assert "Quote figures from seoul." in core.meta.notice["en"]
    assert "seoul에서" in core.meta.notice["ko"]
    assert "Quote" not in describe(core=False).notice["en"]
    assert len(core.meta.assumptions) > 10
    assert core.meta.timezone == "Asia/Seoul"


def test_every_fact_names_a_known_source_and_its_confidence() -> None:
    known = set(fact_table("sources")["key"])
    for name in (
        *("gu", "bridges", "expressways", "tunnels", "obstacles", "targets"),
        *("safety_centres", "fire_stations", "emergency_centres"),
    ):
        table = fact_table(name)
        assert set(table["source"]) <= known, name
        assert table["confidence"].notna().all(), name


def test_hourly_shares_keep_the_known_bins() -> None:
    shares = hourly({8: 0.106, 4: 0.045})
    assert shares.sum() == pytest.approx(1.0)
    assert shares[8] + shares[9] == pytest.approx(0.106)
    assert shares[4] + shares[5] == pytest.approx(0.045)
    assert shares.min() > 0.0


def test_trees_on_a_graph_whose_answer_is_known() -> None:
    start = np.array([0, 1, 0, 2, 1])
    stop = np.array([1, 2, 2, 3, 0])
    seconds = np.array([1.0, 1.0, 5.0, 2.0, 1.0])
    graph, kept = unique_edges(4, start, stop, seconds, 10.0 * seconds)
    trees = grow(graph, np.array([0]))
    assert trees.seconds[0].tolist() == [0.0, 1.0, 2.0, 4.0]
    assert sums(trees, graph.metres)[0].tolist() == [0.0, 10.0, 20.0, 40.0]
    demand = np.array([[0.0, 1.0, 2.0, 4.0]])
    flow = dict(zip(kept.tolist(), load(trees, demand, len(kept)).tolist(), strict=True))
    assert flow == {0: 7.0, 1: 6.0, 2: 0.0, 3: 4.0, 4: 0.0}
    mark = np.where(np.isin(kept, [0, 3]), kept, -1)
    assert marked(trees, mark, first=True)[0].tolist() == [-1, 0, 0, 0]
    assert marked(trees, mark, first=False)[0].tolist() == [-1, 0, 0, 3]


def test_lengths_follow_the_shapes(drawing: Drawing) -> None:
    roads, length = drawing.roads, road_lengths(drawing.roads)
    k = next(k for k, shape in enumerate(roads.shape) if shape is not None and len(shape) > 5)
    assert length[k] == pytest.approx(shapely.LineString(roads.shape[k]).length)
