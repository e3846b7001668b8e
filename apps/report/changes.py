"""What a scenario changes, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatchmethod

from apps.stations import station_labels
from twin.city.model import City
from twin.city.names import by_language
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
    ScaleDemand,
    SetPolicy,
    Toll,
    Weather,
    WorkZone,
)
from twin.scenarios.conditions import factors
from twin.scenarios.spec import Scenario

_SERVES = {"ems": "ambulances", "fire": "fire engines", "both": "ambulances and fire engines"}
_UNITS = {
    "ambulance": ("ambulance", "ambulances"),
    "engine": ("fire engine", "fire engines"),
    "ladder": ("ladder", "ladders"),
    "rescue": ("rescue truck", "rescue trucks"),
    "command": ("command car", "command cars"),
}
_SKIES = {
    "rain-light": "Light rain",
    "rain-medium": "Rain",
    "rain-heavy": "Heavy rain",
    "snow-light": "Light snow",
    "snow-medium": "Snow",
    "snow-heavy": "Heavy snow",
    "fog": "Fog",
}
_MOST_NAMED = 6
_RUN = {
    "fixed": "by their plans",
    "actuated": "by who is there",
    "coordinated": "by who is there, with the plan's green on the main road",
    "max-pressure": "by the pressure of queues",
}


def change_sentences(scenario: Scenario, city: City, first: int = 0) -> list[str]:
    """Return one sentence a change.

    Parameters
    ----------
    scenario, city
        Whose changes, and the city that knows the names of places.
    first
        Changes before this one are left out, but the stations that they open are known.
    """
    teller = _Teller(scenario, city)
    return [teller.say(change) for change in scenario.changes[first:]]


class _Teller:
    """Says changes with the names that a city has for its places."""

    def __init__(self, scenario: Scenario, city: City) -> None:
        hospitals = city["hospitals"]
        self._stations = station_labels(city, scenario.changes, "en")
        names = [by_language(name)["en"] for name in hospitals["name"]]
        self._hospitals = dict(zip(hospitals["hospital_id"], names, strict=True))

    @singledispatchmethod
    def say(self, change: object) -> str:
        """Return the sentence of a change."""
        raise TypeError(type(change).__name__)

    @say.register
    def _(self, change: CloseLinks) -> str:
        named = _roads(change.street, change.links)
        roads = " and ".join(named)
        both = ", both directions," if change.street is not None else ""
        if change.lanes is None:
            verb = "are" if len(change.links) > 1 or len(named) > 1 else "is"
            return f"{_capital(roads)}{both} {verb} closed {_when(change.at, change.until)}."
        lanes = _number(change.lanes, "lane", "lanes")
        verb = "is" if change.lanes == 1 else "are"
        return f"{_capital(lanes)} of {roads}{both} {verb} closed {_when(change.at, change.until)}."

    @say.register
    def _(self, change: WorkZone) -> str:
        roads = " and ".join(_roads(change.street, change.links))
        both = ", both directions," if change.street is not None else ""
        said = [] if change.lanes == 0 else [f"closes {_number(change.lanes, 'lane', 'lanes')}"]
        if change.speed_limit_kmh is not None:
            said.append(f"sets a limit of {change.speed_limit_kmh:g} km/h")
        said.append(f"lets an open lane carry {change.lane_veh_h:g} cars an hour at most")
        what = f"Work ({change.reason})" if change.reason else "Work"
        text = " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)
        return f"{what} on {roads}{both} {text} {_when(change.at, change.until)}."

    @say.register
    def _(self, change: Weather) -> str:
        speed, capacity = factors(change)
        return (
            f"{_SKIES[change.sky]} {_when(change.at, change.until)}: free-flow speeds are "
            f"{100.0 * (1.0 - speed):.3g}% lower, lanes carry {100.0 * (1.0 - capacity):.3g}% less."
        )

    @say.register
    def _(self, change: Toll) -> str:
        roads = " and ".join(_roads(change.street, change.links))
        charge = (
            f"{change.charge_per_km:g} a kilometre"
            if change.charge is None
            else f"{change.charge:g} a link"
        )
        return (
            f"Driving on {roads} costs {charge} {_when(change.at, change.until)}; "
            f"an hour is worth {change.value_of_time:g} to drivers."
        )

    @say.register
    def _(self, change: BanTurn) -> str:
        pairs = [f"{a} to {b}" for a, b in change.turns[:_MOST_NAMED]]
        more = len(change.turns) - _MOST_NAMED
        verb = "is" if len(change.turns) == 1 else "are"
        return (
            f"{_listed('Turn', pairs) if more <= 0 else 'Turns ' + ', '.join(pairs)}"
            f"{f' and {more} more' if more > 0 else ''} (link to link) {verb} banned "
            f"{_when(change.at, change.until)}."
        )

    @say.register
    def _(self, change: BusLane) -> str:
        roads = " and ".join(_roads(change.street, change.links))
        return (
            f"The lane at the {change.lane} of {roads} is for buses and emergency units only "
            f"{_when(change.at, change.until)}."
        )

    @say.register
    def _(self, change: ScaleDemand) -> str:
        more = 100.0 * (change.factor - 1.0)
        said = "as many" if not more else f"{abs(more):.3g}% {'more' if more > 0 else 'fewer'}"
        return f"Drivers set out on {said} trips {_when(change.at, change.until)}."

    @say.register
    def _(self, change: PreemptSignals) -> str:
        ahead = f"{change.detection_m:g} m"
        if change.detection_s:
            ahead += f" or {change.detection_s:g} s"
        return (
            f"{_capital(_signals(change))} turn green for units under siren that are nearer than "
            f"{ahead} {_when(change.at, change.until)}."
        )

    @say.register
    def _(self, change: RetimeSignals) -> str:
        said = [] if change.mode is None else [f"are run {_RUN[change.mode]}"]
        if change.cycle_s is not None:
            said.append(f"get a cycle of {change.cycle_s:g} s")
        when = _when(change.at, change.until)
        return f"{_capital(_signals(change))} {' and '.join(said)} {when}."

    @say.register
    def _(self, change: AddStation) -> str:
        name = self._station(change.station_id)
        return (
            f"A new station for {_SERVES[change.serves]}, {name}, opens at "
            f"{_place(change.lon, change.lat)}."
        )

    @say.register
    def _(self, change: AddUnits) -> str:
        many = _number(change.count, *(f"more {word}" for word in _UNITS[change.unit]))
        verb = "is" if change.count == 1 else "are"
        on_duty = "around the clock"
        if change.on != change.off:
            on_duty = f"on duty from {change.on} to {change.off}"
        if change.days:
            on_duty += f" on {_listed_days(change.days)}"
        where = self._station(change.station)
        return f"{_capital(many)} {verb} based at {where}, {on_duty}."

    @say.register
    def _(self, change: RemoveUnits) -> str:
        if change.units:
            verb = "is" if len(change.units) == 1 else "are"
            return f"{_listed('Unit', change.units)} {verb} taken out of service."
        many = _number(change.count, *_UNITS[change.unit])
        verb = "is" if change.count == 1 else "are"
        where = self._station(change.station or "")
        return f"{_capital(many)} {verb} taken away from {where}."

    @say.register
    def _(self, change: MoveUnits) -> str:
        verb = "is" if len(change.units) == 1 else "are"
        where = self._station(change.to)
        return f"{_listed('Unit', change.units)} {verb} based at {where} instead."

    @say.register
    def _(self, change: OffRoad) -> str:
        verb = "is" if len(change.units) == 1 else "are"
        when = _when(change.at, change.until)
        return f"{_listed('Unit', change.units)} {verb} kept off the road {when}."

    @say.register
    def _(self, change: CloseHospital) -> str:
        what = "takes no patients" if change.mode == "close" else "takes no further ambulances"
        where = self._named(change.hospital, self._hospitals)
        return f"{where} {what} {_when(change.at, change.until)}."

    @say.register
    def _(self, change: OpenHospital) -> str:
        where = self._named(change.hospital, self._hospitals)
        return f"{where} is open {_when(change.at, change.until)}."

    @say.register
    def _(self, change: CloseBeds) -> str:
        where = self._named(change.hospital, self._hospitals)
        beds = "1 bed is" if change.beds == 1 else f"{change.beds} beds are"
        return f"{beds} closed at {where} {_when(change.at, change.until)}."

    @say.register
    def _(self, change: ChooseUnit) -> str:
        role = f" as {change.role}" if change.role else ""
        return f"Unit {change.unit} goes to call {change.call}{role}."

    @say.register
    def _(self, change: ChooseHospital) -> str:
        where = self._named(change.hospital, self._hospitals)
        role = f" of {change.role}" if change.role else ""
        return f"The patient{role} of call {change.call} is taken to {where}."

    @say.register
    def _(self, change: SetPolicy) -> str:
        rules = {
            "units are dispatched": change.dispatch,
            "waiting calls are taken": change.queue,
            "hospitals are chosen": change.hospital,
            "free ambulances are moved up": change.moveup,
            "units on their way are turned": change.reassign,
        }
        said = [f"{what} by the rule “{rule}”" for what, rule in rules.items() if rule is not None]
        said += [
            f"the parameter {name} of “{rule}” is {value}"
            for rule, table in change.parameters.items()
            for name, value in table.items()
        ]
        if not said:
            return "No rule changes."
        return f"{_capital(', '.join(said))} {_when(change.at, change.until)}."

    @say.register
    def _(self, change: InjectIncident) -> str:
        kind = {"medical": "medical call", "fire": "fire", "collision": "collision"}
        patients = _number(change.patients, "patient", "patients")
        return (
            f"At {change.at} a {kind[change.incident]} of priority {change.priority} with "
            f"{patients} happens at {_place(change.lon, change.lat)}."
        )

    def _station(self, key: str) -> str:
        return self._stations.get(key, key)

    @staticmethod
    def _named(key: str, names: dict[str, str]) -> str:
        name = names.get(key, "")
        return f"{name} ({key})" if name and name != key else key


def _roads(street: str | None, links: Sequence[int]) -> list[str]:
    named = [f"“{street}”"] if street is not None else []
    if links:
        ids = ", ".join(map(str, links[:_MOST_NAMED]))
        more = len(links) - _MOST_NAMED
        word = "link" if len(links) == 1 else "links"
        named.append(f"{word} {ids}{f' and {more} more' if more > 0 else ''}")
    return named


def _signals(change: PreemptSignals | RetimeSignals) -> str:
    named = _roads(change.street, change.links)
    if change.junctions:
        named.append(_listed("junction", [str(n) for n in change.junctions[:_MOST_NAMED]]))
        if len(change.junctions) > _MOST_NAMED:
            named[-1] += f" and {len(change.junctions) - _MOST_NAMED} more"
    return f"the signals at {' and '.join(named)}" if named else "all signals"


def _when(at: str | None, until: str | None) -> str:
    if at and until:
        return f"from {at} to {until}"
    if at:
        return f"from {at} to the end"
    return f"until {until}" if until else "for the whole run"


def _place(lon: float, lat: float) -> str:
    ns, ew = "S" if lat < 0 else "N", "W" if lon < 0 else "E"
    return f"{abs(lat):.4f}° {ns}, {abs(lon):.4f}° {ew}"


def _number(n: int, one: str, many: str) -> str:
    return f"one {one}" if n == 1 else f"{n} {many}"


_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def _listed_days(days: str) -> str:
    return ", ".join(_DAYS[int(day) - 1] for day in sorted(set(days)))


def _listed(word: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{word} {names[0]}"
    return f"{word}s {', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
