"""Curves, scales and maps of reports: drawn where the figures say."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import shapely

from apps.report.charts import curve, ecdf, over_time, ticks
from apps.report.html import key_figures
from apps.report.map import PLACES, Drawing, graded, legend
from apps.report.words import (
    clock,
)
from tests.support.html import Strict
from tests.support.runs import small_city, small_scenario
from twin.metrics.summary import share_within
from twin.scenarios.change_kinds import CloseHospital


def test_durations_and_scales():
    assert [clock(v) for v in (0, 59.6, 61, -61, None, float("nan"))] == [
        "0:00", "1:00", "1:01", "-1:01", "-", "-",
    ]  # fmt: skip
    assert ticks(0.0, 10.0) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert ticks(-3.0, 3.0, 3) == [-2.0, 0.0, 2.0]
    assert graded({"a": 0.0, "b": 9.9, "c": 10.0}, ("x", "y"), 0.0, 10.0) == {
        "a": "x", "b": "y", "c": "y",
    }  # fmt: skip


def calls_at(times, waiting_s=()):
    """Return calls with these response times, and some that nobody had reached at the end."""
    response = np.concatenate([times, np.full(len(waiting_s), np.nan)])
    t_call = np.concatenate([np.zeros(len(times)), 7200.0 - np.asarray(waiting_s)])
    return pd.DataFrame({"t_call": t_call, "response_s": response, "fate": "closed"})


def test_a_curve_ends_at_the_share_that_was_reached():
    times = np.arange(60.0, 660.0, 60.0)
    some = [calls_at(times, [3600.0] * 30)]
    curves = [
        curve("all", [calls_at(times)], 7200.0),
        curve("most", some, 7200.0),
        curve("none", [calls_at(times[:0], [3600.0])], 7200.0),
    ]
    picture = ecdf(curves)
    Strict(picture)
    assert picture.count("V") == 20
    first, second = re.findall(r'd="(M[^"]*)"', picture)
    heights = [float(path.rsplit("V", 1)[1]) for path in (first, second)]
    assert heights == [22.0, 22.0 + 220.0 * 0.75]
    assert "all: 80.0% of 10 calls † within 8 min" in picture
    assert "most: 20.0% of 40 calls within 8 min" in picture
    assert picture.count('stroke-dasharray="5 3"') == 2


def test_at_the_target_a_curve_stands_where_the_table_says():
    # Two replications of unequal size, one call that waited for long and three that did not.
    runs = [
        calls_at(np.array([100.0, 500.0, 300.0]), [600.0, 60.0]),
        calls_at(np.array([100.0, 200.0]), [10.0, 479.0]),
    ]
    table = np.mean([share_within(calls, 7200.0) for calls in runs])
    drawn = curve("both", runs, 7200.0)
    assert drawn.within == pytest.approx(table) == pytest.approx((2 / 4 + 1) / 2)
    assert drawn.calls == 6


def test_the_map_holds_its_districts_and_marks_what_is_new():
    city = small_city()
    peak = shapely.Polygon([(126.98, 37.48), (127.0, 37.54), (127.02, 37.48)])
    city.tables["districts"].loc[0, "polygon_wkb"] = shapely.to_wkb(peak)
    drawing = Drawing(city)
    drawing.districts({}, lambda name: name)
    changes = [
        {"kind": "add-station", "station_id": "n", "name": "New", "lon": 127.0, "lat": 37.5},
        {"kind": "add-units", "station": "n"},
        {"kind": "remove-units", "units": ["a1"]},
    ]
    entries = drawing.changed(small_scenario(changes=changes).changes)
    assert [shape for shape, _, _ in entries] == ["star", "saltire"]
    found = Strict(drawing.svg("map"))
    text = "".join(found.text)
    assert "New" in text
    assert "One" in text  # the station that lost a unit
    assert "west" in text
    heights = [
        float(v[1:].split("l")[0].split()[1]) for k, v in found.attributes
        if k == "d" and v.startswith("M")
    ]  # fmt: skip
    assert min(heights) > 0.0
    assert "North" in text
    bar = next(v for k, v in found.attributes if k == "d" and "l0 6l" in v)
    said = next(each for each in found.text if each.endswith((" km", " m")))
    metres = float(said.split()[0]) * (1000.0 if said.endswith("km") else 1.0)
    assert float(bar.split("l0 6l")[1].split()[0]) == pytest.approx(
        metres * drawing._scale, abs=0.1
    )


def test_the_legend_draws_the_marks_of_the_map():
    city = small_city()
    drawing = Drawing(city)
    drawing.places()
    drawing.calls(np.array([127.0]), np.array([37.5]), ["c"], colour="#123456", radius=2.0)
    drawn = Strict(drawing.svg("map"))
    said = Strict(legend([*PLACES, ("dot", "#123456", "call")]))

    def marks(found):
        paths = [v for k, v in found.attributes if k == "fill" and v in {"#1b7837", "#762a83"}]
        shapes = ["".join(re.findall(r"[a-zA-Z][^a-zA-Z]*", v)[1:])
                  for k, v in found.attributes if k == "d" and v.endswith("Z")]  # fmt: skip
        return set(paths), set(shapes)

    assert marks(drawn) == marks(said)
    assert len(marks(said)[1]) == 2
    assert "circle" in said.tags


def test_an_axis_of_what_is_counted_has_no_halves():
    drawn = over_time(np.array([18.0, 19.0]), np.array([0.0, 1.0]), "calls waiting for a unit")
    assert ">1</text>" in str(drawn)
    assert "0.5" not in str(drawn).replace("stroke", "")


def test_figures_of_a_strip_have_one_size():
    assert 'class="figures long"' in str(
        key_figures([("118", "calls"), ("4:18 (258.1 s)", "mean")])
    )
    assert 'class="figures"' in str(key_figures([("118", "calls"), ("4:18", "mean")]))


def test_on_the_map_a_hospital_has_its_name_in_the_language_of_the_report():
    city = small_city()
    city.tables["hospitals"] = city["hospitals"].assign(
        name="국립중앙의료원 (National Medical Center)"
    )
    drawing = Drawing(city)
    closed = CloseHospital(
        kind="close-hospital", hospital=str(city["hospitals"]["hospital_id"].iloc[0])
    )
    drawing.changed([closed])
    picture = str(drawing.svg("map"))
    assert "National Medical Center" in picture
    assert "국립중앙의료원" not in picture
