"""Recipes: files that are missing or rubbish, rules on small inputs, and the cities they make."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from calibration.recipes import RECIPES
from calibration.recipes.exposure import vehicle_km
from calibration.recipes.readers import read_polygons, read_table
from calibration.recipes.san_francisco.demand import LOADED
from calibration.recipes.san_francisco.roads import classes, option_lanes
from calibration.recipes.streets import link_towards, zone_streets
from twin.city.bundle import load_city, save_city
from twin.city.library import BY_RECIPE
from twin.city.model import City
from twin.core.errors import InputError, NotFoundError
from twin.core.units import MPH
from twin.demand.recorded import MAX_SNAP_M, doors
from twin.network.generate import grid
from twin.network.geometry import Projection
from twin.network.graph import RoadClass


def test_every_recipe_names_where_its_files_come_from() -> None:
    assert set(RECIPES) == set(BY_RECIPE)
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert all(file.what and file.source and file.licence for file in recipe.files)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_missing_file_is_named_with_its_public_source(name: str, tmp_path: Path) -> None:
    first = RECIPES[name].files[0]
    with pytest.raises(NotFoundError) as caught:
        RECIPES[name].build(tmp_path)
    assert caught.value.file == str(tmp_path / first.path)
    assert first.source in str(caught.value)


def test_tables_name_the_row_and_column_of_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    text = "zone,jobs\n1,20\n2,many\n"
    path.write_bytes(gzip.compress(text.encode()))
    assert read_table(path, {"zone": "int64"})["zone"].tolist() == [1, 2]
    with pytest.raises(InputError, match="'many' is no number") as caught:
        read_table(path, {"zone": "int64", "jobs": "float64"})
    assert (caught.value.row, caught.value.field) == (3, "jobs")
    with pytest.raises(InputError, match="column is missing"):
        read_table(path, {"people": "float64"})
    path.write_bytes(gzip.compress(text.encode())[:-12])
    with pytest.raises(InputError, match="cut short"):
        read_table(path, {"zone": "int64"})
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(InputError, match="not a CSV table"):
        read_table(path, {"zone": "int64"})


@pytest.mark.parametrize(
    "text",
    [
        '{"features": [{"properties": {}, "geometry": null}]}',
        '{"features": [{"properties": {"id": 1}, "geometry": {"type": "Blob"}}]}',
        '{"features": ',
        "[]",
    ],
)
def test_polygons_refuse_rubbish(text: str, tmp_path: Path) -> None:
    path = tmp_path / "zones.geojson.gz"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(InputError):
        read_polygons(path, "id")


def test_road_classes_follow_speed_then_lanes() -> None:
    mph = np.array([65.0, 50.0, 45.0, 35.0, 25.0, 25.0, 20.0, 15.0])
    lanes = np.array([4, 2, 2, 1, 3, 2, 1, 1], np.uint8)
    kind, ramp = classes(mph * MPH, lanes)
    assert [RoadClass(k).name for k in kind] == [
        *("MOTORWAY", "MOTORWAY", "TRUNK", "PRIMARY", "PRIMARY", "SECONDARY"),
        *("TERTIARY", "RESIDENTIAL"),
    ]
    assert ramp.tolist() == [False, True] + [False] * 6


def test_forks_get_a_lane_more_on_either_side_and_nothing_else_changes() -> None:
    network = grid(3, 3, 300.0, 3, 13.9)
    assert (option_lanes(network).turn_lane_lo == network.turn_lane_lo).all()
    freeway = replace(network, link_class=np.zeros(network.n_links, np.uint8))
    wide = option_lanes(freeway)
    assert (wide.turn_lane_lo == np.maximum(network.turn_lane_lo.astype(int) - 1, 0)).all()
    assert (wide.turn_lane_hi == np.minimum(network.turn_lane_hi.astype(int) + 1, 2)).all()


def test_zone_streets_are_near_and_weighed_by_length() -> None:
    network = grid(4, 4, 200.0, 1, 13.9)
    projection = Projection(network.lon0, network.lat0)

    def square(x: float, y: float, half: float) -> shapely.Geometry:
        corners = np.array([(x - half, y - half), (x + half, y - half), (x + half, y + half)])
        return shapely.Polygon(np.stack(projection.inverse(*corners.T), axis=-1))

    x, y = float(network.node_x.mean()), float(network.node_y.mean())
    table = zone_streets({1: square(x, y, 250.0), 2: square(x + 9_000.0, y, 10.0)}, network)
    assert table.groupby("zone_id")["weight"].sum().to_numpy() == pytest.approx(1.0)
    assert len(table[table["zone_id"] == 2]) == 4
    near = table.loc[table["zone_id"] == 1, "link"].to_numpy()
    middle = (network.node_x[network.link_from[near]] + network.node_x[network.link_to[near]]) / 2
    assert np.abs(middle - x).max() <= 350.0


def test_gates_lead_in_their_direction() -> None:
    network = grid(3, 3, 300.0, 2, 13.9)
    corner = int(np.lexsort((network.node_y, network.node_x))[0])
    lon, lat = network.node_lon[corner], network.node_lat[corner]
    east = link_towards(network, lon, lat, 90.0, name="east")
    assert network.node_x[network.link_to[east]] > network.node_x[network.link_from[east]] + 100.0
    with pytest.raises(InputError, match="no road leads through the gate 'sea'"):
        link_towards(network, lon + 1.0, lat, 90.0, name="sea")


def test_vehicle_km_of_one_flow_is_its_trips_times_the_way() -> None:
    network = grid(3, 3, 300.0, 1, 13.9)
    start, end = 0, network.n_links - 1
    links = pd.DataFrame({"zone_id": [1, 2], "link": [start, end], "weight": [1.0, 1.0]})
    od = pd.DataFrame({"origin": [1], "destination": [2], "trips_per_day": [50.0]})
    a, b = network.link_to[start], network.link_from[end]
    away = abs(network.node_x[a] - network.node_x[b]) + abs(network.node_y[a] - network.node_y[b])
    assert vehicle_km(network, od, links).sum() == pytest.approx(50.0 * away / 1000.0, rel=1e-3)


@pytest.fixture(scope="module")
def san_francisco(twin_data: Path) -> City:
    return RECIPES["san-francisco"].build(twin_data)


@pytest.mark.data
def test_san_francisco_is_whole(san_francisco: City, tmp_path: Path) -> None:
    city = san_francisco
    assert len(city["stations"]) == 45
    assert len(city["hospitals"]) == 10
    assert not city["hospitals"]["name"].str.contains("Laguna|west$|east$", case=False).any()
    assert (city["zones"]["zone_id"] < 10_000).sum() == 981
    assert len(city["districts"]) == 12
    kinds = city["units"]["kind"].value_counts()
    assert 35 <= kinds["ambulance"] <= 60
    assert kinds["engine"] == 44
    assert set(city["units"]["station_id"]) <= set(city["stations"]["station_id"])
    assert city["trip_profile"]["weekday"].sum() == pytest.approx(1.0)
    assert 0.9e6 < city["od"]["trips_per_day"].sum() < 1.3e6
    assert set(city["od"]["origin"]) <= set(city["zone_links"]["zone_id"])
    save_city(city, tmp_path / "sf")
    again = load_city(tmp_path / "sf")
    assert again.service == city.service
    assert again["history"]["t_first_onscene"].notna().sum() > 2000


@pytest.mark.data
def test_every_medical_call_of_the_replayed_day_has_a_street(san_francisco: City) -> None:
    history = san_francisco["history"]
    local = history["t_call"].dt.tz_convert("America/Los_Angeles").dt.strftime("%Y-%m-%d")
    medical = history[(local == "2017-01-04") & (history["kind"] == "medical")]
    assert len(medical) == 332
    _, _, away = doors(san_francisco.network).nearest_many(medical["lon"], medical["lat"])
    assert away.max() < MAX_SNAP_M
    assert np.median(away) < 30.0
    assert medical["district"].isin(san_francisco["districts"]["district"]).all()


@pytest.mark.data
def test_bay_bridge_carries_what_its_detectors_count(san_francisco: City) -> None:
    zones = san_francisco["zones"].set_index("name")["zone_id"]
    od = san_francisco["od"]
    daily = od.loc[od["origin"] == zones["Bay Bridge in"], "trips_per_day"].sum()
    daily += od.loc[od["destination"] == zones["Bay Bridge out"], "trips_per_day"].sum()
    assert daily / 2.0 == pytest.approx(LOADED * 130_572.0, rel=0.01)


@pytest.mark.data
def test_rates_keep_the_recorded_totals(san_francisco: City) -> None:
    history, rates = san_francisco["history"], san_francisco["call_rates"]
    for kind in ("medical", "fire"):
        assert rates.loc[rates["kind"] == kind, "per_day"].sum() == pytest.approx(
            (history["kind"] == kind).sum() / 8.0
        )


@pytest.mark.data
def test_downtown_seoul_is_whole(twin_data: Path, tmp_path: Path) -> None:
    city = RECIPES["seoul-downtown"].build(twin_data)
    assert city.network.n_links > 6_000
    assert city.network.n_signals > 100
    assert len(city["hospitals"]) >= 2
    assert len(city["stations"]) >= 5
    assert {"Jongno-gu", "Jung-gu"} <= set(city["districts"]["district"])
    assert set(city["od"]["origin"]) <= set(city["zone_links"]["zone_id"])
    assert 4e5 < city["od"]["trips_per_day"].sum() < 2e6
    save_city(city, tmp_path / "downtown")
