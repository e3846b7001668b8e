"""The root of our Mesa agents."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

import mesa

if TYPE_CHECKING:
    from twin.agents.world import World


class _Ids:
    """Numbers of the agents of each model; Mesa's own table keeps every model alive for ever."""

    def __getitem__(self, world: World) -> itertools.count[int]:
        return world.agent_numbers


class CityAgent(mesa.Agent):  # type: ignore[misc]  # Mesa ships no types
    """A Mesa agent of a `World`; its life is a SimPy process.

    Parameters
    ----------
    world
        The model; Mesa registers the agent in `world.agents`.
    """

    _ids: ClassVar[_Ids] = _Ids()

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.world = world
