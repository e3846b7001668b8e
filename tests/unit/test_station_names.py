"""No two stations are called alike where they are listed, in either language."""

from __future__ import annotations

import pandas as pd

from apps.report.changes import change_sentences
from apps.report.map import Drawing
from apps.stations import station_labels, station_names
from apps.web.changes import change_list
from apps.web.scene import places
from tests.support.emergency import plan, town
from twin.city.model import City

CENTRES = ["숭인119안전센터 (Jongno Fire Station)", "신영119안전센터 (Jongno Fire Station)",
           "회현119안전센터 (Jungbu Fire Station)", "Station 17"]  # fmt: skip
NEW = {"kind": "add-station", "station_id": "n1", "lon": 127.0, "lat": 37.5,
       "name": "station 17"}  # fmt: skip


def centres() -> City:
    city = town(rows=6)
    first = city["stations"].iloc[:1]
    city.tables["stations"] = pd.concat(
        [first.assign(station_id=f"c{k}", name=name) for k, name in enumerate(CENTRES, start=1)],
        ignore_index=True,
    )
    return city


def test_the_id_stands_behind_names_that_are_not_unique() -> None:
    scenario = plan(changes=[NEW])
    names = station_names(centres(), scenario.changes)
    assert {key: name["en"] for key, name in names.items()} == {
        "c1": "119 Safety Center c1 of Jongno Fire Station",
        "c2": "119 Safety Center c2 of Jongno Fire Station",
        "c3": "119 Safety Center c3 of Jungbu Fire Station",
        "c4": "Station 17, c4",
        "n1": "station 17, n1",
    }
    assert names["c1"]["ko"] == "숭인119안전센터"
    assert names["n1"]["ko"] == "station 17, n1"
    labels = station_labels(centres(), (), "en")
    assert labels["c2"] == "119 Safety Center c2 of Jongno Fire Station"
    assert labels["c4"] == "Station 17 (c4)"
    assert station_labels(centres(), (), "ko")["c2"] == "신영119안전센터 (c2)"


def test_page_and_maps_tell_stations_apart() -> None:
    city = centres()
    x, y = city.network.node_lon.mean(), city.network.node_lat.mean()
    more = {"kind": "add-units", "station": "c2"}
    scenario = plan(changes=[NEW | {"lon": float(x), "lat": float(y)}, more])
    shown = places(city, scenario)["stations"]
    assert len({each["name"]["en"] for each in shown}) == len(shown) == 5
    (_, mark) = change_list(scenario, city)
    assert "119 Safety Center c2 of Jongno Fire Station" in mark["words"]["en"]
    assert "신영119안전센터" in mark["words"]["ko"]
    said = change_sentences(scenario, city)
    assert "based at 119 Safety Center c2 of Jongno Fire Station, " in said[1]
    drawing = Drawing(city)
    drawing.places()
    drawing.changed(scenario.changes)
    svg = str(drawing.svg("map"))
    assert "119 Safety Center c2 of Jongno Fire Station" in svg
