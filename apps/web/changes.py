"""What a scenario changes, as the map marks it and the panel lists it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.stations import station_names
from apps.web.scene import local
from apps.web.texts import LANGUAGES, words
from twin.city.model import City
from twin.city.names import Names, by_language
from twin.core.clock import parse_clock
from twin.core.errors import InputError
from twin.scenarios.change_kinds import (
    AddStation,
    AddUnits,
    BanTurn,
    BusLane,
    Change,
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
    ScaleDemand,
    SetPolicy,
    Toll,
    Weather,
    WorkZone,
)
from twin.scenarios.named_roads import links_of, signals_of, turns_of
from twin.scenarios.policy import ROLES
from twin.scenarios.spec import Scenario

Mark = dict[str, Any]

_SHORTEST_NAMES = 3
"""Of longer lists of units only so many are named."""


def change_list(scenario: Scenario, city: City) -> list[Mark]:
    """Return the changes in their order.

    Returns
    -------
    list
        For each `key` (`change:1`), `sign` (what to draw: close | lanes | station | units |
        hospital | other), `t0` and `t1` (city time, s; None without a bound), `x`, `y` (local
        metres; None where it has no place), `links` (indices of closed links), `target` (key of
        the place that it is about, or ""), and by language `words` and `when`.
    """
    telling = _Telling(scenario, city)
    return [telling.mark(number, each) for number, each in enumerate(scenario.changes, start=1)]


def _clock(value: str | None) -> float | None:
    return None if value is None else parse_clock(value)


def _when(change: Change) -> Names:
    at, until = getattr(change, "at", None), getattr(change, "until", None)
    if isinstance(change, InjectIncident):
        return dict.fromkeys(LANGUAGES, change.at)
    form = {(True, True): "from_until", (True, False): "from", (False, True): "until"}.get(
        (at is not None, until is not None), "whole_run"
    )
    return {lang: words(lang)["change"][form].format(at=at, until=until) for lang in LANGUAGES}


class _Telling:
    def __init__(self, scenario: Scenario, city: City) -> None:
        self.city = city
        names = station_names(city, scenario.changes)
        self.stations = _places(city, "stations", "station_id", names)
        hospitals = city["hospitals"]
        called = zip(hospitals["hospital_id"], map(by_language, hospitals["name"]), strict=True)
        self.hospitals = _places(city, "hospitals", "hospital_id", dict(called))
        for change in scenario.changes:
            if isinstance(change, AddStation):
                x, y = local(city.network, np.array([change.lon]), np.array([change.lat]))
                at = (names[change.station_id], float(x[0]), float(y[0]))
                self.stations[change.station_id] = at

    def mark(self, number: int, change: Change) -> Mark:
        mark: Mark = {
            "key": f"change:{number}",
            "sign": "other",
            "t0": _clock(getattr(change, "at", None)),
            "t1": _clock(getattr(change, "until", None)),
            "x": None,
            "y": None,
            "links": [],
            "target": "",
            "when": _when(change),
        }
        form, values = self._say(change, mark)
        mark["words"] = {
            lang: words(lang)["change"][form].format(
                **{
                    key: each.get(lang, "") if isinstance(each, dict) else each
                    for key, each in values.items()
                }
            )
            for lang in LANGUAGES
        }
        return mark

    def _say(self, change: Change, mark: Mark) -> tuple[str, dict[str, Any]]:
        """Fill in where a change is; return the form of its sentence and what is put into it."""
        if isinstance(change, CloseLinks | WorkZone):
            return self._close(change, mark)
        if isinstance(change, Toll | BanTurn | BusLane):
            return self._burden(change, mark)
        if isinstance(change, AddStation):
            mark["sign"] = "station"
            return "add_station", {"station": self._at_station(change.station_id, mark)}
        if isinstance(change, AddUnits):
            mark["sign"] = "units"
            station = self._at_station(change.station, mark)
            return "add_units", {
                "count": change.count, "unit": _kind(change.unit), "station": station,
            }  # fmt: skip
        if isinstance(change, RemoveUnits):
            mark["sign"] = "units"
            if change.units:
                return "remove_these", {"units": _listed(change.units)}
            return "remove_units", {
                "count": change.count,
                "unit": _kind(change.unit),
                "station": self._at_station(change.station or "", mark),
            }
        if isinstance(change, MoveUnits):
            mark["sign"] = "units"
            station = self._at_station(change.to, mark)
            return "move_units", {"units": _listed(change.units), "station": station}
        if isinstance(change, OffRoad):
            mark["sign"] = "units"
            return "off_road", {"units": _listed(change.units)}
        if isinstance(change, CloseHospital):
            return f"{change.mode}_hospital", {"hospital": self._at_hospital(change.hospital, mark)}
        if isinstance(change, OpenHospital):
            return "open_hospital", {"hospital": self._at_hospital(change.hospital, mark)}
        if isinstance(change, CloseBeds):
            where = self._at_hospital(change.hospital, mark)
            return "close_beds", {"hospital": where, "count": change.beds}
        if isinstance(change, ChooseHospital):
            where = self._at_hospital(change.hospital, mark)
            return "choose_hospital", {"call": change.call, "hospital": where}
        if isinstance(change, ChooseUnit):
            mark["sign"] = "units"
            return "choose_unit", {"call": change.call, "unit": change.unit}
        if isinstance(change, InjectIncident):
            x, y = local(self.city.network, np.array([change.lon]), np.array([change.lat]))
            mark["x"], mark["y"] = float(x[0]), float(y[0])
            return "inject", {"kind": _kind(change.incident)}
        if isinstance(change, PreemptSignals | RetimeSignals):
            return self._at_signals(change, mark)
        if isinstance(change, Weather):
            sky = {lang: words(lang)["sky"][change.sky] for lang in LANGUAGES}
            return "weather", {"sky": sky}
        if isinstance(change, ScaleDemand):
            return "scale_demand", {"factor": f"{change.factor:g}"}
        return "set_policy", {"rules": _rules(change)}

    def _at_hospital(self, hospital_id: str, mark: Mark) -> Names:
        mark["sign"] = "hospital"
        name, mark["x"], mark["y"] = self.hospitals.get(
            hospital_id, (dict.fromkeys(LANGUAGES, hospital_id), None, None)
        )
        mark["target"] = f"hospital:{hospital_id}"
        return name

    def _close(self, change: CloseLinks | WorkZone, mark: Mark) -> tuple[str, dict[str, Any]]:
        network = self.city.network
        try:
            links = links_of(change, network)
        except InputError:  # the city was built anew and has this road no longer
            links = np.empty(0, np.int32)
        mark["links"] = links.tolist()
        mark["sign"] = "close" if change.lanes is None else "lanes"
        if len(links):
            mark["x"], mark["y"] = _middle(self.city, links)
        road = _road(self.city, links, change.street)
        if isinstance(change, WorkZone):
            return "work_zone", {"road": road, "lanes": change.lanes}
        if change.lanes is None:
            return "close_links", {"road": road}
        return "close_lanes", {"road": road, "lanes": change.lanes}

    def _burden(self, change: Toll | BanTurn | BusLane, mark: Mark) -> tuple[str, dict[str, Any]]:
        network = self.city.network
        try:
            if isinstance(change, BanTurn):
                links = np.unique(network.turn_from[turns_of(change, network)])
            else:
                links = links_of(change, network)
        except InputError:
            links = np.empty(0, np.int32)
        if len(links):
            mark["x"], mark["y"] = _middle(self.city, links)
        if isinstance(change, Toll):
            return "toll", {"road": _road(self.city, links, change.street)}
        if isinstance(change, BusLane):
            return "bus_lane", {"road": _road(self.city, links, change.street)}
        return "ban_turn", {"road": _road(self.city, links, None)}

    def _at_signals(
        self, change: PreemptSignals | RetimeSignals, mark: Mark
    ) -> tuple[str, dict[str, Any]]:
        network = self.city.network
        try:
            signals = signals_of(change, network)
        except InputError:
            signals = np.empty(0, np.int32)
        links = np.flatnonzero(np.isin(network.node_signal[network.link_to], signals))
        if len(links):
            mark["x"], mark["y"] = _middle(self.city, links.astype(np.int32))
        count = {"count": len(signals)}
        if isinstance(change, PreemptSignals):
            return "preempt_signals", count
        return "retime_signals", count

    def _at_station(self, station_id: str, mark: Mark) -> Names:
        name, mark["x"], mark["y"] = self.stations.get(
            station_id, (dict.fromkeys(LANGUAGES, station_id), None, None)
        )
        mark["target"] = f"station:{station_id}"
        return name


def _places(
    city: City, table: str, key: str, names: Mapping[str, Names]
) -> dict[str, tuple[Names, float | None, float | None]]:
    frame = city[table]
    x, y = local(city.network, frame["lon"].to_numpy(), frame["lat"].to_numpy())
    rows = zip(frame[key], x.tolist(), y.tolist(), strict=True)
    return {str(place): (names[place], at_x, at_y) for place, at_x, at_y in rows}


def _middle(city: City, links: NDArray[np.int32]) -> tuple[float, float]:
    """Return the point of the links that is nearest to the middle of them all."""
    network = city.network
    rows = np.concatenate([np.arange(network.geom_ptr[k], network.geom_ptr[k + 1]) for k in links])
    x, y = network.geom_x[rows], network.geom_y[rows]
    off = np.hypot(x - (x.min() + x.max()) / 2, y - (y.min() + y.max()) / 2)
    at = int(np.argmin(off))
    return round(float(x[at]), 1), round(float(y[at]), 1)


def _road(city: City, links: NDArray[np.int32], street: str | None) -> Names:
    """Return the name of the road that a change is about: the commonest among its links."""
    network = city.network
    named = network.link_name[links]
    named = named[named >= 0]
    if len(named):
        values, counts = np.unique(named, return_counts=True)
        if name := network.names[int(values[np.argmax(counts)])]:
            return by_language(name)
    if street is not None:
        return dict.fromkeys(LANGUAGES, street)
    return {lang: words(lang)["change"]["some_road"] for lang in LANGUAGES}


def _kind(kind: str) -> Names:
    return {lang: words(lang)["kind"].get(kind, kind) for lang in LANGUAGES}


def _listed(units: list[str]) -> str:
    more = len(units) - _SHORTEST_NAMES
    return ", ".join(units[:_SHORTEST_NAMES]) + (f" +{more}" if more > 0 else "")


def _rules(change: SetPolicy) -> Names:
    rules = {role: getattr(change, role) for role in ROLES}
    parameters = [
        f"“{rule}” {name} = {value}"
        for rule, table in change.parameters.items()
        for name, value in table.items()
    ]
    return {
        lang: ", ".join(
            [
                f"{words(lang)['change'][f'rule_{rule}']} “{policy}”"
                for rule, policy in rules.items()
                if policy is not None
            ]
            + parameters
        )
        for lang in LANGUAGES
    }
