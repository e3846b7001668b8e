"""Where a patient is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from twin.agents.hospitals.choice import chance_of_refusal, need_of
from twin.agents.policies.registry import register
from twin.agents.policies.scores import Scores

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.units.ambulance import Ambulance
    from twin.agents.world import World


@register("hospital")
class NearestSuitable:
    """The hospital that is reached first by current travel times."""

    name = "nearest-suitable"

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""
        # Where nobody keeps the candidates, the search may end when the first one is known.
        beside = None if world.scenario.record.decisions else np.zeros(len(hospitals))
        eta = world.mobility.travel_times(
            ambulance.place,
            [h.place for h in hospitals],
            siren=ambulance.siren,
            beside=beside,
            moving=ambulance.moving,
        )
        return Scores(eta, eta)


@register("hospital")
class Recorded:
    """The hospital that is recorded of the call, while it accepts; else the one reached first."""

    name = "recorded"

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""
        eta = world.mobility.travel_times(
            ambulance.place,
            [h.place for h in hospitals],
            siren=ambulance.siren,
            moving=ambulance.moving,
        )
        wanted = "" if ambulance.task is None else ambulance.task.incident.call.hospital_id
        meant = np.array([h.hospital_id == wanted for h in hospitals])
        if not np.isfinite(eta[meant]).any():
            return Scores(eta, eta)
        return Scores(eta, np.where(meant, eta, np.inf))


SEVERE = frozenset({"regional"})
"""Classes of hospital (`level`) for severe patients: centres."""
LEAST_CHANCE = 1e-3
"""A hospital that never accepts is asked last, not never."""
MILD = frozenset({"local", "basic"})
"""Classes for all others."""


@register("hospital")
class ByClass:
    """Severe patients to a regional centre, all others to a local or basic hospital.

    So the Korean rule for ambulances of 119 asks. A hospital of the patient's class is taken while
    the drive there is no more than a detour longer than to the nearest: the score of a hospital of
    another class is its drive and that detour.
    """

    name = "by-class"

    def __init__(
        self,
        severe_priority: Annotated[
            int,
            Field(
                ge=0,
                le=4,
                description="Least urgent priority that counts as severe; patients who need more "
                "than emergency care do in any case.",
            ),
        ] = 1,
        detour_min: Annotated[
            float,
            Field(
                ge=0.0,
                le=240.0,
                description="How much longer the drive to a hospital of the patient's class may "
                "be, minutes.",
            ),
        ] = 15.0,
    ) -> None:
        self.severe_priority = severe_priority
        self.detour_s = 60.0 * detour_min

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""
        eta = world.mobility.travel_times(
            ambulance.place,
            [h.place for h in hospitals],
            siren=ambulance.siren,
            moving=ambulance.moving,
        )
        task = ambulance.task
        severe = task is not None and (
            task.priority <= self.severe_priority or bool(need_of(world, task))
        )
        fits = np.array([h.level in (SEVERE if severe else MILD) for h in hospitals])
        return Scores(eta, eta + np.where(fits, 0.0, self.detour_s))


@register("hospital")
class SoonestTreatment:
    """The hospital where the patient is expected to be treated first, refusals reckoned with.

    The drive T1, the expected wait for a bed T2 and the chance p that the hospital accepts make the
    score z = T1 + T2 + e / p, where e is what it takes to ask. To ask in the order of z is best on
    average: it solves e = p (z - T1 - T2), the reservation price of Weitzman (1979, Optimal search
    for the best alternative) for a box that costs e to open and holds T1 + T2 with the chance p,
    else nothing. All but the drive is by the hospital's last report.
    """

    name = "soonest-treatment"

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""
        eta = world.mobility.travel_times(
            ambulance.place,
            [h.place for h in hospitals],
            siren=ambulance.siren,
            moving=ambulance.moving,
        )
        priority = 1 if ambulance.task is None else ambulance.task.priority
        wait = np.array([h.expected_wait_s(priority) for h in hospitals])
        settings = world.scenario.hospitals
        refused = [chance_of_refusal(settings, full=h.known_full) for h in hospitals]
        accepted = np.maximum(1.0 - np.array(refused), LEAST_CHANCE)
        return Scores(eta, eta + wait + settings.enquiry_s / accepted)
