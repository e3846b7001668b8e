"""Stops that vehicles serve on their way, as columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import F32, F64, I32


class Calls(NamedTuple):
    """Stops of N vehicles, C in all, in the order in which they are served.

    Attributes
    ----------
    ptr
        (N + 1,) those of vehicle i are `ptr[i]:ptr[i + 1]`.
    link, pos_m
        (C,) where the front bumper stands, metres from the link's start.
    lane
        (C,) lane, 0 at the kerb.
    bay
        (C,) whether it stands beside the lane.
    dwell_s
        (C,) seconds that it stands.
    due_s
        (C,) second before which it does not leave; -inf for none.
    tag
        (C,) what the caller knows the stop by.
    """

    ptr: I32
    link: I32
    pos_m: F32
    lane: I32
    bay: NDArray[np.bool_]
    dwell_s: F64
    due_s: F64
    tag: I32

    def part(self, begin: int, end: int) -> Calls:
        """Return the stops of vehicles `begin` to `end` (exclusive)."""
        ptr = self.ptr[begin : end + 1]
        rows = slice(int(ptr[0]), int(ptr[-1]))
        return Calls(
            (ptr - ptr[0]).astype(np.int32),
            self.link[rows],
            self.pos_m[rows],
            self.lane[rows],
            self.bay[rows],
            self.dwell_s[rows],
            self.due_s[rows],
            self.tag[rows],
        )
