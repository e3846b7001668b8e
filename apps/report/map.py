"""The map of a report: streets, districts in colour, calls, stations, hospitals, closures."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from apps.report.html import Raw, tag
from apps.stations import station_names
from twin.city.model import City
from twin.city.names import Names, by_language
from twin.network.geometry import Projection
from twin.network.graph import Network
from twin.scenarios.change_kinds import (
    AddStation,
    AddUnits,
    Change,
    CloseBeds,
    CloseHospital,
    MoveUnits,
    OpenHospital,
    RemoveUnits,
)

SEQUENTIAL = ("#fffbe3", "#fee9ad", "#fbd172", "#f2ad4e", "#d98a2b")
"""From short to long; other hues than `DIVERGING`, for a dark blue there means faster."""
DIVERGING = ("#2166ac", "#92c5de", "#f2f2f2", "#f4a582", "#b2182b")
"""From faster through no change to slower."""

FEW = "#dfe2e6"
"""Of a district with too few calls to be coloured."""

PLACES = (("triangle", "#1b7837", "station"), ("cross", "#762a83", "hospital"))
NEW = ("star", "#e6008a", "new station, or more units at it")
LESS = ("saltire", "#000", "fewer units, or a hospital closed to ambulances")
CLOSED = ("line", "#000", "closed road, or lanes of it")

_WIDTH, _MOST_HEIGHT = 1000.0, 1400.0
_LETTER = 14.5
"""Width of a letter of a name as a narrow screen draws it."""
_STREETS = ((0, 1, "#6b7785", 1.6), (2, 3, "#98a2af", 0.9), (4, 4, "#bcc4ce", 0.6))
_SMALL = (5, 6, "#d3d9e0", 0.35)


class Drawing:
    """Collects what is drawn over a city's streets.

    Parameters
    ----------
    city
        The city.
    """

    def __init__(self, city: City) -> None:
        network = city.network
        self._city = city
        self._projection = Projection(network.lon0, network.lat0)
        self._shapes = {
            str(row["district"]): [
                np.asarray(part.exterior.coords)[:, :2].T
                for part in shapely.get_parts(shapely.from_wkb(row["polygon_wkb"]))
                if isinstance(part, shapely.Polygon)
            ]
            for row in city["districts"].to_dict("records")
        }
        x0, x1, y0, y1 = self._extent(network)
        margin = 0.03 * max(x1 - x0, y1 - y0, 100.0)
        self._x0, self._y1 = x0 - margin, y1 + margin
        self._scale = min(_WIDTH / (x1 - x0 + 2 * margin), _MOST_HEIGHT / (y1 - y0 + 2 * margin))
        self.width = (x1 - x0 + 2 * margin) * self._scale
        self.height = (y1 - y0 + 2 * margin) * self._scale
        self._under: list[Raw] = []
        self._over: list[Raw] = []
        self._marks: list[Raw] = []
        self._names: list[tuple[str, float, float, str]] = []

    def _extent(self, network: Network) -> tuple[float, float, float, float]:
        """Return west, east, south and north of streets and districts, metres.

        Districts may reach beyond the streets, as mountains and water do; what lies further out
        than half the streets' extent would make these too small and is cut off.
        """
        x0, x1 = float(network.node_x.min()), float(network.node_x.max())
        y0, y1 = float(network.node_y.min()), float(network.node_y.max())
        reach = 0.5 * max(x1 - x0, y1 - y0)
        rings = [ring for parts in self._shapes.values() for ring in parts]
        if not rings:
            return x0, x1, y0, y1
        x, y = map(np.asarray, self._projection.forward(*np.concatenate(rings, axis=1)))
        return (
            min(x0, max(float(x.min()), x0 - reach)), max(x1, min(float(x.max()), x1 + reach)),
            min(y0, max(float(y.min()), y0 - reach)), max(y1, min(float(y.max()), y1 + reach)),
        )  # fmt: skip

    def districts(
        self, colour: Mapping[str, str], title: Callable[[str], str], bold: Sequence[str] = ()
    ) -> None:
        """Fill and name districts; those without a colour stay white, `bold` get a dark edge."""
        for name, parts in self._shapes.items():
            path = "".join(self._path(*ring) + "Z" for ring in parts)
            strong = name in bold
            self._under.append(
                tag(
                    "path",
                    tag("title", title(name)),
                    d=path,
                    fill=colour.get(name, "#ffffff"),
                    fill_opacity=0.75,
                    stroke="#222" if strong else "#aab2bd",
                    stroke_width=2.2 if strong else 0.7,
                )
            )
            if not parts:
                continue
            shape = max((shapely.Polygon(ring.T) for ring in parts), key=lambda one: one.area)
            at = shape.representative_point()
            (x,), (y,) = self._at(np.array([at.x]), np.array([at.y]))
            self._names.append((name, x, y, ""))

    def calls(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        titles: Sequence[str],
        *,
        colour: str,
        radius: float,
        shape: str = "dot",
    ) -> None:
        """Draw a dot or a ring for each call."""
        self._over += [
            _mark(shape, colour, float(x), float(y), radius, title)
            for x, y, title in zip(*self._at(lon, lat), titles, strict=True)
        ]

    def places(self) -> list[tuple[str, str, str]]:
        """Draw stations and hospitals as `PLACES` says; return the entries of the legend."""
        names, entries = station_names(self._city, ()), []
        for entry, table in zip(PLACES, ("stations", "hospitals"), strict=True):
            rows = self._rows(table)
            self._over += [
                _mark(entry[0], entry[1], x, y, 5.0, self._called(row, names)) for row, x, y in rows
            ]
            entries += [entry] if rows else []
        return entries

    @staticmethod
    def _called(row: Mapping[Hashable, Any], names: Mapping[str, Names]) -> str:
        """Return what a station or hospital is called by readers of English."""
        key = row.get("station_id")
        return by_language(str(row["name"]))["en"] if key is None else names[key]["en"]

    def changed(self, changes: Sequence[Change]) -> list[tuple[str, str, str]]:
        """Mark the places that changes are about; return the entries of the legend."""
        names = station_names(self._city, changes)
        stations = {
            row["station_id"]: (self._called(row, names), x, y)
            for row, x, y in self._rows("stations")
        }
        hospitals = {
            row["hospital_id"]: (self._called(row, names), x, y)
            for row, x, y in self._rows("hospitals")
        }
        units = self._city["units"]
        home = dict(zip(units["unit_id"], units["station_id"], strict=True))
        more: dict[str, tuple[str, float, float]] = {}
        less: dict[str, tuple[str, float, float]] = {}
        for change in changes:
            if isinstance(change, AddStation):
                (x,), (y,) = self._at(np.array([change.lon]), np.array([change.lat]))
                stations[change.station_id] = (names[change.station_id]["en"], x, y)
                more[change.station_id] = stations[change.station_id]
            elif isinstance(change, AddUnits):
                more[change.station] = stations[change.station]
            elif isinstance(change, MoveUnits):
                more[change.to] = stations[change.to]
            elif isinstance(change, OpenHospital):
                more[change.hospital] = hospitals[change.hospital]
            elif isinstance(change, CloseHospital | CloseBeds):
                less[change.hospital] = hospitals[change.hospital]
            elif isinstance(change, RemoveUnits):
                left = {change.station or "", *(home.get(unit, "") for unit in change.units)}
                less |= {key: stations[key] for key in left if key in stations}
        entries = []
        for entry, places in ((NEW, more), (LESS, less)):
            for name, x, y in places.values():
                self._marks.append(_mark(entry[0], entry[1], x, y, 5.0, name))
                self._names.append((name, x, y + 34.0, "new" if entry is NEW else "less"))
            entries += [entry] if places else []
        return entries

    def links(self, links: NDArray[np.int32], title: str) -> None:
        """Draw links thick and black, as closed ones."""
        if len(links):
            path = self._links(self._city.network, links)
            self._over.append(
                tag(
                    "path", tag("title", title), d=path, fill="none", stroke="#000",
                    stroke_width=5, stroke_linecap="round",
                )
            )  # fmt: skip

    def svg(self, label: str) -> Raw:
        """Return the map."""
        network = self._city.network
        # Where streets have two directions, the one that comes first is drawn.
        pair = np.sort(np.column_stack([network.link_from, network.link_to]), axis=1)
        _, first = np.unique(pair, axis=0, return_index=True)
        groups = [*_STREETS, _SMALL] if len(first) < 40_000 else list(_STREETS)
        streets = []
        for low, high, colour, width in reversed(groups):
            classes = network.link_class[first]
            chosen = first[(classes >= low) & (classes <= high)]
            if len(chosen):
                path = self._links(network, chosen.astype(np.int32))
                streets.append(
                    tag("path", d=path, fill="none", stroke=colour, stroke_width=width)
                )  # fmt: skip
        return tag(
            "svg",
            tag("rect", width=self.width, height=self.height, fill="#fbfcfd"),
            *self._under,
            *streets,
            *self._over,
            *self._marks,
            *self._written(),
            *self._measure(),
            viewBox=f"0 0 {self.width:.0f} {self.height:.0f}",
            class_="map",
            role="img",
            aria_label=label,
        )

    def _measure(self) -> list[Raw]:
        """Return a bar of a round length in the lower left corner, and where north is."""
        most = 0.25 * self.width / self._scale
        step = 10.0 ** np.floor(np.log10(most))
        length = float(max(k * step for k in (1, 2, 5) if k * step <= most))
        said = f"{length / 1000:g} km" if length >= 1000.0 else f"{length:g} m"
        x, y, wide = 14.0, self.height - 14.0, length * self._scale
        bar = f"M{x:.1f} {y - 6:.1f}l0 6l{wide:.1f} 0l0 -6"
        up = self.width - 22.0
        arrow = f"M{up:.1f} 10l9 26l-9 -7l-9 7z"
        return [
            tag("path", d=bar, fill="none", stroke="#222", stroke_width=2.2),
            tag("text", said, x=f"{x + wide / 2:.1f}", y=f"{y - 8:.1f}", class_="halo",
                text_anchor="middle"),
            tag("path", tag("title", "North"), d=arrow, fill="#222"),
            tag("text", "N", x=f"{up:.1f}", y="56", class_="halo", text_anchor="middle"),
        ]  # fmt: skip

    def _written(self) -> list[Raw]:
        """Return the names, moved apart: those of changed places first, then the districts'.

        What finds no room is left to the title of what it names.
        """
        boxes: list[tuple[float, float, float]] = []
        words = []
        for text, at_x, at_y, look in sorted(self._names, key=lambda name: not name[3]):
            half = 0.5 * _LETTER * len(text)
            x = min(max(at_x, half), max(self.width - half, half))
            for shift in (0.0, 30.0, -30.0, 60.0, -60.0):
                y = at_y + shift
                if all(abs(y - v) > 27.0 or abs(x - u) > half + w for u, v, w in boxes):
                    boxes.append((x, y, half))
                    words.append(_name(text, x, y, look))
                    break
        return words

    def _at(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x, y = self._projection.forward(np.asarray(lon, float), np.asarray(lat, float))
        return (np.asarray(x) - self._x0) * self._scale, (self._y1 - np.asarray(y)) * self._scale

    def _rows(self, name: str) -> list[tuple[dict[Hashable, Any], float, float]]:
        table = self._city[name]
        x, y = self._at(table["lon"].to_numpy(), table["lat"].to_numpy())
        return list(zip(table.to_dict("records"), x.tolist(), y.tolist(), strict=True))

    def _path(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> str:
        x, y = self._at(lon, lat)
        return _relative(np.rint(10 * x).astype(int), np.rint(10 * y).astype(int))

    def _links(self, network: Network, links: NDArray[np.int32]) -> str:
        x = np.rint(10 * (network.geom_x.astype(float) - self._x0) * self._scale).astype(int)
        y = np.rint(10 * (self._y1 - network.geom_y.astype(float)) * self._scale).astype(int)
        ends = network.geom_ptr
        return "".join(
            _relative(x[ends[k] : ends[k + 1]], y[ends[k] : ends[k + 1]]) for k in links.tolist()
        )


def legend(entries: Sequence[tuple[str, str, str]]) -> Raw:
    """Return a line of (shape, colour, what it means), each behind the mark that the map draws.

    Shapes are `box`, `line`, and those of a map's marks: `dot`, `ring`, `triangle`, `cross`,
    `star`, `saltire`.
    """
    return tag(
        "div",
        *(
            tag(
                "span",
                tag("svg", _sample(shape, colour), viewBox="-8 -8 16 16", aria_hidden="true"),
                text,
            )
            for shape, colour, text in entries
        ),
        class_="legend",
    )


def _sample(shape: str, colour: str) -> Raw:
    if shape == "box":
        return tag("rect", x=-7, y=-7, width=14, height=14, rx=2, fill=colour, stroke="#8888")
    if shape == "line":
        return tag("line", x1=-8, y1=0, x2=8, y2=0, stroke=colour, stroke_width=5)
    mark = _mark(shape, colour, 0.0, 0.0, 5.0)
    return tag("g", mark, transform="scale(.45)") if shape in {"star", "saltire"} else mark


def _mark(
    shape: str, colour: str, x: float, y: float, radius: float, title: str | None = None
) -> Raw:
    """Return a mark of the map; stations and hospitals have one size, calls a radius."""
    said = None if title is None else tag("title", title)
    at = {"cx": round(x, 1), "cy": round(y, 1), "r": radius}
    if shape == "dot":
        return tag("circle", said, **at, fill=colour, stroke="#fff", stroke_width=0.8)
    if shape == "ring":
        return tag("circle", said, **at, fill="none", stroke=colour, stroke_width=1.8)
    path = {
        "triangle": f"M{x:.1f} {y - 5:.1f}l5 9h-10Z",
        "star": f"M{x:.1f} {y - 18:.1f}l4 12 13 0-10 8 4 12-11-7-11 7 4-12-10-8 13 0Z",
        "saltire": f"M{x - 9:.1f} {y - 6:.1f}l3-3 6 6 6-6 3 3-6 6 6 6-3 3-6-6-6 6-3-3 6-6Z",
        "cross": f"M{x - 2:.1f} {y - 6:.1f}h4v4h4v4h-4v4h-4v-4h-4v-4h4Z",
    }[shape]
    return tag("path", said, d=path, fill=colour, stroke="#fff", stroke_width=0.8)


def _name(text: str, x: float, y: float, look: str) -> Raw:
    """Return words of the map, centred on a point."""
    return tag(
        "text", text, x=round(x, 1), y=round(y, 1), text_anchor="middle",
        class_=f"halo {look}".strip(),
    )  # fmt: skip


def graded(
    values: Mapping[str, float], colours: Sequence[str], low: float, high: float
) -> dict[str, str]:
    """Return a colour for each value, in equal steps from `low` to `high`."""
    step = max(high - low, 1e-9) / len(colours)
    return {
        name: colours[min(max(int((value - low) / step), 0), len(colours) - 1)]
        for name, value in values.items()
    }


def _relative(x: NDArray[np.int_], y: NDArray[np.int_]) -> str:
    """Return a path in tenths of a pixel, each point relative to the last: short and exact."""
    steps = zip(np.diff(x).tolist(), np.diff(y).tolist(), strict=True)
    moves = "".join(f"l{dx / 10:g} {dy / 10:g}" for dx, dy in steps if dx or dy)
    return f"M{x[0] / 10:g} {y[0] / 10:g}{moves}"
