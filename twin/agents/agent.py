"""The root of our Mesa agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa

if TYPE_CHECKING:
    from twin.agents.world import World


class CityAgent(mesa.Agent):  # type: ignore[misc]  # Mesa ships no types
    """A Mesa agent of a `World`; its life is a SimPy process.

    Parameters
    ----------
    world
        The model; Mesa registers the agent in `world.agents`.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.world = world
