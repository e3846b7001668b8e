"""Stops of SUMO's files: `<busStop>`, and `<stop>` of vehicles, trips, flows and routes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from twin.demand.stops import Calls
from twin.network.graph import F32, Network
from twin.network.sumo_xml import MAX_TIME_S, Fields

_YES = frozenset({"1", "yes", "true", "on", "x", "t"})
_NO = frozenset({"0", "no", "false", "off", "-", "f"})
"""What SUMO reads as yes and as no."""
_WAITS = ("triggered", "containerTriggered", "expected", "join", "split")
LANE = re.compile(r"[0-9]{1,4}")
_PLACES = ("containerStop", "chargingStation", "parkingArea", "overheadWireSegment")


class StopPlace(NamedTuple):
    """Where vehicles stop: `end_m` is metres along SUMO's lane, from its end where negative.

    `lane` is -1 where the edge has no such lane for cars or buses, nor any to the left of it.
    """

    link: int
    lane: int
    end_m: float


class StopWish(NamedTuple):
    """A stop of a vehicle: it stands `dwell_s` seconds, and until second `until_s` at least."""

    place: StopPlace
    bay: bool
    dwell_s: float
    until_s: float


class StopReader:
    """Reads stops of the edges of a city.

    Parameters
    ----------
    network
        The roads.
    edges
        Link of each edge.
    lanes
        (L,) numbers of SUMO's lanes that are lanes of the link, from the kerb.
    left_out
        Counts what is left aside.
    """

    def __init__(
        self,
        network: Network,
        edges: Mapping[str, int],
        lanes: Sequence[tuple[int, ...]] | None,
        left_out: Counter[str],
    ) -> None:
        self._edges = edges
        self._lanes = lanes or [tuple(range(n)) for n in network.link_lanes.tolist()]
        self._left_out = left_out
        self._places: dict[str, StopPlace | None] = {}

    def take_place(self, fields: Fields) -> None:
        """Take a `<busStop>` in; those on edges that are no roads for cars are left aside."""
        name = fields.text("id")
        if name in self._places:
            fields.refuse("id", f"there is a bus stop {name!r} already")
        self._places[name] = self._place(fields)
        if self._places[name] is None:
            self._left_out["bus stops away from roads for cars"] += 1

    def _place(self, fields: Fields) -> StopPlace | None:
        edge, _, number = fields.text("lane").rpartition("_")
        if not edge or not LANE.fullmatch(number):
            fields.refuse(
                "lane", f"{fields.text('lane')!r} is not an edge and the number of a lane"
            )
        end = fields.number("endPos", -1e6, 1e6, -0.0)
        link = self._edges.get(edge)
        if link is None:
            return None
        own = self._lanes[link]
        # A lane that is not for cars is taken for the one beside it; one to the left of them all is
        # none at which who drives on roads can stop, though trams may.
        lane = own.index(int(number)) if int(number) in own else 0
        lane = -1 if int(number) > own[-1] else lane
        return StopPlace(link, lane, end if "endPos" in fields.element.attrib else np.inf)

    def stops(self, element: Element, file: str, row: str) -> list[StopWish]:
        """Return the stops of a vehicle, a trip or a route, in order."""
        found: list[StopWish] = []
        for child in element.iterfind("stop"):
            fields = Fields(child, file, row)
            if any(what in child.attrib for what in _PLACES):
                self._left_out["stops at other places than bus stops and lanes"] += 1
                continue
            self._left_out["stops that wait for persons or vehicles"] += any(
                child.get(what, "false") not in _NO for what in _WAITS
            )
            place = self._stop_place(fields)
            if place is None:
                self._left_out["stops away from roads for cars"] += 1
                continue
            duration = fields.seconds("duration", 0.0)
            until = fields.seconds("until", -MAX_TIME_S)
            if duration < 0.0:
                fields.refuse("duration", "the stop lasts less than no time")
            if "duration" not in child.attrib and "until" not in child.attrib:
                fields.refuse("duration", "the stop has neither `duration` nor `until`")
            parking = child.get("parking", "false")
            if parking not in _YES | _NO | {"opportunistic"}:
                fields.refuse("parking", f"{parking!r} is not yes or no")
            bay = parking not in _NO
            found.append(StopWish(place, bay, duration, until if until > -MAX_TIME_S else -np.inf))
        return found

    def _stop_place(self, fields: Fields) -> StopPlace | None:
        name = fields.element.get("busStop")
        if name is None:
            place, field = self._place(fields), "lane"
            where = fields.text("lane")
        elif name in self._places:
            place, field = self._places[name], "busStop"
            where = f"of the bus stop {name!r}"
        else:
            fields.refuse(
                "busStop",
                f"there is no bus stop {name!r} before it",
                "give the additional file before the routes",
            )
        if place is not None and place.lane < 0:
            fields.refuse(field, f"the edge has no lane {where} for cars or buses")
        return place


def calls_on(
    ways: Sequence[Sequence[int]],
    stops: Sequence[Sequence[StopWish]],
    length: F32,
    entry: NDArray[np.float64],
    left_out: Counter[str],
) -> Calls | None:
    """Return the stops of vehicles that lie on their ways, in their order; None without any.

    Parameters
    ----------
    ways, stops
        N rows of links, and of stops.
    length, entry
        (L,) metres of a link, and of its start that lie inside the junction in SUMO.
    left_out
        Counts the stops that do not.
    """
    if not any(stops):
        return None
    ptr, kept = [0], []
    for way, wishes in zip(ways, stops, strict=True):
        at, pos = 0, 0.0
        for wish in wishes:
            link = wish.place.link
            end = float(length[link])
            inside = float(entry[link])
            place = wish.place.end_m + (inside if wish.place.end_m >= 0.0 else end)
            place = min(max(place, inside), end)
            later = [n for n in range(at, len(way)) if way[n] == link]
            later = [n for n in later if n > at or place >= pos]
            if not later:
                left_out["stops that are not on the way"] += 1
                continue
            at, pos = later[0], place
            kept.append((link, place, wish.place.lane, wish.bay, wish.dwell_s, wish.until_s))
        ptr.append(len(kept))
    columns = list(zip(*kept, strict=True)) or [()] * 6
    return Calls(
        np.array(ptr, np.int32),
        np.array(columns[0], np.int32),
        np.array(columns[1], np.float32),
        np.array(columns[2], np.int32),
        np.array(columns[3], np.bool_),
        np.array(columns[4], np.float64),
        np.array(columns[5], np.float64),
        np.arange(len(kept), dtype=np.int32),
    )
