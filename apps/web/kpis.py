"""The key figures of a run at every recorded moment: what was known by then, nothing from later."""

from __future__ import annotations

from bisect import insort

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.agents.states import BUSY

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
KMH = 3.6


def counted(t: F64, events: F64) -> NDArray[np.int32]:
    """(T,) number of `events` (E,) not after each moment of `t` (T,); NaN never happens."""
    happened = np.sort(events[~np.isnan(events)])
    return np.searchsorted(happened, t, side="right").astype(np.int32)


def running_percentiles(t: F64, at: F64, values: F64, shares: tuple[float, ...]) -> F32:
    """Return percentiles of all `values` that were known by each moment.

    Parameters
    ----------
    t
        (T,) moments, ascending.
    at, values
        (N,) when each value was known, and the value; NaN is left out.
    shares
        (S,) percentiles as shares of one, with linear interpolation between ranks (Hyndman and
        Fan 1996, definition 7).

    Returns
    -------
    ndarray
        (S, T); NaN while nothing is known.
    """
    keep = ~(np.isnan(at) | np.isnan(values))
    order = np.argsort(at[keep], kind="stable")
    when, what = at[keep][order], values[keep][order]
    out = np.full((len(shares), len(t)), np.nan, np.float32)
    known: list[float] = []
    for k, moment in enumerate(t):
        while len(known) < len(when) and when[len(known)] <= moment:
            insort(known, float(what[len(known)]))
        if known:
            for row, share in enumerate(shares):
                place = share * (len(known) - 1)
                low = int(place)
                high = min(low + 1, len(known) - 1)
                out[row, k] = known[low] + (place - low) * (known[high] - known[low])
    return out


def figures(
    pulse: pd.DataFrame, calls: pd.DataFrame, unit_events: pd.DataFrame
) -> dict[str, NDArray[np.generic]]:
    """Return the columns of the strip and the charts, at every moment at which one changes.

    Parameters
    ----------
    pulse
        The run's `pulse` table.
    calls
        One row a call: `t_call`, `t_onscene`, `response_s`, `t_closed`; seconds, NaN for not yet.
    unit_events
        The run's `unit_events` table.

    Returns
    -------
    dict
        (T,) arrays: `t` (s), `calls`, `active` and `reached` (calls), `p50` and `p90` of those
        reached (s), `vehicles`, `speed` (km/h) and `busy` (units). The pulse may beat once a
        minute, so the moments of calls and units stand between its beats: what is counted holds
        for the very moment.
    """
    beats = pulse["t"].to_numpy(np.float64)
    received = calls["t_call"].to_numpy(np.float64)
    arrived = calls["t_onscene"].to_numpy(np.float64)
    closed = calls["t_closed"].to_numpy(np.float64)
    leaving, back = busy_spells(unit_events)
    t = np.unique(np.concatenate([beats, received, arrived, closed, leaving, back]))
    t = t[(t >= beats[0]) & (t <= beats[-1])] if len(beats) else beats  # NaN is in neither
    beat = np.searchsorted(beats, t, side="right") - 1
    so_far = counted(t, received)
    response = calls["response_s"].to_numpy(np.float64)
    percentiles = running_percentiles(t, arrived, response, (0.5, 0.9))
    speed = pulse["mean_speed_mps"].to_numpy(np.float32) * KMH
    return {
        "t": t.astype(np.float32),
        "calls": so_far,
        "active": so_far - counted(t, closed),
        "reached": counted(t, np.where(np.isnan(response), np.nan, arrived)),
        "p50": percentiles[0],
        "p90": percentiles[1],
        "vehicles": pulse["vehicles"].to_numpy(np.int32)[beat],
        "speed": speed.astype(np.float32)[beat],
        "busy": counted(t, leaving) - counted(t, back),
    }


def busy_spells(unit_events: pd.DataFrame) -> tuple[F64, F64]:
    """Return when units came to belong to a call, and when they no longer did, in any order."""
    events = unit_events.sort_values("t", kind="stable")
    busy = events["state"].isin([state.value for state in BUSY])
    before = busy.groupby(events["unit_id"]).shift(fill_value=False)
    t = events["t"].to_numpy(np.float64)
    return t[(busy & ~before).to_numpy(bool)], t[(before & ~busy).to_numpy(bool)]
