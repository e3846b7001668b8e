"""Where a patient is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.agents.policies.registry import register
from twin.agents.policies.scores import Scores

if TYPE_CHECKING:
    from twin.agents.ambulance import Ambulance
    from twin.agents.hospital import Hospital
    from twin.agents.world import World


@register("hospital")
class NearestSuitable:
    """The hospital that is reached first by current travel times."""

    name = "nearest-suitable"

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""
        eta = world.mobility.travel_times(
            ambulance.place, [h.place for h in hospitals], siren=ambulance.siren
        )
        return Scores(eta, eta)


@register("hospital")
class Recorded:
    """The hospital that is recorded of the call, while it accepts; else the one reached first."""

    name = "recorded"

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""
        eta = world.mobility.travel_times(
            ambulance.place, [h.place for h in hospitals], siren=ambulance.siren
        )
        wanted = "" if ambulance.task is None else ambulance.task.incident.call.hospital_id
        meant = np.array([h.hospital_id == wanted for h in hospitals])
        if not np.isfinite(eta[meant]).any():
            return Scores(eta, eta)
        return Scores(eta, np.where(meant, eta, np.inf))
