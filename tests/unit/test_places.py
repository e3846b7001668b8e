"""What `twin city places` says of a city: districts of record, streets in order, where names go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from apps.cli.city import list_known
from apps.cli.places import districts_at, named, places
from tests.support.runs import small_city, small_scenario
from twin.city.bundle import load_city, save_city
from twin.city.names import unit_like
from twin.core.errors import InputError
from twin.scenarios.changes import check


def test_a_district_of_record_stands_before_the_one_a_place_is_drawn_in(tmp_path):
    city = small_city()
    stations = city["stations"]
    assert [row["district"] for row in named(city)["stations"]] == ["west", "east"]
    city.tables["stations"] = stations.assign(district=["east", ""])
    save_city(city, tmp_path)
    found = named(load_city(tmp_path))["stations"]
    assert [(row["district"], row["drawn_district"]) for row in found] == [
        ("east", "west"),
        ("east", "east"),
    ]


def test_a_place_with_a_district_of_record_may_be_drawn_in_none():
    city = small_city()
    city.tables["hospitals"] = city["hospitals"].assign(district=["east"], lat=[37.6])
    row = named(city)["hospitals"][0]
    assert (row["district"], row["drawn_district"]) == ("east", "")
    # Without outline or zones a point has no district, which is no reason to fail.
    assert districts_at(city, [127.0], [37.6]).tolist() == [""]


def test_streets_stand_in_columns_in_order_and_names_say_where_they_go(capsys, monkeypatch):
    names = tuple(f"Street {letter}" for letter in "CABED")
    city = small_city()
    link_name = np.arange(city.network.n_links, dtype=np.int32) % len(names)
    city.network = replace(city.network, names=names, link_name=link_name)
    monkeypatch.setattr("apps.cli.places.load", lambda *_, **__: city)
    places("small")
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("5 streets with a name:")
    told = next(k for k, line in enumerate(lines) if line.startswith("In a change"))
    rows = [line.split("   ") for line in lines[start + 1 : told]]
    by_column = [row[k].strip() for k in range(len(rows[0])) for row in rows if k < len(row)]
    assert [name for name in by_column if name] == sorted(names)
    assert len(rows) < len(names)
    assert "station_id goes in `station`" in " ".join(lines)
    assert "drawn in" not in " ".join(lines)


def test_the_list_of_cities_says_which_seoul_to_quote(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    list_known()
    assert "Quote figures from seoul." in " ".join(capsys.readouterr().out.split())


def test_units_are_listed_by_id_with_kind_and_base(capsys, monkeypatch):
    city = small_city()
    units = city["units"]
    more = units.iloc[[0, 0]].assign(unit_id=["e1", "a9"], kind=["engine", "ambulance"])
    city.tables["units"] = pd.concat([units, more], ignore_index=True)
    assert named(city)["units"][2] == {"unit_id": "e1", "kind": "engine", "station_id": "s1"}
    monkeypatch.setattr("apps.cli.places.load", lambda *_, **__: city)
    places("small")
    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    assert [row for row in rows if len(row) == 3] == [
        ["s1", "ambulance", "a1, a9"],
        ["s1", "engine", "e1"],
        ["s2", "ambulance", "a2"],
    ]
    assert "unit ids in `units`" in " ".join(out.split())


@pytest.mark.parametrize(
    ("wrong", "kind", "meant"),
    [
        ("c001-A9", "", "c001-A1"),
        ("c001-e9", "", "c001-E1"),
        ("c001A1", "ambulance", "c001-A1"),
        ("c001-1", "engine", "c001-E1"),
        ("M-7", "", None),
    ],
)
def test_a_misspelt_unit_is_taken_for_one_of_its_kind(wrong, kind, meant):
    kinds = {"c001-E1": "engine", "c001-A1": "ambulance", "c002-A1": "ambulance"}
    hint = unit_like(wrong, kinds, kind)
    assert hint == (None if meant is None else f"did you mean '{meant}'?")


@pytest.mark.parametrize("kind", ["move-units", "remove-units", "off-road"])
def test_changes_of_ambulances_do_not_name_engines(kind):
    city = small_city()
    two = {"unit_id": ["c1-A1", "c1-E1"], "kind": ["ambulance", "engine"]}
    city.tables["units"] = city["units"].assign(**two)
    where = {"to": "s1"} if kind == "move-units" else {}
    scenario = small_scenario(changes=[{"kind": kind, "units": ["c1-A1", "c1-1"], **where}])
    with pytest.raises(InputError, match=r"'c1-1'; did you mean 'c1-A1'") as caught:
        check(scenario, city)
    assert caught.value.field == "changes.1.units"
