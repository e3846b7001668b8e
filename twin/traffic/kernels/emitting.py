"""What vehicles emit in a tick, summed by link."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import outer
from twin.traffic.kernels.layout import F64, I32, Net, Records, State
from twin.traffic.kernels.rng import uniform

PACE = np.dtype(
    [
        ("vel", "f4"),  # speed at the end of the tick in which the vehicle was last seen
        ("tick", "i4"),
        ("row", "i4"),  # row of the coefficients
    ]
)
"""What is remembered of a vehicle, by slot."""
FUEL = np.uint64(201)
"""Purpose of the draw of a car's fuel."""
MIXED = -1
"""Row of a kind whose vehicles burn petrol or diesel: rows 0 and 1."""
BRAKING = -0.5
"""Acceleration in m/s² below which the second set of coefficients holds."""
LEAST_ACCEL = -4.0
MOST_ACCEL = 3.0
"""Accelerations are cut to these: a vehicle caught at the line by red stops within a tick, and the
model, which has a term in a², was fitted to how people drive."""


@outer
def emit(
    tick: int,
    dt: float,
    key: np.uint64,
    diesel_share: np.float32,
    row_of: I32,
    coefficients: NDArray[np.float64],
    net: Net,
    st: State,
    R: Records,
    pace: Records,
    out: F64,
) -> None:
    """Add the grams of the tick that just ended, number `tick`, to `out`.

    The speed is that at which the tick was driven; a vehicle just seen has no acceleration yet, and
    the unfinished second in which a trip ends is left out.

    Parameters
    ----------
    row_of
        By row of the table of types, a row of `coefficients`, or `MIXED`.
    coefficients
        (rows, 4, 2, 6): for each pollutant, those from `BRAKING` up and those below.
    out
        (4, L).
    """
    for k in range(len(net.link)):
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            for i in range(st.lane[x].start, st.lane[x].end):
                slot = int(R[i].slot)
                if slot < 0:
                    continue
                v = np.float64(R[i].vel)
                speeding = 0.0
                if pace[slot].tick == tick - 1:
                    speeding = (v - np.float64(pace[slot].vel)) / dt
                    speeding = min(max(speeding, LEAST_ACCEL), MOST_ACCEL)
                else:
                    row = int(row_of[R[i].kind])
                    if row == MIXED:
                        draw = uniform(key, int(st.vehicle[slot].id), 0, FUEL)
                        row = 1 if draw < diesel_share else 0
                    pace[slot].row = row
                pace[slot].vel = R[i].vel
                pace[slot].tick = tick
                row = int(pace[slot].row)
                side = 1 if speeding < BRAKING else 0
                for p in range(4):
                    rate = coefficients[row, p, side, 0]
                    rate += coefficients[row, p, side, 1] * v
                    rate += coefficients[row, p, side, 2] * v * v
                    rate += coefficients[row, p, side, 3] * speeding
                    rate += coefficients[row, p, side, 4] * speeding * speeding
                    rate += coefficients[row, p, side, 5] * v * speeding
                    out[p, k] += dt * max(rate, 0.0)
