"""Roads from a GraphML file as OSMnx writes it.

The attributes are those of Boeing (2025), "Modeling and analyzing urban networks and amenities
with OSMnx".
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import defusedxml.ElementTree as SafeTree
import numpy as np

from twin.core.errors import InputError
from twin.network.files import read_bytes
from twin.network.geometry import pointer
from twin.network.graph import RoadClass
from twin.network.raw import MAX_LANES, MAX_LENGTH_M, RawRoads, raw_roads
from twin.network.safe_xml import xml_faults
from twin.network.tags import lane_count, road_class, speed_limit
from twin.network.wkt import line_of

_ITEM = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s,\[\]'\"]+)")


def read_graphml(path: Path | str) -> RawRoads:
    """Return the roads of an OSMnx graph; gzip is unpacked.

    Where OSMnx has joined ways of several values, the most important class, the fewest lanes and
    the lowest speed count, for they decide what the link lets through. `lanes` of a two-way road
    is halved, since OpenStreetMap counts both directions.

    Raises
    ------
    InputError
        Naming the file, the node or edge, and the attribute of the first fault.
    """
    root = _parse(path)
    space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""
    keys = {key.get("id", ""): key.get("attr.name", "") for key in root.iterfind(f"{space}key")}
    graph = root.find(f"{space}graph")
    if graph is None:
        raise InputError("it is not GraphML: there is no graph in it", file=path)
    reader = _Reader(str(path), keys, space)
    for element in graph.iterfind(f"{space}node"):
        reader.node(element)
    for element in graph.iterfind(f"{space}edge"):
        reader.edge(element)
    return reader.roads()


def _parse(path: Path | str) -> Element:
    content = read_bytes(path)
    with xml_faults(path, content):
        root = SafeTree.parse(io.BytesIO(content), forbid_dtd=True).getroot()
    if root is None:
        raise InputError("it is not GraphML", file=path)
    return root


def _items(text: str) -> list[str]:
    """Return the values of an attribute that may be a Python list written as text."""
    if not text.startswith("["):
        return [text] if text else []
    return [next(part for part in match if part) for match in _ITEM.findall(text) if any(match)]


class _Reader:
    """Collects nodes and edges as columns."""

    def __init__(self, file: str, keys: dict[str, str], space: str) -> None:
        self.file = file
        self.keys = keys
        self.data_tag = f"{space}data"
        self.node_id: list[int] = []
        self.known: set[int] = set()
        self.lon: list[float] = []
        self.lat: list[float] = []
        self.signal: list[bool] = []
        self.ends: list[tuple[int, int]] = []
        self.length: list[float] = []
        self.speed: list[float] = []
        self.lanes: list[int] = []
        self.kind: list[RoadClass] = []
        self.ramp: list[bool] = []
        self.roundabout: list[bool] = []
        self.name: list[int] = []
        self.names: dict[str, int] = {}
        self.lines: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = []

    def _data(self, element: Element) -> dict[str, str]:
        return {
            self.keys.get(data.get("key", ""), ""): (data.text or "").strip()
            for data in element.iterfind(self.data_tag)
        }

    def _number(self, text: str, row: str, field: str, low: float, high: float) -> float:
        try:
            value = float(text)
        except ValueError as error:
            why = f"{text!r} is not a number" if text else "the value is missing"
            raise InputError(why, file=self.file, row=row, field=field) from error
        if not low <= value <= high:
            why = f"{text!r} is not from {low:g} to {high:g}"
            raise InputError(why, file=self.file, row=row, field=field)
        return value

    def _key(self, text: str | None, row: str, field: str) -> int:
        try:
            return int(text or "")
        except ValueError as error:
            why = f"{text!r} is not a whole number"
            raise InputError(why, file=self.file, row=row, field=field) from error

    def node(self, element: Element) -> None:
        """Take a node in."""
        row = f"node {element.get('id')}"
        data = self._data(element)
        number = self._key(element.get("id"), row, "id")
        if number in self.known:
            raise InputError("the node occurs twice", file=self.file, row=row, field="id")
        self.known.add(number)
        self.node_id.append(number)
        self.lon.append(self._number(data.get("x", ""), row, "x", -180.0, 180.0))
        self.lat.append(self._number(data.get("y", ""), row, "y", -85.0, 85.0))
        self.signal.append("traffic_signals" in data.get("highway", ""))

    def edge(self, element: Element) -> None:
        """Take an edge in, unless it is not for cars."""
        row = f"edge {element.get('source')} -> {element.get('target')}"
        data = self._data(element)
        found = [road_class(value) for value in _items(data.get("highway", "residential"))]
        classes = [entry for entry in found if entry is not None]
        if not classes:
            return
        kind, ramp = min(classes)
        self.ends.append(
            (
                self._key(element.get("source"), row, "source"),
                self._key(element.get("target"), row, "target"),
            )
        )
        text = data.get("length", "")
        length = self._number(text, row, "length", 0.0, MAX_LENGTH_M) if text else float("nan")
        self.length.append(length)
        self.kind.append(kind)
        self.ramp.append(ramp)
        self.roundabout.append(data.get("junction", "") in {"roundabout", "circular"})
        lanes = [
            lane_count(value, file=self.file, row=row, field="lanes")
            for value in _items(data.get("lanes", ""))
        ]
        fewest = min((value for value in lanes if value > 0), default=0)
        if data.get("oneway", "").lower() in {"false", "no", "0"} and fewest:
            fewest = max(fewest // 2, 1)
        self.lanes.append(min(fewest, MAX_LANES))
        speeds = [
            speed_limit(value, file=self.file, row=row, field="maxspeed")
            for value in _items(data.get("maxspeed", ""))
        ]
        self.speed.append(min((v for v in speeds if not np.isnan(v)), default=float("nan")))
        title = _items(data.get("name", ""))
        self.name.append(self.names.setdefault(title[0], len(self.names)) if title else -1)
        line = data.get("geometry", "")
        self.lines.append(line_of(line, file=self.file, row=row, field="geometry"))

    def roads(self) -> RawRoads:
        """Return everything taken in."""
        if not self.ends:
            raise InputError("there are no roads in it", file=self.file)
        for pair in self.ends:
            for field, node in zip(("source", "target"), pair, strict=True):
                if node not in self.known:
                    raise InputError(
                        f"there is no node {node}",
                        file=self.file,
                        row=f"edge {pair[0]} -> {pair[1]}",
                        field=field,
                    )
        shape = np.concatenate(self.lines)
        ends = np.asarray(self.ends, np.int64)
        return raw_roads(
            node_id=self.node_id,
            node_lon=self.lon,
            node_lat=self.lat,
            node_signal=self.signal,
            link_from=ends[:, 0],
            link_to=ends[:, 1],
            link_length=self.length,
            link_speed=self.speed,
            link_lanes=self.lanes,
            link_class=[int(kind) for kind in self.kind],
            link_ramp=self.ramp,
            link_roundabout=self.roundabout,
            link_name=self.name,
            geometry=(
                pointer(np.asarray([len(line) for line in self.lines])),
                shape[:, 0],
                shape[:, 1],
            ),
            names=tuple(self.names),
            source=self.file,
        )
