"""The figures of a run's units and of its calls by each standard, from its tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twin.metrics.standards import NAMES, load_standard, scorecard
from twin.metrics.units import lost_at_hospital, unit_hours, utilisation
from twin.metrics.warm_up import settled_from


def service_figures(
    calls: pd.DataFrame, unit_events: pd.DataFrame, start_s: float, end_s: float
) -> dict[str, Any]:
    """Return hours of units, hours lost at hospital, the standards, and what MSER-5 would cut.

    Parameters
    ----------
    calls, unit_events
        Tables of the run.
    start_s, end_s
        What it counts, seconds.
    """
    return {
        "unit_hours": unit_hours(utilisation(unit_events, start_s, end_s)),
        "lost_at_hospital": lost_at_hospital(unit_events, start_s, end_s),
        "warm_up": {"rule": "mser-5", "settled_from_s": settled_from(calls, start_s)},
        "standards": {
            name: scorecard(load_standard(name), [calls], end_s).as_dict() for name in NAMES
        },
    }
