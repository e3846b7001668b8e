"""What a scenario's changes ask of a city: what is not there, or cannot happen, is refused.

A change that cannot happen is an error and not a change without effect: a what-if whose closure
silently does nothing would be reported as "no difference".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.model import City
from twin.city.names import unit_like
from twin.core.clock import parse_clock
from twin.core.errors import InputError, did_you_mean
from twin.network.graph import Network
from twin.network.stages import plan_at_cycle
from twin.scenarios.change_kinds import (
    AddStation,
    AddUnits,
    BanTurn,
    BusLane,
    ChooseHospital,
    ChooseUnit,
    CloseBeds,
    CloseHospital,
    CloseLinks,
    InjectIncident,
    MoveUnits,
    OffRoad,
    OpenHospital,
    PreemptSignals,
    RemoveUnits,
    RetimeSignals,
    SetPolicy,
    Toll,
    WorkZone,
)
from twin.scenarios.named_roads import links_of, nodes_numbered, signals_of, turns_of
from twin.scenarios.spec import Scenario

_MARGIN_DEG = 0.02


def check(scenario: Scenario, city: City) -> None:
    """Refuse a scenario whose changes cannot happen in its city or in its period.

    Raises
    ------
    InputError
        The first of `faults`.
    """
    for fault in faults(scenario, city):
        raise fault


def faults(scenario: Scenario, city: City) -> Iterator[InputError]:
    """Yield what is wrong with each change that cannot happen, the first thing of each.

    An error names the change and its field, as in `changes.2.street`.
    """
    if city.is_table:
        yield from _without_streets(scenario)
    stations = set(city["stations"]["station_id"])
    units = city["units"]
    gone: set[str] = set()
    try:
        nodes_numbered(
            city.network, scenario.traffic.preemption.junctions, "traffic.preemption.junctions"
        )
    except InputError as error:
        yield error
    for number, change in enumerate(scenario.changes, start=1):
        try:
            _check_time(change, scenario)
            if isinstance(change, CloseLinks | WorkZone):
                links = links_of(change, city.network)
                _check_lanes(change, city.network, links)
            elif isinstance(change, Toll):
                links_of(change, city.network)
            elif isinstance(change, BanTurn):
                turns_of(change, city.network)
            elif isinstance(change, BusLane):
                _check_bus_lane(change, scenario, city.network)
            elif isinstance(change, PreemptSignals | RetimeSignals):
                _check_signals(change, scenario, city.network)
            elif isinstance(change, AddStation):
                if change.station_id in stations:
                    raise InputError(
                        f"there is a station {change.station_id!r} already", field="station_id"
                    )
                stations.add(change.station_id)  # wherever: units at it are no second mistake
                _check_position(change.lon, change.lat, city.network)
            elif isinstance(change, AddUnits):
                _check_known("station", change.station, stations, city["stations"]["name"])
            elif isinstance(change, RemoveUnits):
                gone |= _removed(change, city, stations, gone)
            elif isinstance(change, MoveUnits):
                _check_once(change.units)
                _check_units(change.units, units, gone)
                _check_known("station", change.to, stations, city["stations"]["name"], field="to")
            elif isinstance(change, OffRoad):
                _check_once(change.units)
                _check_units(change.units, units, gone)
            elif isinstance(change, CloseHospital | OpenHospital | CloseBeds | ChooseHospital):
                hospitals = city["hospitals"]
                known = set(hospitals["hospital_id"])
                _check_known("hospital", change.hospital, known, hospitals["name"])
                if isinstance(change, CloseBeds):
                    _check_beds(change, scenario, city)
            elif isinstance(change, InjectIncident):
                _check_position(change.lon, change.lat, city.network)
                _check_type(change, scenario)
        except InputError as error:
            yield InputError(
                error.message, field=f"changes.{number}.{error.field}", hint=error.hint
            )


_WITHOUT_STREETS = (
    *(AddStation, AddUnits, RemoveUnits, MoveUnits),
    *(OffRoad, CloseHospital, OpenHospital, CloseBeds),
    *(ChooseUnit, ChooseHospital, InjectIncident, SetPolicy),
)
"""Changes that a city of travel times can have."""


def _without_streets(scenario: Scenario) -> Iterator[InputError]:
    """Yield what of a scenario a city of travel times cannot have."""
    none = "the city has travel times and no streets"
    if scenario.traffic.fidelity != "table":
        yield InputError(none, field="traffic.fidelity", hint='set traffic.fidelity = "table"')
    if scenario.policy.dispatch == "closest-free-flow":
        yield InputError(none, field="policy.dispatch", hint="closest-idle asks the travel times")
    for number, change in enumerate(scenario.changes, start=1):
        if not isinstance(change, _WITHOUT_STREETS):
            yield InputError(none, field=f"changes.{number}.kind")
        if isinstance(change, SetPolicy) and change.dispatch == "closest-free-flow":
            yield InputError(none, field=f"changes.{number}.dispatch")


def _check_time(change: object, scenario: Scenario) -> None:
    at, until = getattr(change, "at", None), getattr(change, "until", None)
    if isinstance(change, InjectIncident) and parse_clock(change.at) < scenario.period.start_s:
        raise InputError(
            f"the incident comes at {at}, before the run begins ({scenario.period.start})",
            field="at",
        )
    if at is not None and parse_clock(at) >= scenario.period.end_s:
        raise InputError(
            f"the change begins at {at}, when the run has ended ({scenario.period.end})",
            field="at",
        )
    if until is not None and parse_clock(until) <= scenario.period.start_s:
        raise InputError(
            f"the change is over at {until}, before the run begins ({scenario.period.start})",
            field="until",
        )


def _check_beds(change: CloseBeds, scenario: Scenario, city: City) -> None:
    beds, hospitals = scenario.hospitals.beds, city["hospitals"]
    if beds is None and "beds" in hospitals:
        here = hospitals["hospital_id"] == change.hospital
        beds = int(hospitals.loc[here, "beds"].iloc[0])
    if not beds:
        raise InputError(
            f"no emergency room of {change.hospital!r} is simulated",
            field="beds",
            hint="set hospitals.beds",
        )
    if change.beds >= beds:
        raise InputError(
            f"{change.beds} of {beds} beds cannot be closed; one stays in use",
            field="beds",
            hint="`close-hospital` closes them all",
        )


def _check_lanes(change: CloseLinks | WorkZone, network: Network, links: NDArray[np.int32]) -> None:
    if change.lanes is None:
        return
    most = int(network.link_lanes[links].max())
    if change.lanes > most:
        raise InputError(
            f"{change.lanes} lanes cannot be closed where there are at most {most}", field="lanes"
        )
    if isinstance(change, WorkZone) and change.lanes and change.lanes == most:
        raise InputError(
            f"work beside traffic leaves one lane open, and there are at most {most}",
            field="lanes",
            hint="0 closes none; `close-links` closes the road",
        )


def _check_bus_lane(change: BusLane, scenario: Scenario, network: Network) -> None:
    if scenario.traffic.fidelity == "table":
        raise InputError("bus lanes are kept only in fidelity = 'micro' or 'meso'", field="kind")
    links = links_of(change, network)
    wide = network.link_lanes[links] > 1
    named = np.isin(network.link_id[links], change.links)
    if (named & ~wide).any():
        narrow = int(network.link_id[links[named & ~wide][0]])
        raise InputError(f"link {narrow} has one lane, which cars need", field="links")
    if not wide.any():
        raise InputError(f"no link of {change.street!r} has two lanes", field="street")


def _check_signals(
    change: PreemptSignals | RetimeSignals, scenario: Scenario, network: Network
) -> None:
    if scenario.traffic.fidelity != "micro":
        raise InputError("signals are run only in fidelity = 'micro'", field="kind")
    signals = signals_of(change, network)
    if isinstance(change, RetimeSignals) and change.cycle_s is not None:
        for signal in signals.tolist():
            plan_at_cycle(network, signal, change.cycle_s)


def _check_position(lon: float, lat: float, network: Network) -> None:
    for field, value, column in (("lon", lon, network.node_lon), ("lat", lat, network.node_lat)):
        low, high = float(column.min()) - _MARGIN_DEG, float(column.max()) + _MARGIN_DEG
        if not low <= value <= high:
            raise InputError(
                f"{value} is outside the city ({low:.3f} to {high:.3f} degrees)", field=field
            )


def _check_type(change: InjectIncident, scenario: Scenario) -> None:
    known = [each.name for each in scenario.care.types if each.kind == change.incident]
    if change.type is not None and change.type not in known:
        raise InputError(
            f"there is no {change.incident} type {change.type!r} in care.types",
            field="type",
            hint=did_you_mean(change.type, known),
        )


def _check_known(
    what: str,
    key: str,
    known: set[str],
    names: Iterable[str] = (),
    *,
    field: str | None = None,
) -> None:
    if key not in known:
        hint = did_you_mean(key, sorted(known))
        if hint is None and key in set(names):
            hint = f"that is a name; give the {what}'s id"
        if hint is None:
            hint = f"`twin city places` lists what there is; {what}s are named by id"
        raise InputError(f"the city has no {what} {key!r}", field=field or what, hint=hint)


def _check_units(named: Sequence[str], units: pd.DataFrame, gone: set[str], kind: str = "") -> None:
    """Refuse a unit that is not there; hints are of the kind of those named that are."""
    left = units[~units["unit_id"].isin(gone)]
    kinds = dict(zip(left["unit_id"], left["kind"], strict=True))
    others = {kinds[unit] for unit in named if unit in kinds}
    kind = others.pop() if len(others) == 1 else kind
    for unit in named:
        if unit not in kinds:
            raise InputError(
                f"the city has no unit {unit!r}",
                field="units",
                hint=unit_like(unit, kinds, kind)
                or "`twin city places` lists what there is; units are named by id",
            )


def _check_once(units: list[str]) -> None:
    for unit, times in Counter(units).items():
        if times > 1:
            raise InputError(f"the unit {unit!r} is named {times} times", field="units")


def _removed(change: RemoveUnits, city: City, stations: set[str], gone: set[str]) -> set[str]:
    units = city["units"]
    left = units[~units["unit_id"].isin(gone)]
    if change.units:
        _check_once(change.units)
        _check_units(change.units, units, gone, change.unit)
        return set(change.units)
    if change.station is None:
        raise InputError("name `units`, or a `station`", field="units")
    _check_known("station", change.station, stations, city["stations"]["name"])
    there = left[(left["station_id"] == change.station) & (left["kind"] == change.unit)]
    if change.count > len(there):
        raise InputError(
            f"station {change.station!r} has {len(there)} of these units, "
            f"so {change.count} cannot be removed",
            field="count",
        )
    return set(there["unit_id"].iloc[-change.count :])
