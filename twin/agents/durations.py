"""Durations of the chain that do not depend on the road, one random stream for each draw."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincc

from twin.city.model import City, Distribution, Service
from twin.core.clock import DAY_S, HOUR_S
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.recorded import INTERVALS
from twin.scenarios.chain import LONGEST_S, Chain
from twin.scenarios.crews import Crews


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
        self._known: dict[tuple[str, str, int], Distribution | None] = {}
        self._row: dict[str, int] = {}
        self._recorded: dict[str, NDArray[np.float64]] = {}

    def follow(self, calls: pd.DataFrame) -> None:
        """Take the durations that are recorded of `calls` in the place of draws.

        Those of the dispatcher hold for a call, those of a unit for the first ambulance.
        """
        seconds = {
            interval: calls[column].to_numpy(np.float64)
            for interval, column in INTERVALS.items()
            if column in calls and calls[column].notna().any()
        }
        if seconds:
            self._row = {call_id: k for k, call_id in enumerate(calls["call_id"])}
            self._recorded = seconds
            if "scene" in seconds:
                seconds["scene_transport"] = seconds["scene"]

    def recorded(self, interval: str, call_id: str, role: str) -> float:
        """Return the recorded seconds of an interval of a call; nan where none are known."""
        seconds = self._recorded.get(interval)
        if seconds is None or role not in {"", "ambulance-1"} or call_id not in self._row:
            return math.nan
        return float(seconds[self._row[call_id]])

    def distribution(self, kind: str, interval: str, priority: int) -> Distribution | None:
        """Return the distribution of an interval, or None when calls have no such interval."""
        key = kind, interval, priority
        if key not in self._known:
            self._known[key] = self._look_up(*key)
        return self._known[key]

    def _look_up(self, kind: str, interval: str, priority: int) -> Distribution | None:
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
        if self._recorded:
            seconds = self.recorded(interval, call_id, role)
            if not math.isnan(seconds):
                return seconds
        distribution = self.distribution(kind, interval, priority)
        if distribution is None:
            return 0.0
        if distribution.family == "constant":
            return min(max(distribution.a, distribution.low), distribution.high)
        return distribution.draw(self._streams.lent(interval, f"{call_id}/{role}"))

    def turnout(
        self, kind: str, priority: int, call_id: str, role: str, *, serves: str, t: float
    ) -> float:
        """Return the turnout of a unit at a station, seconds; recorded ones are taken as they are.

        A draw is multiplied by the factor of the hour of the day (see `turnout_factor`).
        """
        seconds = self.draw(kind, "turnout", priority, call_id, role)
        if not self.service.turnout_by_hour:
            return seconds
        if not math.isnan(self.recorded("turnout", call_id, role)):
            return seconds
        return seconds * self.turnout_factor(serves, t)

    def turnout_factor(self, serves: str, t: float) -> float:
        """Return the factor on turnout at a station of this kind at `t`, as the city states it."""
        by_hour = self.service.turnout_by_hour
        if not by_hour:
            return 1.0
        factors = by_hour.get(serves) or by_hour.get("")
        return factors[int(t % DAY_S // HOUR_S)] if factors else 1.0

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

    def remaining(self, kind: str, interval: str, priority: int, elapsed_s: float) -> float:
        """Return the mean of what is left of an interval after `elapsed_s`; 0 when it has none."""
        distribution = self.distribution(kind, interval, priority)
        return 0.0 if distribution is None else mean_left(distribution, elapsed_s)


def mean_left(distribution: Distribution, elapsed_s: float) -> float:
    """Return E[X - t | X > t], the mean residual life, its bounds left aside; seconds."""
    a, b, t = distribution.a, distribution.b, elapsed_s
    match distribution.family:
        case "exponential":
            return a
        case "lognormal" if b > 0.0 and t > 0.0:
            z = (a - math.log(t)) / b
            longer = 0.5 * math.erfc(-z / math.sqrt(2.0))
            weight = 0.5 * math.erfc(-(z + b) / math.sqrt(2.0))
            mean = math.exp(a + b**2 / 2.0)
            return max(mean * weight / longer - t, 0.0) if longer > _NEVER else 0.0
        case "lognormal":
            return max(math.exp(a + b**2 / 2.0) - t, 0.0)
        case "gamma":
            longer = float(gammaincc(a, t / b))
            mean = a * b * float(gammaincc(a + 1.0, t / b))
            return max(mean / longer - t, 0.0) if longer > _NEVER else 0.0
        case _:
            return max(a - t, 0.0)


_NEVER = 1e-12
"""What lasts longer with a chance below this is taken to be over."""
_ALL = ("medical", "fire", "collision")
_CARE = ("medical", "collision")
_SET: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dispatch_delay_s": (("handling",), _ALL),
    "turnout_s": (("turnout",), _ALL),
    "scene_s": (("scene", "scene_transport"), _CARE),
    "handover_s": (("handover",), _ALL),
    "wrap_up_s": (("wrap_up",), _ALL),
}


def with_chain(service: Service, chain: Chain) -> Service:
    """Return service times in which those that a scenario sets stand in the place of the city's."""
    if chain == Chain():
        return service
    durations = dict(service.durations)
    for name, (intervals, kinds) in _SET.items():
        seconds = getattr(chain, name)
        if seconds is None:
            continue
        for kind in kinds:
            for interval in intervals:
                own = re.compile(rf"{kind}\.{interval}\.\d+")
                for key in [key for key in durations if own.fullmatch(key)]:
                    del durations[key]
                durations[f"{kind}.{interval}"] = Distribution(
                    family="constant", a=seconds, high=LONGEST_S, source=f"scenario, chain.{name}"
                )
    p = chain.p_transport
    shares = service.p_transport if p is None else dict.fromkeys(_ALL, p)
    siren = service.siren_to_priority if chain.siren_to_scene is None else chain.siren_to_scene
    return service.model_copy(
        update={"durations": durations, "p_transport": shares, "siren_to_priority": siren}
    )


def with_crews(service: Service, crews: Crews) -> Service:
    """Return service times with the factors on turnout that a scenario sets."""
    if not crews.turnout_by_hour:
        return service
    return service.model_copy(update={"turnout_by_hour": {"": list(crews.turnout_by_hour)}})


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
