"""Trips of SUMO's route files: vehicles, trips and flows with their types and routes.

The format is that of "Definition of Vehicles, Vehicle Types, and Routes" (sumo.dlr.de/docs). What
our traffic has no counterpart for is left aside and counted, never silently dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from twin.core.random import Streams
from twin.demand.stops import Calls
from twin.demand.sumo_flows import moments
from twin.demand.sumo_stops import StopReader, calls_on
from twin.demand.sumo_types import (
    DEFAULT_TYPES,
    Choice,
    VehicleType,
    default_type,
    read_choice,
    read_type,
)
from twin.demand.sumo_wishes import Routing, Wish, place_of_end, routed
from twin.demand.trips import Trips
from twin.network.graph import I32, Network
from twin.network.sumo_xml import Fields, elements

_PERSONS = {"person", "personFlow", "container", "containerFlow"}
_AS_OURS = {
    "departLane": {"best", "free", "allowed"},
    "departPos": {"base", "0"},
    "departSpeed": {"max", "desired", "speedLimit", "avg", "last"},
}
"""What our insertion does: the freest lane of the first turn, its start, up to 10 m/s."""
_NOT_OURS = ("arrivalLane", "arrivalSpeed", "departEdge", "arrivalEdge")
_MAX_REPEAT = 1_000
_UNKNOWN_ENDS = ("fromTaz", "toTaz", "fromJunction", "toJunction", "viaJunctions")


class SumoDemand(NamedTuple):
    """What route files ask for.

    Attributes
    ----------
    trips
        The trips, by departure.
    ids
        Name of each trip's vehicle.
    type_of
        (N,) index into `types`.
    types
        The types that trips have.
    left_out
        What was left aside, by what it is.
    calls
        Stops of the trips; None where nobody stops.
    """

    trips: Trips
    ids: list[str]
    type_of: I32
    types: list[VehicleType]
    left_out: Counter[str]
    calls: Calls | None = None


@dataclass(slots=True)
class _Columns:
    ids: list[str] = field(default_factory=list)
    depart: list[float] = field(default_factory=list)
    type_of: list[int] = field(default_factory=list)
    wish_of: list[int] = field(default_factory=list)


def read_routes(
    paths: Sequence[Path | str],
    network: Network,
    edges: Mapping[str, int],
    route: Routing,
    *,
    seed: int,
    end_s: float,
    entry_m: NDArray[np.float64] | None = None,
    lanes: Sequence[tuple[int, ...]] | None = None,
) -> SumoDemand:
    """Return the trips of route files that depart before `end_s`.

    Parameters
    ----------
    paths
        The files, gzip or not; types and routes of one hold in those after it.
    network
        The roads.
    edges
        Link of each edge.
    route
        Routes trips that name only where they start, end and pass.
    seed
        Of what is drawn: types and routes of distributions, departures by probability.
    entry_m
        (L,) metres at the start of each link that lie inside the junction in SUMO.
    lanes
        (L,) numbers of the edge's lanes that are lanes of the link, from the kerb; all if left out.

    Raises
    ------
    InputError
        Naming the file, the vehicle and the attribute of the first fault.
    """
    reader = _Reader(network, edges, Streams(seed), end_s, lanes)
    for path in paths:
        reader.file = str(path)
        for element in elements(path, "routes", "additional"):
            reader.take(element)
    entry = np.zeros(network.n_links) if entry_m is None else entry_m
    return reader.demand(route, entry)


class _Reader:
    def __init__(
        self,
        network: Network,
        edges: Mapping[str, int],
        streams: Streams,
        end_s: float,
        lanes: Sequence[tuple[int, ...]] | None,
    ) -> None:
        self.file = ""
        self.network = network
        self.edges = edges
        self.streams = streams
        self.end_s = end_s
        self.types: dict[str, VehicleType] = {}
        self.type_choices: dict[str, Choice] = {}
        self.routes: dict[str, int] = {}
        self.route_choices: dict[str, Choice] = {}
        self.wishes: list[Wish] = []
        self.used_types: dict[str, int] = {}
        self.columns = _Columns()
        self.left_out: Counter[str] = Counter()
        self.known: set[str] = set()
        self.stops = StopReader(network, edges, lanes, self.left_out)
        turns = network.turn_from.astype(np.int64) * network.n_links + network.turn_to
        self.turns = set(turns.tolist())

    def take(self, element: Element) -> None:
        """Take one element of a file in."""
        tag = element.tag
        if tag == "vType":
            self._type(element)
        elif tag == "vTypeDistribution":
            for inner in element.iterfind("vType"):
                self._type(inner)
            fields = Fields(element, self.file)
            name = self._new_name(fields, "vType", self.types, self.type_choices)
            self.type_choices[name] = read_choice(fields, "vType", "vTypes")
        elif tag == "route":
            self._named_route(element)
        elif tag == "routeDistribution":
            self._route_choice(element)
        elif tag in {"vehicle", "trip"}:
            self._vehicle(element)
        elif tag == "flow":
            self._flow(element)
        elif tag == "interval":
            self._interval(element)
        elif tag == "busStop":
            self.stops.take_place(Fields(element, self.file))
        elif tag in _PERSONS:
            self.left_out["persons and containers"] += 1
        else:
            self.left_out[f"<{tag}>"] += 1

    def _type(self, element: Element) -> None:
        fields = Fields(element, self.file)
        name = self._new_name(fields, "vType", self.types, self.type_choices)
        self.types[name] = read_type(fields)

    def _named_route(self, element: Element) -> None:
        fields = Fields(element, self.file)
        name = self._new_name(fields, "route", self.routes, self.route_choices)
        self.routes[name] = self._route(fields)

    def _new_name(self, fields: Fields, what: str, *known: Mapping[str, object]) -> str:
        """Return the id of an element; one that is taken is refused, as SUMO does.

        A type or route and a distribution of them share their names.
        """
        name = fields.text("id")
        if any(name in names for names in known):
            hint = "a default type stands as it is once a vehicle has it"
            fields.refuse(
                "id",
                f"there is a {what} or a distribution {name!r} already",
                hint if name in DEFAULT_TYPES else None,
            )
        return name

    def _interval(self, element: Element) -> None:
        """Take in what an interval holds; it says when its flows begin and end."""
        for inner in element:
            if inner.tag == "flow":
                for what in ("begin", "end"):
                    if what in element.attrib:
                        inner.attrib.setdefault(what, element.attrib[what])
            self.take(inner)

    def _link(self, fields: Fields, name: str, what: str) -> int:
        link = self.edges.get(name)
        if link is None:
            fields.refuse(
                what,
                f"there is no edge {name!r} for cars in the city",
                "was the city imported from the network of these routes?",
            )
        return link

    def _route(self, fields: Fields, owner: Fields | None = None) -> int:
        """Take the edges of a route in; return its number."""
        repeat = fields.whole("repeat", 1, _MAX_REPEAT, 1)
        names = fields.text("edges").split() * repeat
        links = [self._link(fields, name, "edges") for name in names]
        n = self.network.n_links
        for at, (here, there) in enumerate(pairwise(links)):
            if here * n + there not in self.turns:
                fields.refuse("edges", f"no turn leads from {names[at]!r} to {names[at + 1]!r}")
        row = (owner or fields).row
        stops = self.stops.stops(fields.element, self.file, row)
        self.left_out["stops of the further rounds of a route"] += (repeat - 1) * len(stops)
        self.wishes.append(Wish(links, True, "max", row, self.file, stops))
        return len(self.wishes) - 1

    def _route_choice(self, element: Element) -> None:
        fields = Fields(element, self.file)
        name = self._new_name(fields, "route", self.routes, self.route_choices)
        for place, inner in enumerate(element.iterfind("route")):
            if "edges" in inner.attrib:
                inner.set("id", inner.get("id") or f"{name}#{place}")
                self._named_route(inner)
        choice = read_choice(fields, "route", "routes")
        for known in choice.names:
            if known not in self.routes:
                fields.refuse("routes", f"there is no route {known!r}")
        self.route_choices[name] = choice

    def _vehicle(self, element: Element) -> None:
        fields = Fields(element, self.file)
        name = fields.text("id")
        depart = self._depart(fields)
        pick = self._picker(fields)
        if pick is not None and depart < self.end_s:
            self._add(fields, name, depart, *pick(self.streams.stream("sumo", name)))

    def _depart(self, fields: Fields) -> float:
        text = fields.text("depart")
        if text in {"begin", "now"}:
            return 0.0
        if not text[0].isdigit() and text[0] not in "+-.":
            fields.refuse(
                "depart",
                f"a departure that is {text!r} is not known to Twin",
                "give every vehicle a time",
            )
        value = fields.seconds("depart")
        if value < 0.0:
            fields.refuse("depart", f"{text!r} lies before the start")
        return value

    def _picker(self, fields: Fields) -> Callable[[np.random.Generator], tuple[int, int]] | None:
        """Return what draws (type, wish) of a vehicle; None for what does not drive on roads."""
        element = fields.element
        kind = element.get("type", "DEFAULT_VEHTYPE")
        if kind not in self.types and kind not in self.type_choices:
            if kind not in DEFAULT_TYPES:
                fields.refuse("type", f"there is no vType {kind!r} before it")
            self.types[kind] = default_type(kind)
        choice = self.type_choices.get(kind)
        for name in [kind] if choice is None else choice.names:
            if name not in self.types:
                fields.refuse("type", f"there is no vType {name!r}")
            if self.types[name].kind is None:
                self.left_out[f"vehicles of class {self.types[name].vclass}"] += 1
                return None
        for what, known in _AS_OURS.items():
            value = element.get(what)
            if value is not None and value not in known:
                self.left_out[f"{what}={value}" if value.isalpha() else what] += 1
        for what in _NOT_OURS:
            self.left_out[what] += what in element.attrib
        wish, routes = self._wish(fields)

        def pick(rng: np.random.Generator) -> tuple[int, int]:
            own = kind if choice is None else choice.draw(rng)
            way = wish if routes is None else self.routes[routes.draw(rng)]
            return self.used_types.setdefault(own, len(self.used_types)), way

        return pick

    def _wish(self, fields: Fields) -> tuple[int, Choice | None]:
        """Return the number of a vehicle's wish, or the choice of its routes."""
        element = fields.element
        end = element.get("arrivalPos", "max")
        stops = self.stops.stops(element, self.file, fields.row)
        inner = element.find("route")
        named = element.get("route")
        if inner is not None:
            wish = self._route(Fields(inner, self.file, fields.row), fields)
        elif named is not None:
            if named in self.route_choices:
                self.left_out["stops of vehicles whose route is drawn"] += len(stops)
                return -1, self.route_choices[named]
            if named not in self.routes:
                fields.refuse("route", f"there is no route {named!r} before it")
            wish = self.routes[named]
        else:
            for what in _UNKNOWN_ENDS:
                if what in element.attrib:
                    fields.refuse(what, "Twin reads trips from edge to edge only", "route it first")
            names = [fields.text("from"), *element.get("via", "").split(), fields.text("to")]
            links = [self._link(fields, name, "from, via or to") for name in names]
            if len(links) == 2:
                # As SUMO does, by way of the stops.
                between = [stop.place.link for stop in stops]
                passed = [a for a, b in pairwise([links[0], *between, links[1]]) if a != b]
                links = [*passed, links[1]]
            self.wishes.append(Wish(links, False, end, fields.row, self.file, stops))
            return len(self.wishes) - 1, None
        if end != "max" or stops:
            known = self.wishes[wish]
            stops = [*known.stops, *stops]
            self.wishes.append(Wish(known.links, True, end, fields.row, self.file, stops))
            wish = len(self.wishes) - 1
        return wish, None

    def _flow(self, element: Element) -> None:
        fields = Fields(element, self.file)
        name = fields.text("id")
        pick = self._picker(fields)
        if pick is None:
            return
        rng = self.streams.stream("sumo", name)
        for place, moment in enumerate(moments(fields, rng, self.end_s).tolist()):
            self._add(fields, f"{name}.{place}", moment, *pick(rng))

    def _add(self, fields: Fields, name: str, depart: float, kind: int, wish: int) -> None:
        if name in self.known:
            fields.refuse("id", f"there is a vehicle {name!r} already")
        self.known.add(name)
        own = self.columns
        own.ids.append(name)
        own.depart.append(depart)
        own.type_of.append(kind)
        own.wish_of.append(wish)

    def demand(self, route: Routing, entry: NDArray[np.float64]) -> SumoDemand:
        """Return everything taken in, routed."""
        ways = routed(self.wishes, route)
        own = self.columns
        wish_of = np.array(own.wish_of, np.int64)
        has_way = np.array([bool(way) for way in ways] or [False])
        keep = np.flatnonzero(has_way[wish_of]) if len(wish_of) else np.zeros(0, np.int64)
        self.left_out["vehicles without a way to their goal"] += len(wish_of) - len(keep)
        depart = np.array(own.depart, np.float64)
        keep = keep[np.argsort(depart[keep], kind="stable")]
        length = np.array([len(way) for way in ways] or [0], np.int64)
        ptr = np.zeros(len(keep) + 1, np.int32)
        np.cumsum(length[wish_of[keep]], out=ptr[1:])
        flat = [link for k in keep.tolist() for link in ways[own.wish_of[k]]]
        links = np.array(flat, np.int32)
        types = [self.types[name] for name in self.used_types]
        type_of = np.array(own.type_of, np.int32)[keep]
        kinds = np.array([0 if t.kind is None else int(t.kind) for t in types] or [0], np.uint8)
        last = [ways[own.wish_of[k]][-1] for k in keep.tolist()]
        ends = [
            place_of_end(
                self.wishes[own.wish_of[k]],
                float(self.network.link_length[link]),
                float(entry[link]),
                own.ids[k],
                self.streams,
            )
            for k, link in zip(keep.tolist(), last, strict=True)
        ]
        trips = Trips(depart[keep], kinds[type_of], ptr, links, np.array(ends, np.float32))
        ids = [own.ids[k] for k in keep.tolist()]
        calls = calls_on(
            [ways[own.wish_of[k]] for k in keep.tolist()],
            [self.wishes[own.wish_of[k]].stops for k in keep.tolist()],
            self.network.link_length,
            entry,
            self.left_out,
        )
        left = Counter({what: n for what, n in sorted(self.left_out.items()) if n})
        return SumoDemand(trips, ids, type_of, types, left, calls)
