"""Where free units wait: home, or wherever they are needed most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from twin.agents.policies.registry import register
from twin.agents.policies.scores import Move

if TYPE_CHECKING:
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

SAME = 1e-9
"""Gains that differ by less than this share of the demand are equal: the shorter drive decides."""


@register("moveup")
class StayHome:
    """Every unit goes back to its own station."""

    name = "none"
    triggers: ClassVar[frozenset[str]] = frozenset()

    def check(self, world: World) -> None:
        """Do nothing: there are no parameters."""

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:  # noqa: ARG002
        """Return no move."""
        return []


@register("moveup")
class Dmexclp:
    """A unit that becomes free goes where it adds most to the expected cover.

    With k_i other free units that reach point i in time, counted at the stations for which they
    head, it goes to the station with the greatest sum of d_i (1 - q) q^k_i over the points within
    reach (Jagtenberg, Bhulai and van der Mei 2015, "An efficient heuristic for real-time ambulance
    redeployment", Operations Research for Health Care 4). Reach and q are those of `coverage`.
    """

    name = "dmexclp"
    triggers: ClassVar[frozenset[str]] = frozenset({"free"})

    def check(self, world: World) -> None:
        """Do nothing: there are no parameters."""

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:
        """Return where the freed unit goes."""
        if freed is None:
            return []
        cover = world.cover(freed.kind)
        gain = cover.gain(cover.counts(unit for unit in units if unit is not freed))
        stations = [world.stations[base] for base in cover.bases]
        best = np.flatnonzero(gain >= gain.max() - SAME)
        eta = np.full(len(stations), np.nan)
        near = world.scenario.moves.longest_s is not None
        every = np.arange(len(stations)) if world.scenario.record.decisions or near else best
        if len(every) > 1:
            # A search of the streets costs most of the choice, so it is made where it is needed.
            eta[every] = world.deployer.drives.seconds([freed], [stations[k] for k in every])[0]
        if near:
            gain[np.isinf(eta)] = -np.inf
            best = np.flatnonzero(gain >= gain.max() - SAME)
        chosen = stations[int(best[np.argmin(eta[best])])]
        return [Move(freed, chosen, stations, eta, -gain)]
