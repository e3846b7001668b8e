"""What a SUMO network file says, as lists, before it becomes a network.

The format is that of "SUMO Road Networks" (sumo.dlr.de/docs/Networks/SUMO_Road_Networks.html).
Lanes that neither passenger cars nor buses may use are left out, and so are edges without any lane
for cars.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn
from xml.etree.ElementTree import Element

from twin.core.errors import InputError
from twin.network.raw import MAX_LANES, MAX_LENGTH_M, MAX_SPEED_MPS
from twin.network.sumo_xml import Fields, elements

CAR = "passenger"
_BUSES = ("bus", "coach")
_RAIL = {"tram", "rail_urban", "rail", "rail_electric", "rail_fast", "subway", "cable_car"}
_BUS = {"bus", "coach", "taxi", "emergency", "authority"}
_MARGIN = 1e12


class Lane(NamedTuple):
    """A lane: its number in the file, length in m, speed in m/s, whether it is for buses only."""

    number: int
    length: float
    speed: float
    bus: bool


@dataclass(slots=True)
class Edge:
    """A road of one direction; `lanes`, from the kerb, are for cars or buses, `width` for all."""

    id: str
    start: str
    end: str
    kind: str
    name: str
    lanes: list[Lane]
    width: int
    shape: list[tuple[float, float]]

    @property
    def car_lanes(self) -> list[Lane]:
        """Those of `lanes` that cars may use."""
        return [lane for lane in self.lanes if not lane.bus]

    def own_lane(self, index: int) -> int:
        """Return the place among `lanes` of a lane of the file, or -1."""
        for place, lane in enumerate(self.lanes):
            if lane.number == index:
                return place
        return -1

    def has_car_lane(self, index: int) -> bool:
        """Return whether a lane of the file is one of this edge for cars."""
        return any(lane.number == index and not lane.bus for lane in self.lanes)


@dataclass(slots=True)
class Junction:
    """A place where roads meet.

    Attributes
    ----------
    lanes
        Lanes that come in, in the order in which their links are numbered.
    response
        For each link the links that it gives way to, as bits of a number.
    """

    id: str
    kind: str
    x: float
    y: float
    lanes: list[str]
    response: list[int] = field(default_factory=list)


class Connection(NamedTuple):
    """A way from lane to lane. `light` and `lamp` say which lamp of which signal shows it.

    `stops` is whether a stop sign stands before it (`state="s"`).
    """

    start: str
    end: str
    from_lane: int
    to_lane: int
    via: str
    direction: str
    light: str
    lamp: int
    stops: bool


class Phase(NamedTuple):
    """A state of all lamps of a signal, and for how many seconds it stands."""

    duration: float
    state: str


@dataclass(slots=True)
class Program:
    """The phases of a signal."""

    id: str
    kind: str
    offset: float
    phases: list[Phase]


@dataclass(slots=True)
class SumoFile:
    """What a file holds that matters to cars.

    Attributes
    ----------
    inner
        Length and speed of the lanes inside junctions.
    onward
        Next lane inside the junction of a lane that has one.
    order
        For every lane of the file its connections in order, as indices of `connections`; -1 for one
        that is not for cars.
    offset, projection
        Shift and PROJ text of the coordinates; the text is empty where they are only a plane.
    left_out
        Edges and lanes not for cars, and other things left aside, by what they are.
    """

    path: str
    edges: dict[str, Edge] = field(default_factory=dict)
    junctions: dict[str, Junction] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    programs: dict[str, Program] = field(default_factory=dict)
    inner: dict[str, tuple[float, float]] = field(default_factory=dict)
    onward: dict[str, str] = field(default_factory=dict)
    order: dict[str, list[int]] = field(default_factory=dict)
    roundabouts: int = 0
    offset: tuple[float, float] = (0.0, 0.0)
    projection: str = ""
    left_out: Counter[str] = field(default_factory=Counter)


def read_file(path: Path | str) -> SumoFile:
    """Return what a `.net.xml` file (gzip or not) says.

    Raises
    ------
    InputError
        Naming the file, the element and the attribute of the first fault.
    """
    file = SumoFile(str(path))
    closed: dict[str, int] = {}
    take = {
        "location": _location,
        "junction": _junction,
        "tlLogic": _program,
        "connection": _connection,
    }
    for element in elements(path, "net"):
        if element.tag == "edge":
            _edge(file, element, closed)
        elif element.tag == "roundabout":
            file.roundabouts += 1
        elif element.tag in take:
            take[element.tag](file, element)
    if not file.edges:
        raise InputError("there are no roads for cars in it", file=path)
    _check(file, closed)
    return file


def _location(file: SumoFile, element: Element) -> None:
    fields = Fields(element, file.path, "location")
    shift = fields.points("netOffset")
    file.offset = shift[0] if shift else (0.0, 0.0)
    text = element.get("projParameter", "!")
    file.projection = "" if text in {"!", "-", "."} else text


def open_to_cars(allow: str | None, disallow: str | None) -> bool:
    """Return whether a lane with these lists of classes is open to passenger cars."""
    return _open_to(CAR, allow, disallow)


def _open_to(whose: str, allow: str | None, disallow: str | None) -> bool:
    if allow is not None and allow != "":
        classes = allow.split()
        return whose in classes or "all" in classes
    classes = (disallow or "").split()
    return whose not in classes and "all" not in classes


def _edge(file: SumoFile, element: Element, closed: dict[str, int]) -> None:
    fields = Fields(element, file.path)
    name = fields.text("id")
    function = element.get("function", "normal")
    if function == "internal":
        for lane in element.iterfind("lane"):
            inside = Fields(lane, file.path)
            file.inner[inside.text("id")] = (
                inside.number("length", 0.0, MAX_LENGTH_M),
                inside.number("speed", 0.0, _MARGIN),
            )
        return
    if function in {"crossing", "walkingarea"}:
        file.left_out[f"{function}s"] += 1
        return
    if name in file.edges or name in closed:
        fields.refuse("id", "the edge occurs twice")
    found = element.findall("lane")
    rules = [(lane.get("allow"), lane.get("disallow")) for lane in found]
    cars = [open_to_cars(*rule) for rule in rules]
    if not found:
        fields.refuse("lane", "the edge has no lanes")
    if not any(cars):
        every = {name for allow, _ in rules for name in (allow or "").split()}
        file.left_out[f"edges {_whose(every)}"] += 1
        closed[name] = len(found)
        return
    lanes = []
    for lane, rule, car in zip(found, rules, cars, strict=True):
        inside = Fields(lane, file.path)
        index = inside.whole("index", 0, 999)
        if not car and not any(_open_to(bus, *rule) for bus in _BUSES):
            file.left_out[f"lanes {_whose(set((rule[0] or '').split()))}"] += 1
            continue
        speed = inside.number("speed", 0.0, MAX_SPEED_MPS)
        if speed == 0.0:
            inside.refuse("speed", "nobody can drive there at 0 m/s")
        lanes.append(Lane(index, inside.number("length", 0.0, MAX_LENGTH_M), speed, not car))
    if len(lanes) > MAX_LANES:
        fields.refuse("lane", f"there are more than {MAX_LANES} lanes")
    lanes.sort()
    file.edges[name] = Edge(
        name,
        fields.text("from"),
        fields.text("to"),
        element.get("type", ""),
        element.get("name", ""),
        lanes,
        len(found),
        fields.points("shape"),
    )


def _whose(classes: set[str]) -> str:
    """Return for whom a lane is that is not for cars."""
    if not classes or classes & _BUS:
        return "for buses and others only" if classes else "closed to cars"
    if classes & _RAIL:
        return "for rails only"
    return "for cyclists and pedestrians only"


def _junction(file: SumoFile, element: Element) -> None:
    kind = element.get("type", "")
    if kind == "internal":
        return
    fields = Fields(element, file.path)
    name = fields.text("id")
    if name in file.junctions:
        fields.refuse("id", "the junction occurs twice")
    junction = Junction(
        name,
        kind,
        fields.number("x", -1e9, 1e9),
        fields.number("y", -1e9, 1e9),
        element.get("incLanes", "").split(),
    )
    requests = element.findall("request")
    for place, request in enumerate(requests):
        inside = Fields(request, file.path, f"junction {name!r}, request {place}")
        if inside.whole("index", 0, 99_999) != place:
            inside.refuse("index", "the requests are not in order")
        for what in ("response", "foes"):
            bits = inside.text(what)
            if set(bits) - {"0", "1"} or len(bits) != len(requests):
                inside.refuse(what, f"{bits!r} is not {len(requests)} bits, one a request")
        junction.response.append(int(inside.text("response"), 2))
    file.junctions[name] = junction


def _program(file: SumoFile, element: Element) -> None:
    fields = Fields(element, file.path)
    name = fields.text("id")
    phases: list[Phase] = []
    for place, phase in enumerate(element.iterfind("phase")):
        inside = Fields(phase, file.path, f"tlLogic {name!r}, phase {place}")
        duration = inside.seconds("duration")
        state = inside.text("state")
        if duration <= 0.0 or duration > 86_400.0:
            inside.refuse("duration", "the phase does not last from 0 to 86400 seconds")
        if strange := set(state) - set("GgyYrusoO"):
            inside.refuse("state", f"{min(strange)!r} is not the state of a lamp")
        if phases and len(state) != len(phases[0].state):
            inside.refuse("state", "its lamps are not as many as in the first phase")
        phases.append(Phase(duration, state))
    if not phases:
        fields.refuse("phase", "the signal has no phases")
    if name in file.programs:
        file.left_out["other programs of a signal"] += 1
    # The program that comes last is the one that SUMO runs.
    file.programs[name] = Program(
        name, element.get("type", "static"), fields.seconds("offset", 0.0), phases
    )


def _connection(file: SumoFile, element: Element) -> None:
    start, end = element.get("from", ""), element.get("to", "")
    fields = Fields(element, file.path, f"connection {start!r} to {end!r}")
    for what in ("from", "to"):
        fields.text(what)
    from_lane, to_lane = (fields.whole(what, 0, 999) for what in ("fromLane", "toLane"))
    via = element.get("via", "")
    if start.startswith(":"):
        if via:
            file.onward[f"{start}_{from_lane}"] = via
        return
    if end.startswith(":"):
        return  # from a pavement to the corner of the junction
    light = element.get("tl", "")
    index = fields.whole("linkIndex", -1, 99_999) if light else -1
    if index < 0:
        light = ""  # a railway signal or crossing without lamps of its own
    row = len(file.connections)
    file.order.setdefault(f"{start}_{from_lane}", []).append(row)
    file.connections.append(
        Connection(
            start,
            end,
            from_lane,
            to_lane,
            via,
            element.get("dir", "s"),
            light,
            index,
            element.get("state") == "s",
        )
    )


def _check(file: SumoFile, closed: dict[str, int]) -> None:
    """Check that edges, connections and signals refer to what is there."""
    for edge in file.edges.values():
        for what, place in (("from", edge.start), ("to", edge.end)):
            if place not in file.junctions:
                why = f"there is no junction {place!r}"
                raise InputError(why, file=file.path, row=f"edge {edge.id!r}", field=what)
    kept = [_is_for_cars(file, joined, closed) for joined in file.connections]
    for lane, rows in file.order.items():
        file.order[lane] = [row if kept[row] else -1 for row in rows]


def _is_for_cars(file: SumoFile, joined: Connection, closed: dict[str, int]) -> bool:
    row = f"connection {joined.start!r} to {joined.end!r}"

    def refuse(field: str, why: str) -> NoReturn:
        raise InputError(why, file=file.path, row=row, field=field)

    open_ends = 0
    for what, name, lane in (
        ("from", joined.start, joined.from_lane),
        ("to", joined.end, joined.to_lane),
    ):
        edge = file.edges.get(name)
        width = closed.get(name) if edge is None else edge.width
        if width is None:
            refuse(what, f"there is no edge {name!r}")
        if lane >= width:
            refuse(f"{what}Lane", f"edge {name!r} has no lane {lane}")
        open_ends += edge is not None and edge.has_car_lane(lane)
    if open_ends < 2:
        return False
    program = file.programs.get(joined.light)
    if joined.light and program is None:
        junction = file.junctions[file.edges[joined.start].end]
        if not junction.kind.startswith("rail_"):
            refuse("tl", f"there is no tlLogic {joined.light!r}")
    if program is not None and joined.lamp >= len(program.phases[0].state):
        refuse("linkIndex", f"{joined.light!r} has only {len(program.phases[0].state)} lamps")
    return True
