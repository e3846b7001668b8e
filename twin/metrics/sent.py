"""Which unit a replay sent, beside the one that was sent then."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd


class Sent(TypedDict):
    """Of the calls of a kind that a unit reached then and in the run.

    Attributes
    ----------
    calls
        How many.
    same_type
        Share of them to which the same type of unit came first.
    based
        Those among these whose recorded unit has a known station.
    same_station, same_unit
        Share of `based` to which a unit of that station came, and that very unit.
    by_chance
        What `same_station` would be if each time any unit of the type were drawn.
    drive_then_s, drive_s
        Median drive of that very unit, recorded and in the run, where it was the same.
    """

    calls: int
    same_type: float
    based: int
    same_station: float | None
    same_unit: float | None
    by_chance: float | None
    drive_then_s: float | None
    drive_s: float | None


def units_sent(calls: pd.DataFrame, history: pd.DataFrame, units: pd.DataFrame) -> dict[str, Sent]:
    """Return how often a replay sent what was sent then, by kind of call.

    Parameters
    ----------
    calls
        The `calls` table of the run: `unit_id` is the first that came.
    history, units
        Tables of the city; who was sent is not known where the history's `unit_id` is empty.
    """
    fleet = units.drop_duplicates("unit_id").set_index("unit_id")
    came = calls.loc[calls["t_onscene"].notna(), ["call_id", "unit_id", "t_enroute", "t_onscene"]]
    both = history[history["t_onscene"].notna() & history["unit_id"].fillna("").ne("")]
    both = both.merge(came, on="call_id", suffixes=("", "_now"))
    both = both.assign(
        type_now=both["unit_id_now"].map(fleet["kind"]),
        station_now=both["unit_id_now"].map(fleet["station_id"]),
        drive_then=(both["t_onscene"] - both["t_enroute"]).dt.total_seconds(),
        drive_now=both["t_onscene_now"] - both["t_enroute_now"],
    )
    return {str(kind): _of(group, fleet) for kind, group in both.groupby("kind", sort=True)}


def _of(group: pd.DataFrame, fleet: pd.DataFrame) -> Sent:
    alike = group["unit_kind"] == group["type_now"]
    based = group[alike & group["station_id"].fillna("").ne("")]
    same_unit = based["unit_id"] == based["unit_id_now"]
    homes = fleet.groupby("kind")["station_id"].value_counts(normalize=True)
    wanted = pd.MultiIndex.from_frame(based[["unit_kind", "station_id"]])
    chance = homes.reindex(wanted, fill_value=0.0).to_numpy(np.float64)
    driven = based[same_unit & (based["drive_then"] > 0.0)]
    return {
        "calls": len(group),
        "same_type": float(alike.mean()),
        "based": len(based),
        "same_station": _mean(based["station_id"] == based["station_now"]),
        "same_unit": _mean(same_unit),
        "by_chance": _mean(pd.Series(chance)),
        "drive_then_s": _median(driven["drive_then"]),
        "drive_s": _median(driven["drive_now"]),
    }


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None


def _median(values: pd.Series) -> float | None:
    return float(values.median()) if len(values) else None
