"""Who stands where: stations, units and hospitals of a city after a scenario's fixed changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from twin.agents.deployment.deployer import Deployer
from twin.agents.dispatch.dispatcher import Dispatcher
from twin.agents.hospitals.hospital import Hospital
from twin.agents.policies.fleet import Fleet
from twin.agents.station import Station
from twin.agents.units.ambulance import Ambulance
from twin.agents.units.fire_engine import Command, FireEngine, Ladder, Rescue
from twin.agents.units.shifts import Shift, weekdays
from twin.agents.units.unit import Unit
from twin.city.model import City
from twin.core.clock import parse_clock
from twin.core.errors import InputError, did_you_mean
from twin.network.graph import Place
from twin.scenarios.change_kinds import AddStation, AddUnits, Change, MoveUnits, RemoveUnits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.agents.world import World
    from twin.scenarios.spec import Scenario

FIXED = (AddStation, AddUnits, RemoveUnits, MoveUnits)
"""Changes that hold for the whole run."""
UNIT_TYPES: dict[str, type[Unit]] = {
    kind.kind: kind for kind in (Ambulance, FireEngine, Ladder, Rescue, Command)
}
"""Class of each kind of unit in a city's table."""


def populate(world: World) -> None:
    """Put the dispatcher, the stations, the hospitals and the units of a scenario in their places.

    The scenario must have passed `twin.scenarios.changes.check`.
    """
    world.dispatcher = Dispatcher(world)
    for row in world.city["stations"].to_dict("records"):
        place = Place(int(row["link"]), float(row["pos_m"]))
        _station(world, str(row["station_id"]), str(row["name"]), str(row["kind"]), place)
    settings = world.scenario.hospitals
    for row in world.city["hospitals"].to_dict("records"):
        beds = int(row.get("beds", 0)) if settings.beds is None else settings.beds
        by_bed = settings.walk_ins_per_bed
        world.hospitals[str(row["hospital_id"])] = Hospital(
            world,
            str(row["hospital_id"]),
            str(row["name"]),
            place=Place(int(row["link"]), float(row["pos_m"])),
            capabilities=frozenset(str(row["capabilities"]).split()),
            is_open=bool(row["open"]),
            level=str(row["level"]),
            beds=beds,
            walk_ins_per_day=float(row.get("walk_ins_per_day", 0.0))
            if by_bed is None
            else by_bed * beds,
        )
    for change in world.scenario.changes:
        if isinstance(change, AddStation):
            place = world.doors.nearest(change.lon, change.lat)
            _station(
                world, change.station_id, change.name or change.station_id, change.serves, place
            )
    changes_s = tuple(parse_clock(clock) for clock in world.scenario.crews.changes)
    for row in roster(world.city, world.scenario.changes).to_dict("records"):
        kind = UNIT_TYPES[str(row["kind"])]
        shift = Shift(
            float(row["on_s"]),
            float(row["off_s"]),
            days=weekdays(row.get("days", "")),
            first_day=world.scenario.period.day.isoweekday(),
            changes_s=changes_s,
        )
        unit = kind(world, str(row["unit_id"]), world.stations[str(row["station_id"])], shift)
        world.units.append(unit)
    world.deployer = Deployer(world)
    world.kinds |= {unit.kind for unit in world.units}
    world.dispatcher.check(world.scenario)
    _set_levels(world)


def fleet(city: City, scenario: Scenario) -> Fleet:
    """Return the stations and units that a scenario leaves in its city."""
    new = (change.station_id for change in scenario.changes if isinstance(change, AddStation))
    return Fleet(
        city,
        frozenset({*city["stations"]["station_id"].astype(str), *new}),
        frozenset(roster(city, scenario.changes)["unit_id"].astype(str)),
    )


def _set_levels(world: World) -> None:
    """Say which ambulances give advanced life support; all do where the scenario names none."""
    advanced = world.scenario.care.advanced_units
    if advanced is None:
        return
    ambulances = {unit.unit_id: unit for unit in world.units if unit.kind == "ambulance"}
    for unit_id in advanced:
        if unit_id not in ambulances:
            raise InputError(
                f"there is no ambulance {unit_id!r}",
                field="care.advanced_units",
                hint=did_you_mean(unit_id, sorted(ambulances)),
            )
    for unit_id, unit in ambulances.items():
        unit.advanced = unit_id in advanced


def roster(city: City, changes: Sequence[Change]) -> pd.DataFrame:
    """Return the city's table of units after the fixed changes, in their order."""
    units = city["units"].reset_index(drop=True)
    for change in changes:
        if isinstance(change, AddUnits):
            units = pd.concat([units, _added(units, change)], ignore_index=True)
        elif isinstance(change, RemoveUnits):
            gone = change.units
            if not gone:
                there = (units["station_id"] == change.station) & (units["kind"] == change.unit)
                gone = list(units.loc[there, "unit_id"].iloc[-change.count :])
            units = units[~units["unit_id"].isin(gone)].reset_index(drop=True)
        elif isinstance(change, MoveUnits):
            moved = units["unit_id"].isin(change.units)
            units = units.assign(station_id=units["station_id"].mask(moved, change.to))
    return units


def _added(units: pd.DataFrame, change: AddUnits) -> pd.DataFrame:
    taken = set(units["unit_id"])
    ids: list[str] = []
    number = 1
    while len(ids) < change.count:
        unit_id = f"{change.station}-new-{change.unit}-{number}"
        if unit_id not in taken:
            ids.append(unit_id)
        number += 1
    return pd.DataFrame(
        {
            "unit_id": ids,
            "kind": change.unit,
            "station_id": change.station,
            "on_s": parse_clock(change.on),
            "off_s": parse_clock(change.off),
            **({"days": change.days} if change.days else {}),
        }
    )


def _station(world: World, station_id: str, name: str, serves: str, place: Place) -> None:
    world.stations[station_id] = Station(world, station_id, name, serves=serves, place=place)
