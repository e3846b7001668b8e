"""Figures of one run, from its tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TARGET_S = 480.0
"""Response within eight minutes, the usual urban target (NFPA 1710: advanced life support)."""

BUSY_STATES = ("turnout", "to_scene", "on_scene", "transporting", "at_hospital")
"""States of a unit that belongs to a call."""
OFF_STATE = "off_shift"

FEW_CALLS = 20
"""A figure that rests on fewer calls says little; it is marked wherever it is shown."""
LEAST_BEYOND_P90 = 10
"""A 90th percentile with fewer calls beyond it is one of a handful of calls; it is marked too."""

Figures = dict[str, float | int | None]


def figures(seconds: NDArray[np.float64]) -> Figures:
    """Return mean, median, 90th and 95th percentile and number of some durations.

    Percentiles interpolate linearly between order statistics (Hyndman and Fan 1996, type 7).
    Without durations all but the number is `None`.
    """
    known = seconds[np.isfinite(seconds)]
    if not len(known):
        return {"mean": None, "p50": None, "p90": None, "p95": None, "n": 0}
    p50, p90, p95 = np.percentile(known, [50.0, 90.0, 95.0])
    return {
        "mean": float(known.mean()),
        "p50": float(p50),
        "p90": float(p90),
        "p95": float(p95),
        "n": len(known),
    }


def few_calls(n: int) -> bool:
    """Return whether a figure rests on fewer than `FEW_CALLS` calls."""
    return n < FEW_CALLS


def unsure_p90(n: int) -> bool:
    """Return whether fewer than `LEAST_BEYOND_P90` of `n` calls lie beyond the 90th percentile."""
    return n < 10 * LEAST_BEYOND_P90


def response_by(calls: pd.DataFrame, column: str) -> dict[str, Figures]:
    """Return the figures of the response time for each value of a column, in order."""
    groups = calls.dropna(subset=[column]).groupby(column, sort=True)["response_s"]
    return {str(value): figures(group.to_numpy(np.float64)) for value, group in groups}


def share_within(calls: pd.DataFrame, end_s: float, target_s: float = TARGET_S) -> float | None:
    """Return the share of calls that a unit reached within `target_s`.

    A call that had waited longer than that in vain when the run ended counts as late; one that had
    waited less counts neither way, and cancelled calls do not count.
    """
    response = calls.loc[decided(calls, end_s, target_s), "response_s"].to_numpy(np.float64)
    return float((response <= target_s).sum() / len(response)) if len(response) else None


def decided(calls: pd.DataFrame, end_s: float, target_s: float = TARGET_S) -> pd.Series[bool]:
    """Return which calls count in `share_within`: those of which it is known whether it was so."""
    too_long = end_s - calls["t_call"] > target_s
    return (calls["fate"] != "cancelled") & (calls["response_s"].notna() | too_long)


def not_reached(calls: pd.DataFrame) -> pd.Series[bool]:
    """Return which calls nobody had reached when the run ended; cancelled ones are not among them.

    Of the other `open` calls a crew was still busy with each.
    """
    return (calls["fate"] != "cancelled") & calls["response_s"].isna()


def summarise(calls: pd.DataFrame, end_s: float) -> dict[str, Any]:
    """Return counts and response times of a run's calls.

    Parameters
    ----------
    calls
        The `calls` table.
    end_s
        When the run ended, seconds.
    """
    fate = calls["fate"]
    overall = figures(calls["response_s"].to_numpy(np.float64))
    return {
        "calls": len(calls),
        "closed": int((fate == "closed").sum()),
        "open": int((fate == "open").sum()),
        "cancelled": int((fate == "cancelled").sum()),
        "not_reached": int(not_reached(calls).sum()),
        "response": {
            **overall,
            "by_kind": response_by(calls, "kind"),
            "by_priority": response_by(calls, "priority"),
            "by_district": response_by(calls, "district"),
        },
        f"share_within_{TARGET_S:.0f}_s": share_within(calls, end_s),
    }


def utilisation(unit_events: pd.DataFrame, start_s: float, end_s: float) -> pd.DataFrame:
    """Return how each unit spent a period.

    Parameters
    ----------
    unit_events
        The `unit_events` table.
    start_s, end_s
        The period, seconds.

    Returns
    -------
    DataFrame
        One row a unit: `unit_id`, `kind`, `jobs` (calls for which it entered a busy
        state in the period), `busy_s`, `on_shift_s`, and `share` = busy_s / on_shift_s, the
        unit-hour utilisation. Before its first event a unit counts as on shift and idle.
    """
    rows = []
    events = unit_events.sort_values(["unit_id", "t"], kind="stable")
    for unit, group in events.groupby("unit_id", sort=True):
        times = np.clip(np.append(group["t"].to_numpy(np.float64), end_s), start_s, end_s)
        state = group["state"].to_numpy(dtype=object)
        spans = np.diff(times)
        busy = np.isin(state, BUSY_STATES)
        off_s = float(spans[state == OFF_STATE].sum())
        busy_s = float(spans[busy].sum())
        on_shift_s = end_s - start_s - off_s
        inside = (group["t"].to_numpy(np.float64) >= start_s) & busy
        rows.append(
            {
                "unit_id": str(unit),
                "kind": str(group["kind"].iloc[0]),
                "jobs": int(group["call_id"][inside].nunique()),
                "busy_s": busy_s,
                "on_shift_s": on_shift_s,
                "share": busy_s / on_shift_s if on_shift_s > 0 else None,
            }
        )
    columns = ["unit_id", "kind", "jobs", "busy_s", "on_shift_s", "share"]
    return pd.DataFrame(rows, columns=columns)


def queueing(pulse: pd.DataFrame) -> dict[str, float | int | None]:
    """Return mean and greatest number of calls that waited for a unit, over the pulse's moments."""
    waiting = pulse["calls_waiting"].to_numpy(np.float64)
    if not len(waiting):
        return {"mean_waiting": None, "most_waiting": None}
    return {"mean_waiting": float(waiting.mean()), "most_waiting": int(waiting.max())}
