"""What was driven on each link in a run, from its `links` table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import HOUR_S
from twin.recording.reader import RunReader

F64 = NDArray[np.float64]

_ROUNDING = 1e-9
"""Of an interval: less than this from a whole number of them is a whole number."""


class Driven(NamedTuple):
    """Sums of the period by link; links beyond the last that was driven are left out.

    Attributes
    ----------
    metres
        (K,) distance driven by all vehicles on the link.
    seconds
        (K,) time that they were on it.
    hours
        Length of the period.
    """

    metres: F64
    seconds: F64
    hours: float


def driven(reader: RunReader) -> Driven | None:
    """Return what was driven on each link in the period of a run; None where no traffic moves.

    Raises
    ------
    InputError
        If the table is missing or damaged.
    """
    links = reader.table("links", ["t", "link", "vehicles", "speed_mps"])
    if not len(links):
        return None
    scenario = reader.scenario
    period = scenario.period
    return _sums(links, period.start_s, period.end_s, scenario.record.links_every_s)


def _sums(links: pd.DataFrame, start_s: float, end_s: float, every_s: float) -> Driven:
    """Return vehicle-metres and vehicle-seconds of a `links` table.

    A row is the mean over the interval that ends at its `t`: `every_s`, or what was left of the
    period for the last one.
    """
    ends, number = np.unique(links["t"].to_numpy(np.float64), return_inverse=True)
    lasts = _lengths(ends, start_s, end_s, every_s)
    link = links["link"].to_numpy(np.int64)
    seconds = links["vehicles"].to_numpy(np.float64) * lasts[number]
    metres = seconds * links["speed_mps"].to_numpy(np.float64)
    return Driven(
        np.bincount(link, weights=metres).astype(np.float64),
        np.bincount(link, weights=seconds).astype(np.float64),
        (end_s - start_s) / HOUR_S,
    )


def _lengths(ends: F64, start_s: float, end_s: float, every_s: float) -> F64:
    """Return (N,) the lengths of the intervals that end at (N,) ascending times, seconds.

    Intervals are due at `start_s` plus multiples of `every_s`, and end with the tick that reaches
    it; the last one ends with the period.
    """
    passed = (ends - start_s) / every_s
    number = np.where(ends < end_s, np.floor(passed + _ROUNDING), np.ceil(passed - _ROUNDING))
    due_before = start_s + (number - 1.0) * every_s
    # The interval before ended at its rows' `t`; without vehicles it has none, and it was due.
    seen_before = np.concatenate([[start_s], ends[:-1]])
    lasts: F64 = ends - np.maximum(due_before, seen_before)
    return lasts
