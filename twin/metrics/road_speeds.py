"""Speeds on groups of roads over a span of the day, beside the speeds that a city publishes."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.core.units import KMH
from twin.network.streets import middle_of_links

F64 = NDArray[np.float64]

LEAST_DRIVEN = 0.5
"""A figure needs vehicles on at least this share of the roads' length."""


class PublishedSpeed(TypedDict):
    """One published speed beside the run's.

    Speeds are km/h, hours are of the run's first day. `published_from_h` to `published_to_h` is the
    span that was published, `from_h` to `to_h` the part of it that the run covers; a run that
    covers none of it, or drives on too few of the roads, has no simulated speed.
    """

    measure: str
    title_en: str
    title_ko: str
    published_kmh: float
    published_from_h: float
    published_to_h: float
    year: int
    source: str
    simulated_kmh: float | None
    from_h: float | None
    to_h: float | None


def link_speeds(links: pd.DataFrame, n_links: int, t_from: float, t_to: float) -> F64:
    """Return (L,) space-mean speeds in m/s over a span from the `links` table of a run.

    Distance driven over time driven: intervals count by the vehicles that were on the link. A row
    counts when its interval, which ends at `t`, does so in `(t_from, t_to]`. Links without vehicles
    are nan.
    """
    rows = links[(links["t"] > t_from) & (links["t"] <= t_to)]
    link = rows["link"].to_numpy(np.int64)
    on = rows["vehicles"].to_numpy(np.float64)
    far = np.bincount(link, weights=on * rows["speed_mps"].to_numpy(np.float64), minlength=n_links)
    long = np.bincount(link, weights=on, minlength=n_links)
    mean: F64 = np.full(n_links, np.nan)
    np.divide(far, long, out=mean, where=long > 0.0)
    return mean


def roads_speed(length_m: F64, speed_mps: F64) -> float | None:
    """Return the speed of somebody who drives every one of some roads once, m/s.

    The length of the roads over the sum of their travel times (the harmonic mean weighted by
    length), as speeds of whole networks are published from travel times by road section.

    Parameters
    ----------
    length_m, speed_mps
        (R,) of each road; roads of unknown speed (nan) are left out.

    Returns
    -------
    float or None
        None when less than `LEAST_DRIVEN` of the length has a speed.
    """
    known = np.isfinite(speed_mps) & (speed_mps > 0.0)
    driven = float(length_m[known].sum())
    if driven <= 0.0 or driven < LEAST_DRIVEN * float(length_m.sum()):
        return None
    return driven / float((length_m[known] / speed_mps[known]).sum())


def published_beside_simulated(
    city: City, links: pd.DataFrame, start_s: float, end_s: float
) -> list[PublishedSpeed]:
    """Return each speed that the city publishes beside the run's.

    Parameters
    ----------
    city
        Its table `published_speeds` says which speeds, and of which roads.
    links
        The run's `links` table.
    start_s, end_s
        What the run counts, seconds since midnight.
    """
    table, network = city["published_speeds"], city.network
    if not len(table):
        return []
    district = _district_of_links(city)
    spans: dict[tuple[float, float], F64] = {}
    answer: list[PublishedSpeed] = []
    for row in table.to_dict("records"):
        t_from = max(start_s, float(row["from_h"]) * HOUR_S)
        t_to = min(end_s, float(row["to_h"]) * HOUR_S)
        speed = None
        if t_to > t_from:
            chosen = np.isin(network.link_class, [int(k) for k in str(row["classes"]).split()])
            chosen &= network.link_speed >= (float(row["min_free_kmh"]) - 0.01) * KMH
            if row["districts"]:
                chosen &= np.isin(district, str(row["districts"]).split(";"))
            if (t_from, t_to) not in spans:
                spans[t_from, t_to] = link_speeds(links, network.n_links, t_from, t_to)
            mean = spans[t_from, t_to]
            speed = roads_speed(network.link_length[chosen].astype(np.float64), mean[chosen])
        answer.append(
            {
                "measure": str(row["measure"]),
                "title_en": str(row["title_en"]),
                "title_ko": str(row["title_ko"]),
                "published_kmh": float(row["kmh"]),
                "published_from_h": float(row["from_h"]),
                "published_to_h": float(row["to_h"]),
                "year": int(row["year"]),
                "source": str(row["source"]),
                "simulated_kmh": None if speed is None else speed / KMH,
                "from_h": None if speed is None else t_from / HOUR_S,
                "to_h": None if speed is None else t_to / HOUR_S,
            }
        )
    return answer


def _district_of_links(city: City) -> NDArray[np.str_]:
    """Return (L,) the district halfway between a link's ends; empty where there is none."""
    network = city.network
    middle = shapely.points(*middle_of_links(network))
    table = city["districts"]
    names = table["district"].to_numpy(str)
    found = np.full(network.n_links, "", dtype=names.dtype if len(names) else "U1")
    for name, shape in zip(
        names, shapely.from_wkb(table["polygon_wkb"].to_numpy(object)), strict=True
    ):
        shapely.prepare(shape)
        found[shapely.contains_properly(shape, middle)] = name
    return found
