"""Link times of every hour, with what stands in the way, for mobility by table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from twin.city.model import City
from twin.core.clock import DAY_S, HOUR_S, is_weekend
from twin.network.conditions import Conditions
from twin.network.graph import F32, I32, I64, Place
from twin.network.sides import both_sides
from twin.scenarios.spec import Scenario
from twin.traffic.anchors import Anchors, AnchorsByTraffic
from twin.traffic.conditions import capacity_share
from twin.traffic.congestion import SQUEEZE_LANES, HourlyTimes
from twin.traffic.costs import RoadCosts
from twin.traffic.passers_by import PassersBy
from twin.traffic.unit_router import UnitRouter


class LinkTimes(NamedTuple):
    """(L,) seconds of links in one hour, for ordinary drives and for those under siren."""

    ordinary: F32
    siren: F32

    def of(self, *, siren: bool) -> F32:
        """Return the times of a drive."""
        return self.siren if siren else self.ordinary


Hour = tuple[bool, int]
"""Whether it is a weekend, and the hour of the day: hours of one kind have the same times."""
_KEPT = 2
"""Hours whose times with obstacles are kept: this one and the next."""


class TableTimes:
    """Times by the hour, and the two routers at those of the present hour.

    Hours without obstacles are worked out once; an obstacle touches the times of its own links.

    Parameters
    ----------
    city
        Network and hourly profile.
    scenario
        `period.day` and `traffic`.
    hourly_link_speed
        See `TableMobility`.
    """

    def __init__(
        self, city: City, scenario: Scenario, hourly_link_speed: F32 | None = None
    ) -> None:
        self._network = city.network
        self._day = scenario.period.day
        traffic = scenario.traffic
        self.costs = RoadCosts(
            city.network,
            speed_factor=traffic.speed_factor,
            siren_factor=traffic.emergency_speed_factor,
        )
        profile = city["trip_profile"].set_index("hour").reindex(range(24)).fillna(0.0)
        self._hourly = [
            HourlyTimes(
                city.network,
                profile[column].to_numpy(np.float64),
                float(profile["weekday"].max()),
                self.costs.free_s,
                speed=hourly_link_speed,
            )
            for column in ("weekday", "weekend")
        ]
        self._demand_scale = traffic.demand_scale
        self._open: dict[Hour, LinkTimes] = {}
        self._present: dict[Hour, LinkTimes] = {}
        self._anchors_of: dict[Hour, list[Anchors]] = {}
        self._blocked: I32 = np.zeros(city.network.n_links, np.int32)
        self._blocks: dict[int, tuple[int, int]] = {}
        self._slowings: dict[int, list[tuple[int, float]]] = {}
        self._passers_by = PassersBy(city.network)
        self._tokens = 0
        self._hour: Hour | None = None
        self._since, self._last = -np.inf, (False, 0)
        self.scale_demand(1.0)
        stations, hospitals = (
            both_sides(city[name]["link"].to_numpy(np.int32), self.costs.ordinary.across)
            for name in ("stations", "hospitals")
        )
        ordinary, siren = self.costs.ordinary, self.costs.siren
        ordinary.keeps_way = siren.keeps_way = True
        self._anchors = [
            AnchorsByTraffic(city.network, router.times, links, towards=towards)
            for router, links, towards in (
                (ordinary, stations, False),
                (ordinary, hospitals, True),
                (siren, stations, False),
                (siren, hospitals, True),
                (ordinary, stations, True),
            )
        ]

    def router(self, t: float, *, siren: bool) -> UnitRouter:
        """Return the router of a drive, at the times of the hour of `t`."""
        hour = self._hour_of(t)
        if hour != self._hour:
            self._hour = hour
            times = self._of_hour(hour)
            self.costs.ordinary.set_costs(times.ordinary)
            self.costs.siren.set_costs(times.siren)
            self._set_anchors(hour)
        return self.costs.router(siren=siren)

    def _set_anchors(self, hour: Hour) -> None:
        """Let both routers know the bounds that come nearest to the times of an hour."""
        if hour not in self._anchors_of:
            # What stands in the way makes no link faster.
            free = self._of_open(hour)
            times = (free.ordinary, free.ordinary, free.siren, free.siren, free.ordinary)
            self._anchors_of[hour] = [
                each.at(seconds) for each, seconds in zip(self._anchors, times, strict=True)
            ]
        ordinary, siren = self.costs.ordinary, self.costs.siren
        (ordinary.near, ordinary.far, siren.near, siren.far, ordinary.home) = self._anchors_of[hour]

    def at(self, t: float) -> LinkTimes:
        """Return the times of links that are entered in the hour of `t`."""
        return self._of_hour(self._hour_of(t))

    # What stands in the way; each returns the links whose times it changed

    def block(self, place: Place, lanes: int, *, opposite: bool) -> tuple[int, I64]:
        """Take lanes at a place out of use; return a token for `unblock` as well."""
        token = self._tokens
        self._tokens += 1
        self._blocks[token] = (place.link, lanes)
        self._blocked[place.link] += lanes
        for slowed, share in self._passers_by.seen(place, lanes, opposite=opposite):
            self._slowings.setdefault(token, []).append((slowed.link, share))
        return token, self._touch(place.link, token)

    def unblock(self, token: int) -> I64:
        """Give the lanes of `block` back."""
        link, lanes = self._blocks.pop(token)
        self._blocked[link] -= lanes
        slowed = self._slowings.pop(token, [])
        return self._touch(link, token, slowed)

    # What changes every time

    def close(self, links: Sequence[int], lanes: int | None) -> None:
        """Close links, or that many lanes of each."""
        self.costs.close(links, lanes)
        self._forget()

    def open(self, links: Sequence[int]) -> None:
        """Open every lane of links."""
        self.costs.open(links)
        self._forget()

    def set_conditions(self, conditions: Conditions) -> None:
        """Let weather and work zones be these from now on."""
        dry = self.costs.set_conditions(conditions)
        for hourly in self._hourly:
            hourly.capacity = capacity_share(conditions, dry)
        self._open.clear()
        self._anchors_of.clear()
        self._forget()

    def scale_demand(self, factor: float) -> None:
        """Let the volumes of the delay curves be `factor` times the scenario's."""
        for hourly in self._hourly:
            hourly.demand = self._demand_scale * factor
        self._open.clear()
        self._anchors_of.clear()
        self._forget()

    # Times

    def _hour_of(self, t: float) -> Hour:
        # Most often it is the hour that was asked for last.
        if self._since <= t < self._since + HOUR_S:
            return self._last
        self._since = t // HOUR_S * HOUR_S
        self._last = is_weekend(self._day, t), int(t % DAY_S // HOUR_S)
        return self._last

    def _of_hour(self, hour: Hour) -> LinkTimes:
        """Return the times of an hour with what stands in the way now."""
        if (found := self._present.get(hour)) is not None:
            return found
        free = self._of_open(hour)
        hindered = self._hindered()
        if len(hindered):
            free = LinkTimes(*(times.copy() for times in free))
            self._fill(hour, hindered, free)
        while len(self._present) >= _KEPT:
            del self._present[next(iter(self._present))]
        self._present[hour] = free
        return free

    def _of_open(self, hour: Hour) -> LinkTimes:
        """Return the times of an hour where nothing stands in the way."""
        if hour not in self._open:
            hourly = self._hourly[hour[0]].seconds(hour[1])
            ordinary: F32 = np.maximum(hourly, self.costs.undisturbed_s)
            self._open[hour] = LinkTimes(ordinary, self.costs.under_siren(ordinary))
        return self._open[hour]

    def _hindered(self) -> I64:
        """Return the links on which something stands, or where drivers look at something."""
        closed = np.flatnonzero(self.costs.closed_lanes)
        blocked = [link for link, _ in self._blocks.values()]
        slowed = [link for link, _ in chain.from_iterable(self._slowings.values())]
        return np.unique(np.concatenate([closed, np.array(blocked + slowed, np.int64)]))

    def _touch(self, link: int, token: int, gone: Sequence[tuple[int, float]] = ()) -> I64:
        """Work out anew the times of the links of one obstacle."""
        slowed = [other for other, _ in [*self._slowings.get(token, []), *gone]]
        links = np.array(sorted({link, *slowed}), np.int64)
        # Of other hours than this one the times are made anew when they are asked for.
        self._present = {h: times for h, times in self._present.items() if h == self._hour}
        if self._hour is None:
            return links
        now = self._of_hour(self._hour)
        if now is self._open.get(self._hour):
            now = self._present[self._hour] = LinkTimes(*(each.copy() for each in now))
        self._fill(self._hour, links, now)
        self.costs.ordinary.set_costs_of(links, now.ordinary[links])
        self.costs.siren.set_costs_of(links, now.siren[links])
        return links

    def _fill(self, hour: Hour, links: I64, times: LinkTimes) -> None:
        """Write the times of some links with what stands in the way."""
        lanes = self._network.link_lanes[links].astype(np.float32)
        taken = self._blocked[links] + self.costs.closed_lanes[links]
        left = np.maximum(lanes - taken, np.float32(SQUEEZE_LANES)).astype(np.float32)
        ordinary: F32 = self._of_open(hour).ordinary[links] * (lanes / left)
        if self._slowings:
            # Where no lane is open nobody drives past: by turns is slow enough.
            ordinary /= np.where(left >= 1.0, self._passed(links), np.float32(1.0))
        times.ordinary[links] = ordinary
        times.siren[links] = self.costs.under_siren(ordinary, links)

    def _passed(self, links: I64) -> F32:
        """Return the share of the flow on links that passers-by leave."""
        share: dict[int, float] = {}
        for link, left in chain.from_iterable(self._slowings.values()):
            share[link] = min(share.get(link, 1.0), left)
        return np.array([share.get(link, 1.0) for link in links.tolist()], np.float32)

    def _forget(self) -> None:
        self._present.clear()
        self._hour = None
