"""The intervals of the emergency chain, recorded beside simulated.

Both sides are computed by the same rule from the stamps of one unit a call: for medical calls the
first *ambulance* (a unit that can transport) on scene. In a city whose engines often arrive first,
`response` is therefore not the first help's; that is `first_on_scene`, shown where the records
have it. Each interval runs from one stamp to the next, so a call counts in an interval when it has
both:

=============== ================ ============================================================
name            from, to         of
=============== ================ ============================================================
handling        call, dispatch   all; holds the wait for a unit where none was free
turnout         dispatch, enroute  all
travel          enroute, on scene  all
response        call, on scene   all
scene           on scene, leave  transported patients
transport       leave, hospital  transported patients
handover        hospital, clear  transported patients; holds the wrap-up
total           call, clear      all
=============== ================ ============================================================
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

INTERVALS: dict[str, tuple[str, str]] = {
    "handling": ("t_call", "t_dispatch"),
    "turnout": ("t_dispatch", "t_enroute"),
    "travel": ("t_enroute", "t_onscene"),
    "response": ("t_call", "t_onscene"),
    "scene": ("t_onscene", "t_leave"),
    "transport": ("t_leave", "t_hospital"),
    "handover": ("t_hospital", "t_clear"),
    "total": ("t_call", "t_clear"),
}
"""First and last stamp of each interval, in the order of the chain."""

FIRST_ON_SCENE = ("t_call", "t_first_onscene")

Figures = dict[str, float | int | None]


def interval_table(
    calls: pd.DataFrame, history: pd.DataFrame | None
) -> dict[str, dict[str, Figures]]:
    """Return the median and the 90th percentile of each interval, observed and simulated.

    Parameters
    ----------
    calls
        Calls of a run; stamps are seconds. Only medical calls count.
    history
        Recorded calls of the city, stamps are instants; None when there are none. Only medical
        calls that also stand in `calls`, by `call_id`, count, so both sides are the same calls.

    Returns
    -------
    dict
        `{name: {"observed": {p50, p90, n}, "simulated": {p50, p90, n}}}`; seconds. `p50` and
        `p90` are None where `n` is 0. A recorded interval of zero seconds is a button pressed
        late and no observation, except a turnout: a crew on the road turns out at once.
    """
    simulated = calls[calls["kind"] == "medical"]
    observed = None
    if history is not None:
        same = history["call_id"].isin(simulated["call_id"])
        observed = history[same & (history["kind"] == "medical")]
    names = dict(INTERVALS)
    if observed is not None and FIRST_ON_SCENE[1] in observed:
        names["first_on_scene"] = FIRST_ON_SCENE
    table: dict[str, dict[str, Figures]] = {}
    for name, (start, end) in names.items():
        recorded = np.empty(0) if observed is None else _seconds(observed, start, end)
        if name != "turnout":
            recorded = recorded[recorded > 0.0]
        table[name] = {
            "observed": _figures(recorded),
            "simulated": _figures(_seconds(simulated, start, end)),
        }
    return table


def _seconds(calls: pd.DataFrame, start: str, end: str) -> NDArray[np.float64]:
    """Return the finite durations between two stamps that are seconds or instants."""
    if start not in calls or end not in calls:
        return np.empty(0)
    gap = calls[end] - calls[start]
    if pd.api.types.is_timedelta64_dtype(gap.dtype):
        gap = gap.dt.total_seconds()
    seconds: NDArray[np.float64] = gap.to_numpy(dtype=np.float64, na_value=np.nan)
    return seconds[np.isfinite(seconds)]


def _figures(seconds: NDArray[np.float64]) -> Figures:
    if not len(seconds):
        return {"p50": None, "p90": None, "n": 0}
    p50, p90 = np.percentile(seconds, [50.0, 90.0])
    return {"p50": float(p50), "p90": float(p90), "n": len(seconds)}
