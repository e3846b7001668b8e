"""The way from the vehicle to the patient: a door, and floors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.agents.world import World


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
