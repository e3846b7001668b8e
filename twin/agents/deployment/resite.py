"""From a city and a number of ambulances to where they should stand, and the changes that do it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from twin.agents.deployment.cover import CALLS_OF, KIND, SERVES, Cover, drive_seconds
from twin.agents.deployment.programs import Siting, covered
from twin.agents.deployment.siting import (
    Method,
    free_shares,
    greedy_cover,
    nest_cover,
    site_cover,
    site_median,
)
from twin.agents.roster import roster
from twin.city.model import City
from twin.core.errors import InputError
from twin.demand.points import demand_points
from twin.demand.recorded import doors
from twin.network.graph import Place
from twin.network.locate import Locator
from twin.scenarios.change_kinds import AddStation
from twin.scenarios.spec import Scenario

I64 = NDArray[np.int64]

MOST_ADDED = 50
"""Most units of one `add-units`."""
Model = Literal["mclp", "mexclp", "p-median", "nested"]


@dataclass(frozen=True, slots=True)
class Sites:
    """B places where ambulances may stand, and P points of demand.

    Attributes
    ----------
    ids, names
        The stations; new sites are called after their point of demand.
    places
        Where they are.
    new
        (B,) whether there is no station yet.
    cover
        Who reaches whom.
    today
        (B,) ambulances of the scenario at each.
    units
        Ids of the ambulances with their stations' rows, in the order of the roster.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    places: tuple[Place, ...]
    new: NDArray[np.bool_]
    cover: Cover
    today: I64
    units: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Sited:
    """Where ambulances should stand, and what that covers.

    Attributes
    ----------
    siting
        Ambulances at each site, what the model says they are worth, and how sure that is.
    order
        Rows of the sites in the order in which they are to be manned; of nested models only.
    """

    siting: Siting
    order: tuple[int, ...] = ()


def sites_of(city: City, scenario: Scenario, *, anywhere: bool = False) -> Sites:
    """Return the stations of a scenario at which ambulances may stand, and its demand.

    Parameters
    ----------
    city, scenario
        What is there: the city's stations and those that the scenario adds.
    anywhere
        Whether every point of demand is a site for a new station too.

    Raises
    ------
    InputError
        If the city has no such station, or does not say where calls come from; if the scenario
        adds units.
    """
    units = roster(city, scenario.changes)
    units = units[units["kind"] == KIND]
    added = set(units["unit_id"]) - set(city["units"]["unit_id"])
    if added:
        raise InputError(
            f"unit {min(added)!r} is added by the scenario, and such units cannot be moved",
            field="--base",
            hint="name a base without `add-units`; --ambulances says how many there are to be",
        )
    housed = set(units["station_id"])
    ids, names, places = [], [], []
    for row in city["stations"].to_dict("records"):
        if str(row["kind"]) in SERVES[KIND] or row["station_id"] in housed:
            ids.append(str(row["station_id"]))
            names.append(str(row["name"]))
            places.append(Place(int(row["link"]), float(row["pos_m"])))
    finder = doors(city.network)
    for change in scenario.changes:
        if isinstance(change, AddStation) and (
            change.serves in SERVES[KIND] or change.station_id in housed
        ):
            ids.append(change.station_id)
            names.append(change.name or change.station_id)
            places.append(finder.nearest(change.lon, change.lat))
    points = demand_points(city, CALLS_OF[KIND])
    old = len(ids)
    if anywhere:
        taken = set(ids)
        for number, (name, place) in enumerate(zip(points.names, points.places, strict=True)):
            site = f"site-{number + 1}"
            ids.append(site if site not in taken else f"{site}-new")
            names.append(name)
            places.append(place)
    if not ids:
        raise InputError(f"city {city.meta.name} has no station for ambulances", field="city")
    seconds = scenario.coverage.slower * drive_seconds(city, scenario, places, points.places)
    cover = Cover(
        ids,
        seconds,
        points.weight,
        within_s=scenario.coverage.within_s,
        busy=scenario.coverage.busy,
    )
    where = [cover.number[station] for station in units["station_id"]]
    return Sites(
        tuple(ids),
        tuple(names),
        tuple(places),
        np.arange(len(ids)) >= old,
        cover,
        np.bincount(where, minlength=len(ids)).astype(np.int64),
        tuple(zip(units["unit_id"].astype(str), where, strict=True)),
    )


