"""San Francisco's fleet: shifts and bases from what the dispatch records show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration.recipes.san_francisco.fleet import base_stations, duty, read_units, shifts

ZONE = "America/Los_Angeles"


def responses(
    unit: str, hours: dict[int, list[int]], *, area: str = "7", quick: bool = True
) -> pd.DataFrame:
    """Return one response an hour named, by day of January 2017, each 30 minutes long."""
    start = pd.DatetimeIndex(
        [
            pd.Timestamp(year=2017, month=1, day=day, hour=hour, minute=10, tz=ZONE)
            for day, named in hours.items()
            for hour in named
        ]
    ).tz_convert("UTC")
    return pd.DataFrame(
        {
            "unit_id": unit,
            "unit_kind": "engine" if unit.startswith("E") else "ambulance",
            "station_area": area,
            "t_dispatch": start,
            "t_enroute": start + pd.Timedelta(seconds=30),
            "t_onscene": start + pd.Timedelta(minutes=3 if quick else 12),
            "t_clear": start + pd.Timedelta(minutes=30),
        }
    )


def test_a_spell_starts_an_hour_before_its_first_call_and_bridges_short_gaps() -> None:
    table = duty(responses("50", {1: [8, 12, 20], 2: [0]}), ZONE)
    assert table.loc["50"].to_numpy().tolist() == (
        # Two days: hours 7 to 12 and 19 to 23 of the first; 0 of the second.
        [0.5 if h in {0, 7, 8, 9, 10, 11, 12, 19, 20, 21, 22, 23} else 0.0 for h in range(24)]
    )


def test_shifts_keep_the_unit_hours_and_drop_occasional_units() -> None:
    hours = np.arange(24)
    table = pd.DataFrame(
        [
            np.where((hours >= 7) & (hours < 19), 1.0, 0.0),
            np.where((hours >= 19) | (hours < 7), 0.9, 0.1),
            np.ones(24),
            np.where(hours == 12, 0.5, 0.0),
        ],
        index=["day", "night", "always", "seldom"],
    )
    found = shifts(table)
    assert found == {"day": (7, 19), "night": (19, 7), "always": (0, 0)}


def test_bases_follow_quick_arrivals_and_fill_up() -> None:
    units = [f"M{k}" for k in range(6)]
    table = pd.concat(
        [
            *(responses(unit, {1: [1, 2, 3]}, area="7") for unit in units),
            *(responses(unit, {1: [5]}, area="8") for unit in units),
            *(responses(unit, {1: [9, 10, 11, 12]}, area="9", quick=False) for unit in units),
        ],
        ignore_index=True,
    )
    bases = base_stations(table, {"S07", "S08", "S09"})
    assert sorted(bases.values()) == ["S07"] * 4 + ["S08"] * 2


def test_units_are_rostered_ambulances_and_numbered_engines() -> None:
    every = list(range(24))
    table = pd.concat(
        [
            responses("50", {1: every, 2: every}),
            responses("E07", {1: [1]}),
            responses("E99", {1: [1]}),
        ],
        ignore_index=True,
    )
    units = read_units(table, pd.DataFrame({"station_id": ["S07"]}), ZONE)
    assert units["unit_id"].tolist() == ["50", "E07"]
    assert units["kind"].tolist() == ["ambulance", "engine"]
    assert (units["on_s"] == units["off_s"]).all()
