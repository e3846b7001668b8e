"""Car following: the intelligent driver model, and for comparison that of Krauss.

Treiber, Hennecke and Helbing 2000, "Congested traffic states in empirical observations and
microscopic simulations", Phys. Rev. E 62, eq. (3) and (4):

    a = a_max (1 - (v / v0)^4 - (s* / s)^2),   s* = s0 + v T + v (v - v_lead) / (2 sqrt(a_max b))

in 32-bit floats, integrated by v' = v + a dt, x' = x + v' dt. Whatever the model says, nobody moves
further in a tick than the gap to where the leader was: vehicles of a lane cannot overlap.

Krauss 1998, "Microscopic modeling of traffic flow", in the form that SUMO has made of it: the
greatest speed from which a driver who responds after `tau` still stops behind a leader that brakes.
Drivers of both models may be imperfect: see `driven_speed`.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.layout import (
    ACCEL,
    BRAKE,
    F32,
    HEADWAY,
    IMPERFECTION,
    INV_SQRT_AB,
    KRAUSS,
    MODEL,
    REACTION,
    STANDSTILL,
)
from twin.traffic.kernels.rng import DAWDLES, LOOKS, uniform

ZERO = np.float32(0.0)
HALF = np.float32(0.5)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
FOUR = np.float32(4.0)
SMALL_GAP = np.float32(0.1)
KEEP = np.float32(0.05)
"""Metres that always stay between bumpers, so that rounding cannot make vehicles touch."""
STANDS = np.float32(0.1)
"""Speed in m/s below which a driver has yet to start."""


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


@inner
def stopping_speed(
    gap: np.float32, brake: np.float32, tau: np.float32, dt: np.float32
) -> np.float32:
    """Return the greatest speed that can be brought to 0 within `gap`, m/s.

    The driver keeps it for `tau` seconds and then brakes by `brake` m/s² in steps of `dt`: with n
    steps the distance is n tau b + n (n - 1) b dt / 2, with b = brake dt, and what is left of the
    gap is shared out. SUMO: `MSCFModel::maximumSafeStopSpeedEuler`.
    """
    b = brake * dt
    root = np.sqrt(dt * dt + FOUR * (dt * (TWO * gap / b - tau) + tau * tau))
    n = max(ZERO, np.floor(HALF - (tau - root * HALF) / dt))
    used = HALF * n * (n - ONE) * b * dt + n * b * tau
    speed: np.float32 = n * b + max(ZERO, gap - used) / (n * dt + tau)
    return speed


@inner
def krauss_speed(
    v: np.float32,
    v0: np.float32,
    gap: np.float32,
    v_lead: np.float32,
    dt: np.float32,
    kinds: F32,
    kind: int,
) -> np.float32:
    """Return the speed at the end of the tick by Krauss, without imperfection.

    The leader is taken to brake as hard as the follower. The way in which it stops is that of its
    steps (SUMO: `MSCFModel::brakeGapEuler`).
    """
    brake = kinds[kind, BRAKE]
    b = brake * dt
    steps = np.floor(v_lead / b)
    ahead = dt * (steps * v_lead - b * steps * (steps + ONE) * HALF)
    room = max(ZERO, gap - kinds[kind, STANDSTILL])
    safe = stopping_speed(room + ahead, brake, kinds[kind, HEADWAY], dt)
    speed = min(v + kinds[kind, ACCEL] * dt, max(v0, v - b), safe)
    return min(speed, max(ZERO, (gap - KEEP) / dt))


@inner
def driven_speed(
    v: np.float32,
    v0: np.float32,
    gap: np.float32,
    v_lead: np.float32,
    dt: np.float32,
    kinds: F32,
    kind: int,
    key: np.uint64,
    vehicle: int,
    tick: int,
) -> np.float32:
    """Return the speed at the end of the tick of a driver who is not a plain one of the IDM.

    Imperfection is the dawdling of Krauss 1998 as SUMO has it: up to that share of the acceleration
    is lost in a tick, less for who is just starting. A driver with a reaction time looks in a tick
    with the chance dt / (dt + reaction), so the mean wait is the reaction time; who does not look
    keeps the speed. That holds for who stands, and for who follows within twice the wanted gap and
    need not brake harder than is comfortable ("action points": Todosiev 1963, "The action point
    model of the driver-vehicle system"). Both are draws by vehicle and tick.
    """
    if kinds[kind, MODEL] == KRAUSS:
        speed = krauss_speed(v, v0, gap, v_lead, dt, kinds, kind)
    else:
        speed = next_speed(v, v0, gap, v_lead, dt, kinds, kind)
    least = v - kinds[kind, BRAKE] * dt
    reaction = kinds[kind, REACTION]
    if reaction > ZERO and speed >= least:
        wanted = kinds[kind, STANDSTILL] + v * kinds[kind, HEADWAY]
        looks = uniform(key, vehicle, tick, LOOKS) * (dt + reaction) < dt
        if not looks and (v < STANDS or gap < TWO * wanted):
            speed = min(v, max(ZERO, (gap - KEEP) / dt))
    share = kinds[kind, IMPERFECTION]
    if share > ZERO:
        lost = share * min(speed, kinds[kind, ACCEL]) * dt
        lost *= uniform(key, vehicle, tick, DAWDLES)
        speed = max(ZERO, speed - lost, min(speed, least))
    return speed
