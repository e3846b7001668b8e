"""Lines of roads as they stand in tables and graphs: WKT LINESTRINGs in degrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.core.errors import InputError


def line_of(text: str, *, file: Path | str, row: int | str, field: str) -> NDArray[np.float64]:
    """Return (V, 2) longitude and latitude of the vertices of a line; none of an empty text.

    Raises
    ------
    InputError
        If it is not a LINESTRING, or leaves the globe; `file`, `row` and `field` tell where.
    """
    # A vertex that is not a number is told below, not by a warning.
    with np.errstate(invalid="ignore"):
        line = shapely.from_wkt(text or "LINESTRING EMPTY", on_invalid="ignore")
    if line is None or line.geom_type != "LineString":
        raise InputError("it is not a WKT LINESTRING", file=file, row=row, field=field)
    points = np.asarray(shapely.get_coordinates(line), np.float64)
    if not ((np.abs(points[:, 0]) <= 180.0) & (np.abs(points[:, 1]) <= 85.0)).all():
        raise InputError("a vertex is not on the globe", file=file, row=row, field=field)
    return points
