"""What `twin city places` says of a city: districts of record, streets in order, where names go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.cli.city import list_known
from apps.cli.places import districts_at, named, places
from tests.support.runs import small_city
from twin.city.bundle import load_city, save_city


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
