"""What was driven on each link in a run, from its `links` table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import HOUR_S
from twin.recording.reader import RunReader

F64 = NDArray[np.float64]


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
    # An interval without vehicles has no rows, so the one after it seems longer than it was.
    lasts = np.minimum(np.diff(ends, prepend=start_s), every_s)
    link = links["link"].to_numpy(np.int64)
    seconds = links["vehicles"].to_numpy(np.float64) * lasts[number]
    metres = seconds * links["speed_mps"].to_numpy(np.float64)
    return Driven(
        np.bincount(link, weights=metres).astype(np.float64),
        np.bincount(link, weights=seconds).astype(np.float64),
        (end_s - start_s) / HOUR_S,
    )
