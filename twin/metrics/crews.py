"""Hours and overtime of crews, their meals, and hours in which units were kept from calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import HOUR_S
from twin.metrics.units import hours_in

PAUSES = ("on_break", "restocking", "off_road")
"""States of a unit that is on duty, at its station, and takes no calls."""


def crew_figures(
    crew_shifts: pd.DataFrame, unit_events: pd.DataFrame | None, start_s: float, end_s: float
) -> dict[str, Any]:
    """Return what crews did in a period.

    Parameters
    ----------
    crew_shifts, unit_events
        Tables of the run; no events of one that kept none.
    start_s, end_s
        The period, seconds.

    Returns
    -------
    dict
        `crews` that were on duty; `staffed_h`, their hours with overtime; `overtime_h` of the
        `with_overtime`; `breaks` that began and `breaks_missed`; and hours `on_break_h`,
        `restocking_h` and `off_road_h`, None without events.
    """
    t_on = crew_shifts["t_on"].to_numpy(np.float64)
    off = crew_shifts["t_off"].fillna(end_s).to_numpy(np.float64)
    due = crew_shifts["t_due"].fillna(np.inf).to_numpy(np.float64)

    def inside(begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        lasts: NDArray[np.float64] = np.minimum(end, end_s) - np.maximum(begin, start_s)
        return np.maximum(lasts, 0.0).astype(np.float64)

    staffed, over = inside(t_on, off), inside(due, off)
    counted = staffed > 0.0
    break_at = crew_shifts["t_break"].to_numpy(np.float64)
    return {
        "crews": int(counted.sum()),
        "staffed_h": float(staffed.sum()) / HOUR_S,
        "with_overtime": int((over > 0.0).sum()),
        "overtime_h": float(over.sum()) / HOUR_S,
        "breaks": int(((break_at >= start_s) & (break_at < end_s)).sum()),
        "breaks_missed": int((crew_shifts["break_missed"].to_numpy(bool) & counted).sum()),
        **{
            f"{state}_h": None
            if unit_events is None
            else hours_in(unit_events, state, start_s, end_s)
            for state in PAUSES
        },
    }
