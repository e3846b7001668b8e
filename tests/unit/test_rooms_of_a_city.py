"""Beds, walk-ins and days of duty that a city's own tables bring."""

from __future__ import annotations

import pytest

from apps.cli.city_tables import read_city_table
from tests.support.cities import grid_city
from tests.support.emergency import FixedModel, plan, town
from tests.support.table_city import META, region
from twin.city.bundle import empty_table, load_city, save_city
from twin.city.travel_table import read_table_city
from twin.core.errors import InputError

NETWORK = grid_city(3, 3).network


def rows(tmp_path, table: str, header: str, cells: str):
    lon, lat = float(NETWORK.node_lon[4]), float(NETWORK.node_lat[4])
    file = tmp_path / f"{table}.csv"
    file.write_text(f"{header}\n{cells.format(lon=lon, lat=lat)}\n", encoding="utf-8")
    return read_city_table(table, file, NETWORK)


def test_beds_are_read_and_kept(tmp_path) -> None:
    header = "hospital_id,lon,lat,beds,walk_ins_per_day"
    found = rows(tmp_path, "hospitals", header, "H,{lon},{lat},12,60.5")
    assert (found["beds"].tolist(), found["walk_ins_per_day"].tolist()) == ([12], [60.5])
    plain = rows(tmp_path, "hospitals", "hospital_id,lon,lat", "H,{lon},{lat}")
    assert "beds" not in plain
    city = town()
    city.tables["hospitals"] = city["hospitals"].assign(beds=[7, 0], walk_ins_per_day=[10.0, 0.0])
    city.tables["history"] = empty_table("history")
    save_city(city, tmp_path / "city")
    again = load_city(tmp_path / "city")
    assert again["hospitals"]["beds"].tolist() == [7, 0]
    model = FixedModel(again, plan())
    rooms = [h.room for h in model.hospitals.values()]
    assert rooms[0] is not None
    assert rooms[0].capacity == 7
    assert rooms[1] is None


@pytest.mark.parametrize("beds", ["-1", "2.5", "many", "1e9", "nan"])
def test_rubbish_beds_are_refused_with_their_row(tmp_path, beds) -> None:
    with pytest.raises(InputError, match=r"row 2.*beds"):
        rows(tmp_path, "hospitals", "hospital_id,lon,lat,beds", "H,{lon},{lat}," + beds)


@pytest.mark.parametrize("days", ["8", "Mo", "1-5"])
def test_rubbish_days_are_refused_with_their_row(tmp_path, days) -> None:
    header = "unit_id,station_id,days"
    with pytest.raises(InputError, match=r"row 2.*days.*no days of the week"):
        rows(tmp_path, "units", header, f"A,S,{days}")
    assert rows(tmp_path, "units", header, "A,S,67")["days"].tolist() == ["67"]


def test_a_city_of_travel_times_has_them_too(tmp_path) -> None:
    region(tmp_path, [[0.0]], [0], [0])
    files = {name: tmp_path / f"{name}.csv" for name in ("times", "places", "units", "hospitals")}
    files["hospitals"].write_text(
        "id,place,beds,walk_ins_per_day,capabilities\nh,p0,3,20,emergency pci\n"
    )
    files["units"].write_text("id,base,on,off,days\nu,p0,08:00,20:00,67\n")
    city = read_table_city(META, **files)
    hospital = city["hospitals"].iloc[0]
    assert (hospital["beds"], hospital["walk_ins_per_day"]) == (3, 20.0)
    assert hospital["capabilities"] == "emergency pci"
    assert city["units"]["days"].tolist() == ["67"]
    for name, text, said in (
        ("hospitals", "id,place,beds\nh,p0,2.5\n", "beds"),
        ("hospitals", "id,place,beds\nh,p0,-1\n", "beds"),
        ("units", "id,base,on,off,days\nu,p0,08:00,20:00,0\n", "days"),
    ):
        kept = files[name].read_text()
        files[name].write_text(text)
        with pytest.raises(InputError, match=said):
            read_table_city(META, **files)
        files[name].write_text(kept)
