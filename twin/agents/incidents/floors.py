"""The way from the vehicle to the patient: a door, and floors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.agents.world import World
    from twin.scenarios.chain import Chain


def way_to_patient_s(world: World, call_id: str) -> float:
    """Return the seconds from a vehicle's stop to the patient of a call, the same for every crew.

    The number of floors is geometric from 0 on: P(N = k) = p (1 - p)^k with the mean 1 / p - 1.
    Nothing is drawn where floors take no time.
    """
    chain = world.scenario.chain
    if not (chain.floor_s and chain.floors):
        return chain.to_patient_s
    u = float(world.streams.lent("floor", call_id).random())
    higher = chain.floors / (1.0 + chain.floors)
    return chain.to_patient_s + chain.floor_s * int(math.log1p(-u) / math.log(higher))


def mean_left_s(chain: Chain, gone_s: float) -> float:
    """Return E[W - t | W > t], what is left of the way W to a patient after t seconds of it.

    The number of floors has no memory: of a crew that is still on its way to floor k it is known
    that N >= k, and then E[N] = k + E[N] of all calls. 0 where no way is as long.
    """
    fixed = chain.to_patient_s
    if gone_s < fixed or not (chain.floor_s and chain.floors):
        return max(fixed + chain.floor_s * chain.floors - gone_s, 0.0)
    next_floor = math.floor((gone_s - fixed) / chain.floor_s) + 1
    return fixed + chain.floor_s * (next_floor + chain.floors) - gone_s
