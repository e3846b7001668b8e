"""Durations of the chain that do not depend on the road, one random stream for each draw."""

from __future__ import annotations

import math

from twin.city.model import City, Distribution, Service
from twin.core.errors import InputError
from twin.core.random import Streams


def _lognormal(median_s: float, sigma: float, source: str) -> Distribution:
    return Distribution(family="lognormal", a=math.log(median_s), b=sigma, source=source)


DEFAULTS: dict[str, Distribution] = {
    "handling": _lognormal(50.0, 0.5, "assumed; Seoul aims at 60 s from call to dispatch"),
    "turnout": _lognormal(45.0, 0.4, "assumed; NFPA 1710 asks for 60 s (medical), 80 s (fire)"),
    "scene": _lognormal(720.0, 0.6, "assumed"),
    "scene_transport": _lognormal(720.0, 0.5, "assumed"),
    "handover": _lognormal(720.0, 0.6, "assumed"),
    "fire.scene": _lognormal(2400.0, 0.7, "assumed"),
    "collision.clearance": _lognormal(1800.0, 0.5, "assumed; Seoul publishes no clearance times"),
}
"""Used where a city has no fit of its own; the scenario's report lists which ones were."""


class Durations:
    """Draws durations, each from a stream of its own.

    A draw depends on the seed, the interval, the call and the part that a unit plays in it, not on
    which unit that is: another policy or one more unit never shifts a draw.

    Parameters
    ----------
    service
        The city's fits.
    streams
        Random streams of the replication.
    """

    def __init__(self, service: Service, streams: Streams) -> None:
        self.service = service
        self._streams = streams
        self.assumed: set[str] = set()
        """Intervals for which a default stood in."""

    def distribution(self, kind: str, interval: str, priority: int) -> Distribution | None:
        """Return the distribution of an interval, or None when calls have no such interval."""
        try:
            return self.service.duration(kind, interval, priority)
        except KeyError:
            for key in (f"{kind}.{interval}", interval):
                if key in DEFAULTS:
                    self.assumed.add(key)
                    return DEFAULTS[key]
        return None

    def draw(self, kind: str, interval: str, priority: int, call_id: str, role: str = "") -> float:
        """Return a duration in seconds; 0 when calls of this kind have no such interval."""
        distribution = self.distribution(kind, interval, priority)
        if distribution is None:
            return 0.0
        return distribution.draw(self._streams.stream(interval, f"{call_id}/{role}"))

    def mean(self, kind: str, interval: str, priority: int) -> float:
        """Return the mean of an interval in seconds, its bounds left aside; 0 when it has none."""
        distribution = self.distribution(kind, interval, priority)
        if distribution is None:
            return 0.0
        match distribution.family:
            case "lognormal":
                return math.exp(distribution.a + distribution.b**2 / 2.0)
            case "gamma":
                return distribution.a * distribution.b
            case _:
                return distribution.a


def service_of(city: City, day: str, *, held_out: bool) -> Service:
    """Return the city's service times, those fitted without `day` if it is held out and recorded.

    Raises
    ------
    InputError
        If a recorded day must be held out and the city has no fit without it.
    """
    if held_out and day in city.service:
        return city.service[day]
    history = city["history"] if "history" in city.tables else None
    if held_out and history is not None and len(history):
        local = history["t_call"].dt.tz_convert(city.meta.timezone).dt.date.astype(str)
        if (local == day).any():
            raise InputError(
                f"city {city.meta.name} has recorded calls of {day} and no service times fitted "
                "without that day",
                field="calls.held_out_fit",
                hint="set calls.held_out_fit = false to use the fit on all days",
            )
    return city.service.get("", Service())
