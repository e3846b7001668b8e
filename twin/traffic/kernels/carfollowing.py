"""Car following: the intelligent driver model.

Treiber, Hennecke and Helbing 2000, "Congested traffic states in empirical observations and
microscopic simulations", Phys. Rev. E 62, eq. (3) and (4):

    a = a_max (1 - (v / v0)^4 - (s* / s)^2),   s* = s0 + v T + v (v - v_lead) / (2 sqrt(a_max b))

in 32-bit floats, integrated by v' = v + a dt, x' = x + v' dt. Whatever the model says, nobody moves
further in a tick than the gap to where the leader was: vehicles of a lane cannot overlap.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined
from twin.traffic.kernels.layout import (
    ACCEL,
    BRAKE,
    F32,
    HEADWAY,
    INV_SQRT_AB,
    STANDSTILL,
)

ZERO = np.float32(0.0)
HALF = np.float32(0.5)
ONE = np.float32(1.0)
SMALL_GAP = np.float32(0.1)
KEEP = np.float32(0.05)
"""Metres that always stay between bumpers, so that rounding cannot make vehicles touch."""


@inlined
def free_accel(v: np.float32, v0: np.float32, kinds: F32, kind: int) -> np.float32:
    """Return the acceleration on an open road, m/s²; above v0 not below comfortable braking."""
    r = v / v0
    r = r * r
    push: np.float32 = kinds[kind, ACCEL] * (ONE - r * r)
    brake: np.float32 = -kinds[kind, BRAKE]
    rate: np.float32 = max(push, brake)
    return rate


@inlined
def accel(
    v: np.float32,
    v0: np.float32,
    gap: np.float32,
    v_lead: np.float32,
    kinds: F32,
    kind: int,
) -> np.float32:
    """Return the acceleration behind a leader, m/s²."""
    s = max(gap, SMALL_GAP)
    wish = v * kinds[kind, HEADWAY] + v * (v - v_lead) * kinds[kind, INV_SQRT_AB] * HALF
    q = (kinds[kind, STANDSTILL] + max(ZERO, wish)) / s
    rate: np.float32 = free_accel(v, v0, kinds, kind) - kinds[kind, ACCEL] * q * q
    return rate


@inlined
def next_speed(
    v: np.float32,
    v0: np.float32,
    gap: np.float32,
    v_lead: np.float32,
    dt: np.float32,
    kinds: F32,
    kind: int,
) -> np.float32:
    """Return the speed at the end of the tick; never so high that the gap is used up."""
    speed = max(ZERO, v + accel(v, v0, gap, v_lead, kinds, kind) * dt)
    return min(speed, max(ZERO, (gap - KEEP) / dt))