def site(
    sites: Sites,
    n: int,
    model: Model,
    *,
    most: int | None = None,
    keep: bool = False,
    inside: NDArray[np.bool_] | None = None,
    method: Method = "auto",
) -> Sited:
    """Return where n ambulances should stand by a model of `twin.agents.deployment.siting`.

    With `keep` those of today stay, and the others are sited. With (B,) `inside` nothing changes at
    the other sites.

    Raises
    ------
    InputError
        If there is no room for so many, or some are to stay that are more, or by a model that
        places all.
    """
    cover = sites.cover
    if keep and model in {"p-median", "nested"}:
        raise InputError(
            f"by {model} all are placed anew", field="--keep", hint="mexclp and mclp can keep"
        )
    if keep and n < sites.today.sum():
        raise InputError(
            f"{int(sites.today.sum())} ambulances stay, so there cannot be {n}",
            field="--ambulances",
        )
    if inside is not None and model in {"p-median", "nested"}:
        raise InputError(
            f"by {model} all are placed anew", field="--district", hint="mexclp and mclp can keep"
        )
    room = 1 if model == "p-median" else n if most is None else most
    stay = sites.today if keep else np.zeros_like(sites.today)
    if inside is not None:
        stay = np.where(inside, stay, sites.today)
        each = np.where(inside, room, sites.today)
        if not stay.sum() <= n <= np.maximum(each, stay).sum():
            raise InputError(
                f"{int(stay.sum())} of {n} ambulances stay where they are, and the others do not "
                f"fit at {int(inside.sum())} stations of the district",
                field="--district",
            )
        return _covering(cover, n, model, each, stay, method)
    if n > np.maximum(room, stay).sum():
        raise InputError(
            f"{n} ambulances are more than {len(sites.ids)} stations take at {room} each",
            field="--ambulances" if most is None or model == "p-median" else "--most",
            hint="the p-median has one at a station" if model == "p-median" else None,
        )
    if model == "p-median":
        return Sited(site_median(cover.weight, cover.seconds, n, method=method))
    if model == "nested":
        rows = free_shares(n, cover.busy)
        nest = nest_cover(
            cover.weight, cover.reach, n, rows, busy=cover.busy, most=room, method=method
        )
        counts = np.bincount(nest.order, minlength=len(sites.ids)).astype(np.int64)
        return Sited(Siting(counts, nest.value, nest.bound, nest.exact), tuple(nest.order))
    return _covering(cover, n, model, np.full_like(sites.today, room), stay, method)


def _covering(cover: Cover, n: int, model: Model, most: I64, stay: I64, method: Method) -> Sited:
    """Return where n ambulances cover most, at least `stay` and at most `most` at each site."""
    busy = cover.busy if model == "mexclp" else 0.0
    found = site_cover(
        cover.weight, cover.reach, n, busy=busy, most=most, least=stay, method=method
    )
    if model == "mclp":
        found = found._replace(counts=_useful(cover, found.counts, stay, most))
    return Sited(found)


def _useful(cover: Cover, counts: I64, stay: I64, most: I64) -> I64:
    """Return the same cover with those who add nothing to it standing where a second one helps."""
    needed = counts.copy()
    while True:
        alone = cover.covering(needed) == 1
        spare = np.flatnonzero((needed > stay) & (cover.reach @ (cover.weight * alone) == 0.0))
        if not len(spare):
            break
        needed[spare[0]] -= 1
    n = int(counts.sum())
    return greedy_cover(cover.weight, cover.reach, n, busy=cover.busy, most=most, begin=needed)


