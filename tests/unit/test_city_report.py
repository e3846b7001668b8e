"""The quality report finds what is wrong, and the picture is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from twin.city.model import City, Meta
from twin.city.picture import SYNTHESISED
from twin.city.report import QualityRow, picture, quality
from twin.network.build import BuildReport, build_network, raw_roads
from twin.network.generate import grid
from twin.network.graph import RoadClass


def values(*args):
    return {(row.part, row.item): row for row in quality(*args)}


def test_a_grid_has_nothing_suspicious():
    rows = values(grid(3, 4, spacing_m=100.0, lanes=2))
    assert rows["network", "links"].value == 34
    assert rows["network", "length"].value == pytest.approx(3.4)
    assert rows["network", "lanes"].value == pytest.approx(6.8)
    assert rows["roads by class", "secondary"].value == pytest.approx(3.4)
    assert rows["junctions", "junctions"].value == 8
    assert rows["junctions", "signalled"].value == 8
    assert rows["junctions", "dead ends"].value == 0
    assert rows["junctions", "signal cycle, mean"].text == "60.0 s"
    suspicious = [row.value for (part, _), row in rows.items() if part == "suspicious geometry"]
    assert suspicious == [0] * 6


def test_suspicious_geometry_is_counted_and_named():
    network = grid(3, 3, spacing_m=100.0)
    length = network.link_length.copy()
    length[:4] = [0.0, 5.0, 60.0, 350.0]
    # A link that runs 50 m forth, 30 m back, and on.
    x, y = network.geom_x.copy(), network.geom_y.copy()
    first = network.geom_ptr[10]
    ax, bx, ay, by = x[first], x[first + 1], y[first], y[first + 1]
    share = np.asarray([0.0, 0.5, 0.2, 1.0])
    ptr = network.geom_ptr.copy()
    ptr[11:] += 2
    bent = replace(
        network,
        link_length=length,
        geom_ptr=ptr,
        geom_x=np.concatenate([x[:first], ax + share * (bx - ax), x[first + 2 :]]),
        geom_y=np.concatenate([y[:first], ay + share * (by - ay), y[first + 2 :]]),
    )
    rows = values(bent)
    found = {item: row.value for (part, item), row in rows.items() if part.startswith("susp")}
    assert found == {
        "no length": 1,
        "very short": 2,
        "shorter than the straight line": 3,
        "long way round": 1,
        "drawn otherwise than said": 5,
        "sharp kinks": 1,
    }
    assert rows["suspicious geometry", "sharp kinks"].note.endswith("links 11")


def test_what_the_clean_up_did_is_in_it():
    report = BuildReport(counts={"stubs dropped": 3}, imputed={"lanes": 0.125})
    rows = values(grid(2, 2), report)
    assert rows["imputed", "lanes"].text == "12.5 %"
    assert rows["clean-up", "stubs dropped"].text == "3"


def test_lengths_that_cannot_be_are_named_although_their_links_are_joined():
    step = 0.001  # degrees; 111 m on the equator
    raw = raw_roads(
        node_id=[1, 2, 3, 4],
        node_lon=[0.0, step, 2 * step, 3 * step],
        node_lat=[0.0] * 4,
        link_id=[11, 12, 13, 21, 22, 23],
        link_from=[1, 2, 3, 4, 3, 2],
        link_to=[2, 3, 4, 3, 2, 1],
        link_length=[1.0, 111.0, np.nan, 400.0, 0.2, np.nan],
    )
    network, report = build_network(raw)
    assert network.n_links == 2
    rows = values(network, report)
    found = {
        item: (row.value, row.note)
        for (part, item), row in rows.items()
        if part == "clean-up" and item.startswith("raw links ")
    }
    assert found == {
        "raw links too short": (1, "links 22"),
        "raw links shorter than the straight line": (2, "links 11, 22"),
        "raw links drawn otherwise than said": (3, "links 11, 21, 22"),
    }


def test_row_text():
    assert QualityRow("p", "i", 12345).text == "12,345"


def test_picture_of_a_synthesised_city(tmp_path):
    network = grid(4, 4, road_class=RoadClass.PRIMARY)
    meta = Meta(name="small", title={"en": "Small"}, timezone="UTC", synthesised=True)
    city = City(meta=meta, network=network)
    picture(city, tmp_path / "deep" / "city.png")
    picture(network, tmp_path / "plain.png", title="Grid")
    labelled = (tmp_path / "deep" / "city.png").read_bytes()
    assert labelled.startswith(b"\x89PNG")
    assert len(labelled) > 10_000
    assert labelled != (tmp_path / "plain.png").read_bytes()
    assert "not a survey" in SYNTHESISED
