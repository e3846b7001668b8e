"""The figures of a run's units and of its calls by each standard, from its tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twin.metrics.standards import NAMES, load_standard, scorecard
from twin.metrics.units import coverage, lost_at_hospital, move_ups, unit_hours, utilisation
from twin.metrics.warm_up import settled_from
from twin.recording.reader import RunReader


def service_figures(
    reader: RunReader,
    calls: pd.DataFrame,
    unit_events: pd.DataFrame | None,
    start_s: float,
    end_s: float,
) -> dict[str, Any]:
    """Return hours, hours lost at hospital, moves, cover, standards, and what MSER-5 would cut.

    Parameters
    ----------
    reader
        The run.
    calls, unit_events
        Its tables, which have been read already; no events of a run that kept none.
    start_s, end_s
        What it counts, seconds.
    """
    return {
        "unit_hours": unit_hours(utilisation(unit_events, start_s, end_s))
        if unit_events is not None
        else None,
        "lost_at_hospital": lost_at_hospital(unit_events, start_s, end_s)
        if unit_events is not None
        else None,
        "move_ups": move_ups(reader.table("moves", ["unit_id", "made"])),
        "coverage": coverage(reader.table("coverage")),
        "warm_up": {"rule": "mser-5", "settled_from_s": settled_from(calls, start_s)},
        "standards": {
            name: scorecard(load_standard(name), [calls], end_s).as_dict() for name in NAMES
        },
    }
