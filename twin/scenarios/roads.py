"""What the changes that hold at a time mean for the roads: closures, tolls, banned turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from twin.core.clock import HOUR_S
from twin.network.conditions import Conditions
from twin.network.graph import F32, I32, Network
from twin.scenarios.change_kinds import (
    BanTurn,
    BusLane,
    Change,
    CloseLinks,
    ScaleDemand,
    Toll,
    Weather,
    WorkZone,
)
from twin.scenarios.conditions import conditions_of
from twin.scenarios.named_roads import links_of, turns_of
from twin.scenarios.spec import Scenario


def closures(changes: Iterable[Change], network: Network) -> dict[int, int | None]:
    """Return the lanes closed of every link that is not open; None for all.

    Of overlapping closures the widest holds. Work leaves one lane of every link open.
    """
    wanted: dict[int, int | None] = {}
    for change in changes:
        if not isinstance(change, CloseLinks | WorkZone):
            continue
        for link in links_of(change, network).tolist():
            lanes = change.lanes
            if isinstance(change, WorkZone):
                lanes = min(change.lanes, int(network.link_lanes[link]) - 1)
                if lanes == 0:
                    continue
            if lanes is None or lanes >= network.link_lanes[link]:
                wanted[link] = None
            elif link not in wanted:
                wanted[link] = lanes
            else:
                before = wanted[link]
                wanted[link] = None if before is None else max(before, lanes)
    return wanted


def tolls_s(changes: Iterable[Change], network: Network) -> F32:
    """Return (L,) seconds that the charge for entering each link is worth; tolls add up."""
    total = np.zeros(network.n_links)
    for change in changes:
        if isinstance(change, Toll):
            links = links_of(change, network)
            if change.charge is None:
                money = (change.charge_per_km or 0.0) * network.link_length[links] / 1000.0
            else:
                money = np.full(len(links), change.charge)
            total[links] += money * (HOUR_S / change.value_of_time)
    return total.astype(np.float32)


def banned_turns(changes: Iterable[Change], network: Network) -> I32:
    """Return the turns that nobody may make, ascending."""
    found = [turns_of(change, network) for change in changes if isinstance(change, BanTurn)]
    return np.unique(np.concatenate(found)).astype(np.int32) if found else np.empty(0, np.int32)


def bus_lanes(changes: Iterable[Change], network: Network) -> dict[int, tuple[int, ...]]:
    """Return the lanes of links that are kept for buses, with those that the city has anyway."""
    lanes: dict[int, set[int]] = {}
    for link, lane in zip(network.bus_link.tolist(), network.bus_lane.tolist(), strict=True):
        lanes.setdefault(link, set()).add(lane)
    for change in changes:
        if not isinstance(change, BusLane):
            continue
        for link in links_of(change, network).tolist():
            count = int(network.link_lanes[link])
            if count > 1:
                lanes.setdefault(link, set()).add(0 if change.lane == "kerb" else count - 1)
    return {link: tuple(sorted(own)) for link, own in sorted(lanes.items())}


@dataclass(frozen=True)
class Standing:
    """The changes of a scenario that hold from its beginning to its end.

    Attributes
    ----------
    closed
        Lanes closed of links that are not open; None for all.
    tolls
        (L,) seconds that charges are worth.
    banned
        Turns that nobody may make.
    demand
        Factor on the trips.
    conditions
        Weather, and speeds and capacities of work zones.
    """

    closed: dict[int, int | None]
    tolls: F32
    banned: I32
    demand: float
    conditions: Conditions

    @staticmethod
    def of(scenario: Scenario, network: Network) -> Standing:
        """Return what always holds; changes with a time are left out."""
        always = [
            change
            for change in scenario.changes
            if isinstance(change, CloseLinks | WorkZone | Weather | Toll | BanTurn | ScaleDemand)
            and change.at is None
            and change.until is None
        ]
        factors = [change.factor for change in always if isinstance(change, ScaleDemand)]
        return Standing(
            closures(always, network),
            tolls_s(always, network),
            banned_turns(always, network),
            float(np.prod(factors)),
            conditions_of(always, network),
        )
