"""What a vehicle of SUMO's route files wishes: the links to pass, and where on the last it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.sumo_stops import StopWish
from twin.network.graph import I32

Routing = Callable[[I32, I32], tuple[I32, I32]]
"""Fastest routes from links to links as compressed rows, empty where there is no way."""

END_SPARE_M = 0.02


@dataclass(slots=True)
class Wish:
    """A vehicle before it is routed: links to pass in order; all of them when `whole`."""

    links: list[int]
    whole: bool
    end: str
    row: str
    file: str
    stops: list[StopWish] = field(default_factory=list)


def routed(wishes: Sequence[Wish], route: Routing) -> list[list[int]]:
    """Return the links of every wish; an empty list where there is no way."""
    legs = [
        (number, here, there)
        for number, wish in enumerate(wishes)
        if not wish.whole
        for here, there in pairwise(wish.links)
    ]
    ways = [wish.links if wish.whole else wish.links[:1] for wish in wishes]
    if not legs:
        return ways
    ends = np.array(legs, np.int32)
    ptr, links = route(ends[:, 1].copy(), ends[:, 2].copy())
    flat, edge = links.tolist(), ptr.tolist()
    lost = set()
    for k, (number, _, _) in enumerate(legs):
        leg = flat[edge[k] : edge[k + 1]]
        if not leg:
            lost.add(number)
        ways[number] = ways[number] + leg[1:]
    return [[] if number in lost else way for number, way in enumerate(ways)]


def place_of_end(wish: Wish, length: float, inside: float, name: str, streams: Streams) -> float:
    """Return where on its last link a trip ends, metres from the link's start.

    Parameters
    ----------
    wish
        What the vehicle wishes.
    length, inside
        Length of the link, and how much of its start lies inside the junction in SUMO, metres.
    name
        The vehicle, for a place that is drawn.
    streams
        Where it is drawn from.
    """
    whole = length - END_SPARE_M
    if wish.end == "max":
        return whole
    if wish.end == "center":
        return inside + (length - inside) / 2.0
    if wish.end == "random":
        share = float(streams.stream("sumo-arrival", name).random())
        return min(inside + share * (length - inside), whole)
    try:
        place = float(wish.end)
    except ValueError:
        place = math.nan
    if math.isnan(place):
        why = f"{wish.end!r} is not a place on a lane"
        raise InputError(why, file=wish.file, row=wish.row, field="arrivalPos")
    place += inside if place >= 0.0 else length
    return min(max(place, inside), whole)
