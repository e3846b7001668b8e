"""How long a set of runs will go on, from how far those have come that were begun."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

LEAST_S = 10.0
"""Seconds by the clock before which nothing is estimated."""
LEAST_RUNS = 0.25
"""The same of runs."""


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
        self._first = 0.0
        self._there = self._done = self._total = 0
        self._shares: dict[str, float] = {}

    def count(self, done: int, total: int) -> None:
        """Note how many runs are there; those of the first call took no time."""
        if not self._total:
            self._there = done
        slow = self._done == self._there < done
        self._done, self._total = done, total
        if slow and self._begun is not None:
            # The first run was slow too: it reads what the later ones have in memory.
            self._begun, self._first = self._clock(), self._made()

    def reach(self, run: str, share: float) -> None:
        """Note what share of a run is done."""
        self._shares[run] = share
        if share >= 1.0:
            del self._shares[run]
        if self._begun is None and share > 0.0:
            # Before, runs were made ready, which the later ones of a process need not be.
            self._begun, self._first = self._clock(), self._made()

    def _made(self) -> float:
        """Return how many runs were made, in part too."""
        return self._done - self._there + sum(list(self._shares.values()))

    def words(self) -> str:
        """Return what is left, as in "; about 18 min more"; empty if it is short or not known."""
        if self._begun is None or self._done >= self._total:
            return ""
        spent = self._clock() - self._begun
        made = self._made()
        since = made - self._first
        if spent < LEAST_S or since < LEAST_RUNS:
            return ""
        minutes = spent * (self._total - self._there - made) / since / 60.0
        if minutes < 1.0:
            return ""
        said = f"{minutes:.0f} min" if minutes < 100.0 else f"{minutes / 60.0:.0f} h"
        return f"; about {said} more"
