"""How long a set of runs will go on, from how far those have come that were begun."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

LEAST_S = 10.0
"""Seconds by the clock before which nothing is estimated."""
LEAST_RUNS = 0.02
"""The same of runs: a run begins with what the others need not do again."""


class Estimate:
    """What is left of a number of runs, supposing that they take equally long.

    Parameters
    ----------
    clock
        Seconds by the clock.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._there = self._done = self._total = 0
        self._shares: dict[str, float] = {}

    def count(self, done: int, total: int) -> None:
        """Note how many runs are there; those of the first call took no time."""
        if not self._total:
            self._there = done
        self._done, self._total = done, total

    def reach(self, run: str, share: float) -> None:
        """Note what share of a run is done."""
        if self._begun is None:
            self._begun = self._clock()
        self._shares[run] = share
        if share >= 1.0:
            del self._shares[run]

    def words(self) -> str:
        """Return what is left, as in "; about 18 min more"; empty if it is short or not known."""
        if self._begun is None or self._done >= self._total:
            return ""
        spent = self._clock() - self._begun
        made = self._done - self._there + sum(list(self._shares.values()))
        if spent < LEAST_S or made < LEAST_RUNS:
            return ""
        minutes = spent * (self._total - self._there - made) / made / 60.0
        if minutes < 1.0:
            return ""
        said = f"{minutes:.0f} min" if minutes < 100.0 else f"{minutes / 60.0:.0f} h"
        return f"; about {said} more"