def figures(sites: Sites, counts: I64) -> dict[str, float]:
    """Return what ambulances at the sites cover: shares of the demand, and the mean drive.

    `within_reach`: some ambulance's station is within `coverage.within_s`; `expected`: one of them
    is free, by `coverage.busy`; `twice`: two are within reach; `mean_drive_s`: from the nearest.
    """
    cover = sites.cover
    total = float(cover.weight.sum())
    manned = counts > 0
    nearest = (
        cover.seconds[manned].min(axis=0) if manned.any() else np.full(len(cover.weight), np.inf)
    )
    reached = np.isfinite(nearest)
    share = cover.weight[reached]
    return {
        "within_reach": cover.share(counts),
        "expected": covered(cover.weight, cover.reach, counts, cover.busy) / total,
        "twice": cover.share(counts, least=2),
        "mean_drive_s": float(share @ nearest[reached] / share.sum()) if share.sum() else 0.0,
    }


def moves_to(
    city: City, scenario: Scenario, sites: Sites, counts: I64
) -> list[tuple[str, int, int, float]]:
    """Return (unit, from, to, seconds) of those who change their site: the least drive in total."""
    left, wanted = counts.copy(), []
    for unit, row in sites.units:
        if left[row] > 0:
            left[row] -= 1
        else:
            wanted.append((unit, row))
    goals = np.repeat(np.arange(len(left)), left)
    if not wanted or not len(goals):
        return []
    seconds = drive_seconds(
        city, scenario, [sites.places[row] for _, row in wanted], [sites.places[g] for g in goals]
    )
    far = 1.0 + 2.0 * float(seconds[np.isfinite(seconds)].sum())
    who, where = linear_sum_assignment(np.where(np.isfinite(seconds), seconds, far))
    return [
        (*wanted[u], int(goals[g]), float(seconds[u, g])) for u, g in zip(who, where, strict=True)
    ]


def changes_to(city: City, scenario: Scenario, sites: Sites, counts: I64) -> list[dict[str, Any]]:
    """Return the changes of a scenario that put ambulances where `counts` says.

    New stations first; then units that go, with their ids; then moves, one change a station; then
    units that come.
    """
    changes: list[dict[str, Any]] = []
    locator = Locator(city.network)
    for row in np.flatnonzero((counts > 0) & sites.new).tolist():
        place = sites.places[row]
        lon, lat = locator.lonlat(np.array([place.link]), np.array([place.pos_m]))
        changes.append(
            {"kind": "add-station", "station_id": sites.ids[row], "name": sites.names[row],
             "lon": round(float(lon[0]), 6), "lat": round(float(lat[0]), 6), "serves": "ems"}
        )  # fmt: skip
    moves = moves_to(city, scenario, sites, counts)
    moved = {unit for unit, *_ in moves}
    left = counts.copy()
    gone = []
    for _, _, goal, _ in moves:
        left[goal] -= 1
    for unit, row in sites.units:
        if unit in moved:
            continue
        if left[row] > 0:
            left[row] -= 1
        else:
            gone.append(unit)
    if gone:
        changes.append({"kind": "remove-units", "units": gone})
    to = Counter(goal for _, _, goal, _ in moves)
    changes += [
        {"kind": "move-units", "units": [u for u, _, g, _ in moves if g == goal],
         "to": sites.ids[goal]}
        for goal in sorted(to)
    ]  # fmt: skip
    changes += [
        {"kind": "add-units", "station": sites.ids[row], "unit": KIND, "count": count}
        for row in np.flatnonzero(left).tolist()
        for count in _parts(int(left[row]))
    ]
    return changes


def _parts(count: int) -> list[int]:
    """Return numbers that one `add-units` takes and that add up to `count`."""
    return [min(MOST_ADDED, count - done) for done in range(0, count, MOST_ADDED)]
