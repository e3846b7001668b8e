"""A fixed order of units or stations for each part of the city."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from twin.agents.deployment.cover import drive_seconds
from twin.agents.policies.dispatch import turnout
from twin.agents.policies.fleet import Fleet, fleet_of
from twin.agents.policies.registry import register
from twin.agents.policies.scores import F64, Scores
from twin.core.errors import InputError, did_you_mean
from twin.network.graph import Place

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Incident
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World


@register("dispatch")
class Beats:
    """The free unit that stands highest on a fixed list for the place of the call.

    Such lists of preference are the policy of the hypercube model (Larson 1974, "A hypercube
    queuing model for facility location and redistricting in urban emergency services", Computers
    and Operations Research 1). Where no list is given for a zone, its stations are in the order of
    the drive from them to the zone's middle on empty streets.
    """

    name = "beats"
    hold_s = 0.0

    def __init__(
        self,
        *,
        lists: Annotated[
            dict[str, list[str]],
            Field(
                description="Ids of units or stations, the preferred first, by place (of a city of "
                "travel times), zone or district; those that are left out come last."
            ),
        ] = {},  # noqa: B006  # nobody changes it
    ) -> None:
        self._lists = {area: _ranks(ids) for area, ids in lists.items()}
        self._by_drive: dict[int, dict[str, int]] = {}
        self._seconds: F64 | None = None

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task: by their places on the list, then by arrival."""
        incident = task.incident
        ranks = self._list(world, incident)
        last = float(len(ranks))
        place = np.array(
            [float(ranks.get(u.unit_id, ranks.get(u.base.station_id, last))) for u in units]
        )
        eta = world.mobility.etas([u.handle for u in units], incident.place, siren=incident.siren)
        score = np.where(np.isfinite(eta), place, np.inf)
        return Scores(eta, score, turnout(world, task, units), "beat", place + 1.0, "beat")

    def _list(self, world: World, incident: Incident) -> dict[str, int]:
        """Return the places of units and stations on the list of where a call is."""
        city = world.city
        if city.is_table:
            zone = incident.place.link
            names = [str(city["places"]["place_id"].iloc[zone])]
        else:
            zone = world.zone_of(incident.place)
            names = [str(city["zones"]["zone_id"].iloc[zone])] if zone >= 0 else []
        for area in (*names, incident.call.district):
            if area in self._lists:
                return self._lists[area]
        if zone not in self._by_drive:
            self._by_drive[zone] = self._nearest(world, zone)
        return self._by_drive[zone]

    def _nearest(self, world: World, zone: int) -> dict[str, int]:
        """Return the places of the stations in the order of their drives to a zone."""
        if zone < 0:
            return {}
        if self._seconds is None:
            places = [station.place for station in world.stations.values()]
            self._seconds = drive_seconds(world.city, world.scenario, places, _middles(world))
        order = np.argsort(self._seconds[:, zone], kind="stable").tolist()
        ids = list(world.stations)
        return _ranks([ids[k] for k in order])

    def check(self, world: World) -> None:
        """Refuse lists of areas, units or stations that the city does not have."""
        for fault in self.faults(fleet_of(world)):
            raise fault

    def faults(self, fleet: Fleet) -> Iterator[InputError]:
        """Yield what is wrong with the lists: areas, units and stations that are not there."""
        city, field = fleet.city, f"policy.parameters.{self.name}.lists"
        areas = {*city["zones"]["district"].astype(str), *city["districts"]["district"].astype(str)}
        if city.is_table:
            areas |= set(city["places"]["place_id"].astype(str))
        else:
            areas |= set(city["zones"]["zone_id"].astype(str))
        bases = fleet.stations | fleet.units
        for area, ranks in self._lists.items():
            if area not in areas:
                yield InputError(
                    f"the city has no place, zone or district {area!r}",
                    field=f"{field}.{area}",
                    hint=did_you_mean(area, sorted(areas)),
                )
            for name in ranks:
                if name not in bases:
                    yield InputError(
                        f"the city has no unit or station {name!r}",
                        field=f"{field}.{area}",
                        hint=did_you_mean(name, sorted(bases)),
                    )


def _middles(world: World) -> list[Place]:
    """Return the places of a city of travel times, else the doors nearest to the zones' middles."""
    city = world.city
    if city.is_table:
        return [Place(link, 0.0) for link in range(len(city["places"]))]
    zones = city["zones"]
    link, pos, _ = world.doors.nearest_many(zones["lon"], zones["lat"])
    return [Place(int(a), float(b)) for a, b in zip(link, pos, strict=True)]


def _ranks(ids: Sequence[str]) -> dict[str, int]:
    """Return the place of each on a list, from 0."""
    return {name: place for place, name in reversed(list(enumerate(ids)))}
