"""Which places and units the parameters of a rule may name, known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.core.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from twin.agents.world import World
    from twin.city.model import City


@dataclass(frozen=True, slots=True)
class Fleet:
    """A city with the stations and units that a scenario leaves in it, by id."""

    city: City
    stations: frozenset[str]
    units: frozenset[str]


def fleet_of(world: World) -> Fleet:
    """Return what there is in a model that has been made."""
    units = frozenset(unit.unit_id for unit in world.units)
    return Fleet(world.city, frozenset(world.stations), units)


def unknown_stations(fleet: Fleet, ids: Sequence[str], field: str) -> Iterator[InputError]:
    """Yield an error for each id of a station that is not there, once."""
    for station in dict.fromkeys(ids):
        if station not in fleet.stations:
            yield InputError(
                f"the city has no station {station!r}",
                field=field,
                hint=did_you_mean(station, sorted(fleet.stations))
                or "`twin city places` lists what there is; stations are named by id",
            )
