"""Which closed links belong together: who is on one of them drives on over the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST = np.iinfo(np.int8).max
"""Closures at one time that are told apart."""


class Closures:
    """Numbers of closures: links that are closed at the same tick share one."""

    def __init__(self, tick: int = -1, number: int = 0) -> None:
        self._tick = tick
        self._number = number

    @property
    def last(self) -> tuple[int, int]:
        """Tick and number of the last closure, which make an equal one (`Closures(*last)`)."""
        return self._tick, self._number

    def number(self, tick: int, closed: NDArray[np.int8]) -> int:
        """Return the number of a closure of this tick, 1 to `MOST`.

        Parameters
        ----------
        tick
            Now.
        closed
            (L,) number of the closure of every link, 0 where it is open.
        """
        if tick != self._tick:
            free = np.setdiff1d(np.arange(1, MOST + 1), closed)
            self._tick, self._number = tick, int(free[0]) if len(free) else MOST
        return self._number


def leads_out(closed: NDArray[np.int8], links: NDArray[np.int32]) -> bool:
    """Return whether who is on the first of some links may drive along all of them."""
    of = closed[links]
    return not ((of[1:] != 0) & (of[1:] != of[:-1])).any()
