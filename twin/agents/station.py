"""Stations: where units wait between calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.agents.agent import CityAgent
from twin.network.graph import Place

if TYPE_CHECKING:
    from twin.agents.units.unit import Unit
    from twin.agents.world import World


class Station(CityAgent):
    """A place where units are based.

    Parameters
    ----------
    world
        The model.
    station_id, name
        How it is known.
    serves
        `"ems"`, `"fire"` or `"both"`.
    place
        Its gate on the road.
    """

    def __init__(
        self, world: World, station_id: str, name: str, *, serves: str, place: Place
    ) -> None:
        super().__init__(world)
        self.station_id = station_id
        self.name = name
        self.serves = serves
        self.place = place
        self.units: list[Unit] = []
