"""The map of a run: its legend explains every mark and colour that is drawn, and no other."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from apps.report.map import FEW, SEQUENTIAL
from apps.report.run_map import run_map
from tests.support.html import Strict
from tests.support.runs import calls_rows, small_city, small_scenario
from twin.city.bundle import empty_table

PERIOD = {"start": "18:00", "end": "19:00"}
END_S = 19 * 3600.0
WITHIN, AFTER = "call reached within 8 min", "call reached after 8 min"
LONG, SHORT = "still waiting at the end, over 8 min", "still waiting at the end, 8 min or less"


def calls(response_s, district="west", t_call=64_900.0) -> pd.DataFrame:
    """Return calls in a district; those without a response were not reached."""
    response = np.asarray(response_s, np.float64)
    rows = calls_rows(n=len(response)).assign(district=district, response_s=response)
    fate = np.where(np.isnan(response), "open", "closed")
    return rows.assign(t_call=t_call, t_onscene=t_call + response, fate=fate)


def drawn(page: str) -> tuple[str, dict[str, str]]:
    """Return the map, and the marks of both legends by what is said of them."""
    Strict(page)
    head, _, rest = page.partition("</svg>")
    spans = re.findall(r"<span><svg[^>]*>(.*?)</svg>(.*?)</span>", rest)
    return head, {text: mark for mark, text in spans}


def circles(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r'<circle [^>]*fill="([^"]*)" stroke="([^"]*)"', text))


@pytest.mark.parametrize(
    ("response_s", "t_call", "told"),
    [
        ([100.0, 479.0], 64_900.0, [WITHIN]),
        ([100.0, 481.0], 64_900.0, [WITHIN, AFTER]),
        ([np.nan], END_S - 481.0, [LONG]),
        ([np.nan], END_S - 60.0, [SHORT]),
        ([100.0, 900.0, np.nan], 64_900.0, [WITHIN, AFTER, LONG]),
    ],
)
def test_the_legend_has_the_marks_of_the_calls_that_are_drawn(response_s, t_call, told):
    page = str(
        run_map(calls(response_s, t_call=t_call), small_scenario(period=PERIOD), small_city())
    )
    shown, legend = drawn(page)
    marks = [text for text in legend if text in {WITHIN, AFTER, LONG, SHORT}]
    assert marks == told
    assert circles(shown) == circles("".join(legend[text] for text in marks))
    assert len(circles(shown)) == len(told)  # each kind looks other than the rest
    assert shown.count("<circle") == len(response_s)


def test_cancelled_calls_are_neither_drawn_nor_explained():
    some = calls([100.0, 100.0]).assign(fate=["closed", "cancelled"])
    shown, legend = drawn(str(run_map(some, small_scenario(period=PERIOD), small_city())))
    assert shown.count("<circle") == 1
    assert AFTER not in legend


def test_districts_have_the_colours_that_the_legend_names():
    west, east = calls([300.0] * 25), calls([600.0] * 25, "east")
    city, scenario = small_city(), small_scenario(period=PERIOD)
    shown, legend = drawn(str(run_map(pd.concat([west, east]), scenario, city)))
    # Five classes from the shortest median to the longest; the three between hold no district.
    classes = [text for text in legend if " to " in text and ":" in text]
    assert classes == ["5:00 to 6:00", "9:00 to 10:00"]
    for text, name, colour in zip(classes, ("west", "east"), SEQUENTIAL[::4], strict=True):
        assert f'fill="{colour}"' in legend[text]
        title = next(t for t in re.findall(r"<path[^>]*>.*?</path>", shown) if f">{name}: " in t)
        assert f'fill="{colour}"' in title
    few = pd.concat([west, east.iloc[:3]])
    shown, legend = drawn(str(run_map(few, scenario, city)))
    (said,) = [text for text in legend if "fewer than 20 calls reached: no colour" in text]
    assert f'fill="{FEW}"' in legend[said]
    assert f'fill="{FEW}"' in shown


def test_places_and_changes_are_explained_where_there_are_any():
    city, some = small_city(), calls([100.0])
    _, legend = drawn(str(run_map(some, small_scenario(period=PERIOD), city)))
    assert list(legend)[1:3] == ["station", "hospital"]
    assert "closed road, or lanes of it" not in legend
    changes = [
        {"kind": "close-links", "links": [100]},
        {"kind": "add-units", "station": "s1"},
        {"kind": "close-hospital", "hospital": "h1"},
    ]
    shown, legend = drawn(str(run_map(some, small_scenario(period=PERIOD, changes=changes), city)))
    for text in (
        "closed road, or lanes of it",
        "new station, or more units at it",
        "fewer units, or a hospital closed to ambulances",
    ):
        assert text in legend
    assert "closed for some time" in shown
    city.tables["hospitals"] = empty_table("hospitals")
    _, legend = drawn(str(run_map(some, small_scenario(period=PERIOD), city)))
    assert "station" in legend
    assert "hospital" not in legend
