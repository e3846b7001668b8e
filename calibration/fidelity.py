"""How near queue-level traffic comes to lane-level traffic, link by link on the same trips.

Lane-level traffic is the reference. Both drive equal trips on equal routes at equal departures
(nobody is rerouted), so that what differs is the movement alone.
"""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.trips import Trips
from twin.network.graph import F64, I64, Network
from twin.scenarios.spec import Scenario
from twin.traffic.figures import LinkStats
from twin.traffic.interface import Traffic
from twin.traffic.meso import MesoTraffic, Parameters
from twin.traffic.micro import MicroTraffic
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.types import Fleet, kinds_of, shares_of

LEAST_VEHICLES = 20
"""A link counts when at least so many left it in both."""
CLOSE = 0.15
"""Difference in travel time that still counts as close."""
COLUMNS = (
    "link", "vehicles_micro", "vehicles_meso", "seconds_micro", "seconds_meso", "ratio",
)  # fmt: skip
"""Columns of `FidelityReport.write_links`."""
GOOD_GEH = 5.0
"""GEH of hourly flows that counts as good (UK Design Manual for Roads and Bridges, vol. 12)."""


@dataclass(frozen=True, slots=True)
class FidelityReport:
    """Travel times and flows of the links that both fidelities used.

    Attributes
    ----------
    link
        (N,) links with at least `LEAST_VEHICLES` in both.
    link_id
        (N,) their numbers in the network's own ids.
    micro_s, meso_s
        (N,) mean travel time, seconds.
    micro_left, meso_left
        (N,) vehicles that left the link.
    hours
        For how long links were measured.
    length_m
        (N,) length of the links.
    trips
        Mean duration of the trips that ended in both, seconds: micro, meso; nan where none did.
    finished
        Trips that ended by the end: micro, meso.
    cpu_s
        CPU time of the ticks: micro, meso.
    """

    link: I64
    link_id: I64
    micro_s: F64
    meso_s: F64
    micro_left: I64
    meso_left: I64
    hours: float
    length_m: F64
    trips: tuple[float, float]
    finished: tuple[int, int]
    cpu_s: tuple[float, float]

    @property
    def micro_vph(self) -> F64:
        """(N,) vehicles per hour that left the link in lane-level traffic."""
        return self.micro_left / self.hours

    @property
    def meso_vph(self) -> F64:
        """(N,) vehicles per hour that left the link in queues."""
        return self.meso_left / self.hours

    @property
    def correlation(self) -> float | None:
        """Of travel times per kilometre over the links, each counted with its flow.

        None where they are the same on all links, of which there may be one.
        """
        weight = self.micro_vph / self.micro_vph.sum()
        one, two = self.micro_s / self.length_m, self.meso_s / self.length_m
        a, b = one - (weight * one).sum(), two - (weight * two).sum()
        spread = np.sqrt((weight * a * a).sum() * (weight * b * b).sum())
        # Equal links differ by rounding alone.
        flat = spread <= 1e-9 * (weight * one).sum() * (weight * two).sum()
        return None if flat else float((weight * a * b).sum() / spread)

    @property
    def bias(self) -> float:
        """Vehicle-hours of meso over those of micro at micro's flows, less 1."""
        return (
            float((self.micro_vph * self.meso_s).sum() / (self.micro_vph * self.micro_s).sum()) - 1
        )

    @property
    def close_share(self) -> float:
        """Share of the flow on links whose travel times differ by no more than `CLOSE`."""
        near = np.abs(self.meso_s / self.micro_s - 1.0) <= CLOSE
        return float(self.micro_vph[near].sum() / self.micro_vph.sum())

    @property
    def geh(self) -> F64:
        """(N,) GEH of the flows."""
        apart: F64 = np.sqrt(
            2.0 * (self.micro_vph - self.meso_vph) ** 2 / (self.micro_vph + self.meso_vph)
        )
        return apart

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        return [*self._about_links(), self._about_trips(), self._about_cost()]

    def write_links(self, path: Path | str) -> None:
        """Write the links as CSV, those first whose travel times differ most.

        The columns are `link` (its number in the network's own ids), `vehicles_micro`,
        `vehicles_meso`, `seconds_micro`, `seconds_meso` (mean travel times) and `ratio`, meso over
        micro.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        ratio = self.meso_s / self.micro_s
        try:
            with Path(path).open("w", newline="", encoding="utf-8") as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(COLUMNS)
                for k in np.argsort(-np.abs(np.log(ratio)), kind="stable").tolist():
                    seconds = (f"{self.micro_s[k]:.2f}", f"{self.meso_s[k]:.2f}")
                    left = (int(self.micro_left[k]), int(self.meso_left[k]))
                    writer.writerow((int(self.link_id[k]), *left, *seconds, f"{ratio[k]:.3f}"))
        except OSError as error:
            text = f"the links cannot be written ({error.strerror})"
            raise InputError(text, file=path) from error

    def _about_links(self) -> list[str]:
        if not len(self.link):
            few = f"no link was left by {LEAST_VEHICLES} vehicles or more in both"
            return [f"{few}, so that none can be compared: measure a longer period, or more trips"]
        known = self.correlation
        alike = (
            "no correlation, all links are alike" if known is None else f"correlation {known:.3f}"
        )
        return [
            f"links compared: {len(self.link):,} (with {LEAST_VEHICLES} vehicles or more in both)",
            (
                f"travel time, meso over micro: {self.bias:+.1%} in all; {alike}; "
                f"{self.close_share:.0%} of the flow within {CLOSE:.0%}"
            ),
            (
                f"flows: {np.mean(self.geh < GOOD_GEH):.0%} of links have a GEH below {GOOD_GEH:g}"
                f"; median {np.median(self.geh):.2f}"
            ),
        ]

    def _about_trips(self) -> str:
        ended = f"finished: micro {self.finished[0]:,}, meso {self.finished[1]:,}"
        if np.isnan(self.trips).any():
            return f"no trip ended in both; {ended}"
        return f"mean trip: micro {self.trips[0]:.0f} s, meso {self.trips[1]:.0f} s; {ended}"

    def _about_cost(self) -> str:
        micro, meso = self.cpu_s
        times = f" ({micro / meso:.0f} times less)" if meso > 0.0 else ""
        return f"CPU time: micro {micro:.1f} s, meso {meso:.1f} s{times}"


@dataclass(frozen=True, slots=True)
class _Driven:
    stats: LinkStats
    vehicle: I64
    took_s: F64
    cpu_s: float


def _drive(traffic: Traffic, parts: list[Trips], from_s: float, until_s: float) -> _Driven:
    """Feed the parts, one per departure slice, and measure links from `from_s` to `until_s`."""
    cpu = 0.0
    done = []
    ends = [*[float(p.depart_s[0]) for p in parts[1:]], until_s]
    measured = traffic.t >= from_s
    for part, end in zip(parts, ends, strict=True):
        traffic.add_trips(part)
        goal = min(end, until_s)
        before = time.process_time()
        while traffic.t < goal:
            stop = goal
            if not measured and traffic.t < from_s:
                stop = min(goal, from_s)
            traffic.advance(max(1, round(stop - traffic.t)))
            if not measured and traffic.t >= from_s:
                traffic.link_stats(reset=True)
                measured = True
        cpu += time.process_time() - before
        done.append(traffic.finished())
    vehicle = np.concatenate([d.vehicle for d in done])
    took = np.concatenate([d.t_arrive - d.t_planned for d in done])
    return _Driven(traffic.link_stats(), vehicle, took, cpu)


def compare_on_trips(
    micro: MicroTraffic, meso: MesoTraffic, parts: list[Trips], from_s: float, until_s: float
) -> FidelityReport:
    """Drive the same trips in both and compare what links measure.

    Parameters
    ----------
    micro, meso
        Empty traffic on one network at one start.
    parts
        Trips by departure; vehicle numbers count through them.
    from_s, until_s
        Seconds between which links are measured; trips are fed from the start.

    Raises
    ------
    InputError
        If there are no trips, or no time in which links are measured.
    """
    if not any(len(part) for part in parts):
        raise InputError("there are no trips, so there is nothing to compare", field="parts")
    if not until_s > from_s:
        raise InputError(f"it is not after {from_s:g} s", field="until_s")
    parts = [part for part in parts if len(part)]
    one = _drive(micro, parts, from_s, until_s)
    two = _drive(meso, parts, from_s, until_s)
    a, b = one.stats, two.stats
    link = np.flatnonzero((a.left >= LEAST_VEHICLES) & (b.left >= LEAST_VEHICLES))
    hours = (until_s - from_s) / HOUR_S
    _, i, j = np.intersect1d(one.vehicle, two.vehicle, return_indices=True)
    return FidelityReport(
        link=link,
        link_id=micro.network.link_id[link].astype(np.int64),
        micro_s=a.vehicle_seconds[link] / a.left[link],
        meso_s=b.vehicle_seconds[link] / b.left[link],
        micro_left=a.left[link].astype(np.int64),
        meso_left=b.left[link].astype(np.int64),
        hours=hours,
        length_m=micro.network.link_length[link].astype(np.float64),
        trips=(_mean(one.took_s[i]), _mean(two.took_s[j])),
        finished=(len(one.vehicle), len(two.vehicle)),
        cpu_s=(one.cpu_s, two.cpu_s),
    )


def _mean(values: F64) -> float:
    return float(values.mean()) if len(values) else float("nan")


class _Listening(MicroTraffic):
    """Lane-level traffic that keeps the trips it is given."""

    def __init__(self, network: Network, **settings: Any) -> None:
        self.heard: list[Trips] = []
        super().__init__(network, **settings)

    def add_trips(self, trips: Trips) -> NDArray[np.int64]:
        if len(trips):
            self.heard.append(trips)
        return super().add_trips(trips)


class _ListeningMobility(MicroMobility):
    engine = _Listening


def heard_trips(city: City, scenario: Scenario) -> list[Trips]:
    """Return the trips of a scenario with the routes that they take in lane-level traffic.

    Routes follow its travel times as they come about; nobody is rerouted on the way.
    """
    still = scenario.traffic.model_copy(update={"reroute_share": 0.0})
    scenario = scenario.model_copy(update={"traffic": still})
    env = simpy.Environment(initial_time=scenario.period.begin_s)
    mobility = _ListeningMobility(env, city, scenario, Streams(scenario.seed))
    t = scenario.period.begin_s
    while t < scenario.period.end_s:
        t = min(t + 60.0, scenario.period.end_s)
        mobility.move(t)
    traffic = mobility.traffic
    return traffic.heard if isinstance(traffic, _Listening) else []


def compare_fidelities(
    city: City, scenario: Scenario, *, parameters: Parameters | None = None
) -> FidelityReport:
    """Compare meso with micro on the traffic of a scenario, from its start to its end.

    Parameters
    ----------
    city, scenario
        The scenario's agents and changes are left out: only its trips move, as its vehicle types
        and its car following have them, as far as each fidelity knows those.
    parameters
        Of the queues, to fit them; the defaults if left out.

    Raises
    ------
    InputError
        If the scenario has no trips.
    """
    parts = heard_trips(city, scenario)
    settings, period = scenario.traffic, scenario.period
    kinds = kinds_of(settings)
    micro = MicroTraffic(
        city.network,
        seed=Streams(scenario.seed).kernel_key("traffic"),
        threads=settings.threads,
        start_s=period.begin_s,
        speed_factor=settings.speed_factor,
        kinds=kinds,
        right_on_red=settings.right_on_red,
    )
    meso = MesoTraffic(
        city.network,
        threads=settings.threads,
        start_s=period.begin_s,
        speed_factor=settings.speed_factor,
        kinds=kinds,
        space_share=Fleet(kinds).space_share(shares_of(settings).items()),
        right_on_red=settings.right_on_red,
        parameters=parameters,
    )
    return compare_on_trips(micro, meso, parts, period.start_s, period.end_s)
