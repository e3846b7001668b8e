"""Where the ground is: the river, the obstacles, the outline and the gu, all drawn by us.

No boundary is copied. The Han is a smoothed line through its bridges. A gu is a power cell
(Aurenhammer 1987, "Power diagrams") of its centroid, kept to its side of the river and sized to
the official area; the outline is the union of the gu.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import make_splprep
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from twin.city.seoul.facts import fact_table, records
from twin.network.geometry import Projection

LON0, LAT0 = 126.99, 37.55
WATER_M = 450.0
"""Half the width of the water, metres (the Han is 0.9 to 1.2 km wide in the city)."""
BANK_M = 600.0
"""Distance of the first street from the middle of the river, metres."""
ENDS = ((37.612, 126.770), (37.586, 127.205))
"""Where the river enters and leaves the drawing, west and east (lat, lon)."""
SHORE_M, SHORE_MARGIN_M = 1_600.0, 1_500.0
"""The city holds a strip of this width along the river, so far beyond the outermost centroids."""
AREA_ROUNDS = 80
MELT_M = 2_500.0
"""Bays of the outline narrower than twice this are filled, metres."""


@dataclass(frozen=True, slots=True)
class Land:
    """The drawn ground of the city; coordinates are local metres.

    Attributes
    ----------
    projection
        From longitude and latitude to local metres.
    gu
        Polygon of every gu, in the order of `facts/gu.csv`.
    city, water
        The outline; the river.
    river
        The middle of the river, west to east.
    obstacles
        Mountains and closed grounds on which no street stands.
    ground
        Where streets may stand: the outline without the banks and the obstacles.
    """

    projection: Projection
    gu: tuple[BaseGeometry, ...]
    city: BaseGeometry
    water: BaseGeometry
    river: LineString
    obstacles: tuple[Polygon, ...]
    ground: BaseGeometry


def draw_land() -> Land:
    """Return the ground, from the facts alone."""
    projection = Projection(LON0, LAT0)
    river = _river(projection)
    gu = _gu_cells(projection, river)
    city = shapely.union_all(gu, grid_size=1.0).buffer(100.0).buffer(-100.0)
    city = Polygon(_largest(city).exterior)
    obstacles = _obstacles(projection)
    ground = city.difference(river.buffer(BANK_M))
    ground = ground.difference(shapely.union_all(obstacles))
    ground = ground.buffer(-60.0).buffer(60.0).simplify(25.0)
    return Land(
        projection=projection,
        gu=gu,
        city=city,
        water=river.buffer(WATER_M).intersection(city.buffer(1_000.0)),
        river=river,
        obstacles=obstacles,
        ground=ground,
    )


def _largest(shape: BaseGeometry) -> Polygon:
    parts = shapely.get_parts(shape)
    found = parts[int(np.argmax(shapely.area(parts)))]
    if not isinstance(found, Polygon):
        raise TypeError("no area")
    return found


def _river(projection: Projection) -> LineString:
    bridges = fact_table("bridges")
    lat = np.concatenate([[ENDS[0][0]], bridges["lat"].to_numpy(float), [ENDS[1][0]]])
    lon = np.concatenate([[ENDS[0][1]], bridges["lon"].to_numpy(float), [ENDS[1][1]]])
    x, y = projection.forward(lon, lat)
    spline, _ = make_splprep([x, y], s=len(x) * 160.0**2, k=3)
    px, py = spline(np.linspace(0.0, 1.0, 400))
    return LineString(np.column_stack([px, py]))


def _gu_cells(projection: Projection, river: LineString) -> tuple[BaseGeometry, ...]:
    table = fact_table("gu")
    x, y = projection.forward(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    area = table["area_km2"].to_numpy(float) * 1e6
    side = table["side"].to_numpy()
    cells: dict[int, BaseGeometry] = {}
    for name, half in _halves(river).items():
        rows = np.flatnonzero(side == name)
        reach = x[rows].min() - SHORE_MARGIN_M, x[rows].max() + SHORE_MARGIN_M
        shore = shapely.clip_by_rect(river, reach[0], -1e5, reach[1], 1e5).buffer(SHORE_M)
        points = np.column_stack([x[rows], y[rows]])
        found = _power_cells(points, area[rows], half, shore)
        cells.update(zip(rows.tolist(), found, strict=True))
    return tuple(cells[k] for k in range(len(table)))


def _halves(river: LineString) -> dict[str, Polygon]:
    line = shapely.get_coordinates(river)
    far = 80_000.0
    west, east = [-far, line[0, 1]], [far, line[-1, 1]]
    shore = np.vstack([[west], line, [east]])
    return {
        "north": Polygon(np.vstack([shore, [[far, far], [-far, far]]])).buffer(0),
        "south": Polygon(np.vstack([shore, [[far, -far], [-far, -far]]])).buffer(0),
    }


def _power_cells(
    points: NDArray[np.float64], area: NDArray[np.float64], half: Polygon, shore: BaseGeometry
) -> list[BaseGeometry]:
    """Return cells that share an outline round the points, with the areas asked, within 1%."""
    outline = _outline(points, area, half, shore)
    weight = area / np.pi
    cells: list[BaseGeometry] = []
    for _ in range(AREA_ROUNDS):
        cells = [_power_cell(points, weight, k, outline) for k in range(len(points))]
        error = area - np.array([cell.area for cell in cells])
        if np.all(np.abs(error) < 0.01 * area):
            break
        weight = weight + 0.9 * error / np.pi
    return cells


def _outline(
    points: NDArray[np.float64], area: NDArray[np.float64], half: Polygon, shore: BaseGeometry
) -> BaseGeometry:
    """Return discs round the points, melted together with the shore, that hold all of the area."""
    radius = np.sqrt(area / np.pi)
    low, high = 0.5, 2.0
    shape: BaseGeometry = half
    for _ in range(20):
        factor = 0.5 * (low + high)
        discs = shapely.buffer(shapely.points(points), radius * factor)
        shape = (
            shapely.union_all([*discs, shore])
            .buffer(MELT_M)
            .buffer(-1.5 * MELT_M)
            .buffer(0.5 * MELT_M)
        )
        shape = shape.intersection(half)
        low, high = (low, factor) if shape.area > area.sum() else (factor, high)
    return shape


def _power_cell(
    points: NDArray[np.float64], weight: NDArray[np.float64], k: int, outline: BaseGeometry
) -> BaseGeometry:
    cell = outline
    for j in range(len(points)):
        if j != k:
            gap = points[j] - points[k]
            distance = float(np.hypot(gap[0], gap[1]))
            along = (distance**2 + weight[k] - weight[j]) / (2.0 * distance)
            cell = cell.intersection(_half_plane(points[k], gap / distance, along))
    return cell


def _half_plane(origin: NDArray[np.float64], towards: NDArray[np.float64], along: float) -> Polygon:
    far = 100_000.0
    across = np.array([-towards[1], towards[0]])
    edge = origin + towards * along
    return Polygon(
        [
            edge + across * far,
            edge - across * far,
            edge - across * far - towards * far,
            edge + across * far - towards * far,
        ]
    )


def _obstacles(projection: Projection) -> tuple[Polygon, ...]:
    table = fact_table("obstacles")
    x, y = projection.forward(table["lon"].to_numpy(float), table["lat"].to_numpy(float))
    shapes = []
    angle = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    for k, row in enumerate(records(table)):
        bearing = np.radians(float(row["bearing_deg"]))
        along = 500.0 * float(row["long_axis_km"]) * np.cos(angle)
        across = 500.0 * float(row["short_axis_km"]) * np.sin(angle)
        # A pure ellipse reads as a drawing error; hills have shoulders.
        shoulder = 1.0 + 0.10 * np.sin(3.0 * angle + k) + 0.06 * np.sin(5.0 * angle + 2.0 * k)
        px = x[k] + shoulder * (along * np.sin(bearing) + across * np.cos(bearing))
        py = y[k] + shoulder * (along * np.cos(bearing) - across * np.sin(bearing))
        shapes.append(Polygon(np.column_stack([px, py])))
    return tuple(shapes)
