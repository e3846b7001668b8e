"""Which unit a replay sent beside the recorded one: by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from apps.report.service import sent_lines
from twin.metrics.sent import units_sent

UNITS = pd.DataFrame(
    {
        "unit_id": ["A1", "A2", "A3", "E1"],
        "kind": ["ambulance", "ambulance", "ambulance", "engine"],
        "station_id": ["S1", "S1", "S2", "S1"],
    }
)
T0 = pd.Timestamp("2017-01-04 08:00", tz="UTC")


def history(rows: list[tuple[str, str, str, str, float | None]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["call_id", "unit_id", "unit_kind", "station_id", "drive"])
    came = T0 + pd.to_timedelta(table.pop("drive"), unit="s")
    return table.assign(kind="medical", t_enroute=T0, t_onscene=came)


RECORDS = history(
    [
        ("a", "A1", "ambulance", "S1", 100.0),  # the same unit
        ("b", "A2", "ambulance", "S1", 200.0),  # another of the same station
        ("c", "A3", "ambulance", "S2", 300.0),  # another station
        ("d", "A9", "ambulance", "", 400.0),  # base not known
        ("e", "C1", "chief", "S1", 500.0),  # another type
        ("f", "A1", "ambulance", "S1", None),  # never arrived then
        ("g", "", "ambulance", "", 600.0),  # not known who came
        ("h", "A1", "ambulance", "S1", 700.0),  # not reached in the run
    ]
)
CALLS = pd.DataFrame(
    {
        "call_id": list("abcdefgh"),
        "unit_id": ["A1"] * 8,
        "t_enroute": 1000.0,
        "t_onscene": [1050.0] * 7 + [None],
    }
)


def test_shares_by_hand() -> None:
    assert units_sent(CALLS, RECORDS, UNITS)["medical"] == {
        "calls": 5,
        "same_type": 0.8,
        "based": 3,
        "same_station": pytest.approx(2 / 3),
        "same_unit": pytest.approx(1 / 3),
        # Two of three ambulances stand at S1: 2/3, 2/3 and 1/3.
        "by_chance": pytest.approx(5 / 9),
        "drive_then_s": 100.0,
        "drive_s": 50.0,
    }


def test_records_without_units_say_nothing() -> None:
    assert units_sent(CALLS, RECORDS.assign(unit_id=""), UNITS) == {}
    alone = units_sent(CALLS, RECORDS[3:4], UNITS)["medical"]
    assert (alone["based"], alone["same_station"], alone["drive_s"]) == (0, None, None)
    assert sent_lines({"medical": alone}) == [
        "Medical: a unit of the type that was sent then came to 100.0% of 1 calls."
    ]


def test_sentences() -> None:
    (line,) = sent_lines(units_sent(CALLS, RECORDS, UNITS))
    assert "80.0% of 5 calls" in line
    assert "to 66.7% of 3 from the same station (by chance 55.6%)" in line
    assert "there that unit drove 1:40 then and 0:50 here" in line
