"""Made-up networks for tests, benchmarks and examples."""

from __future__ import annotations

import numpy as np

from twin.core.errors import InputError
from twin.network.build import BuildOptions, build_network
from twin.network.clean import CleanOptions
from twin.network.geometry import Projection
from twin.network.graph import Network, RoadClass
from twin.network.raw import raw_roads
from twin.network.signals import SignalOptions


def grid(
    rows: int,
    cols: int,
    spacing_m: float = 200.0,
    lanes: int = 2,
    speed_mps: float = 13.89,
    signals: bool = True,
    *,
    cycle_s: float = 60.0,
    road_class: RoadClass = RoadClass.SECONDARY,
    right_on_red: bool = False,
) -> Network:
    """Return a grid of two-way streets.

    Node `r * cols + c` stands at `(c * spacing, r * spacing)` metres, shifted so that the middle of
    the grid is the origin. With `signals`, every node where streets cross has a plan of two stages
    in which left turns give way to the opposing traffic. The corners are bends.

    Parameters
    ----------
    rows, cols
        Nodes north-south and east-west, at least 2 each.
    spacing_m
        Distance between neighbours, metres.
    lanes
        Lanes of each direction.
    speed_mps
        Free-flow speed, m/s.
    signals
        Whether junctions are signalled.
    cycle_s
        Cycle of every signal, seconds.
    road_class
        Class of every street.
    right_on_red
        Whether drivers may turn right on red.

    Raises
    ------
    InputError
        If there are fewer than two rows or columns.
    """
    if rows < 2 or cols < 2:
        raise InputError("a grid needs two rows and two columns", field="rows, cols")
    number = np.arange(rows * cols)
    row, col = number // cols, number % cols
    x = (col - (cols - 1) / 2.0) * spacing_m
    y = (row - (rows - 1) / 2.0) * spacing_m
    lon, lat = Projection(0.0, 0.0).inverse(x, y)
    east = number[col < cols - 1]
    north = number[row < rows - 1]
    start = np.concatenate([east, east + 1, north, north + cols])
    end = np.concatenate([east + 1, east, north + cols, north])
    order = np.lexsort((end, start))
    ways = np.bincount(start, minlength=rows * cols)
    count = len(start)
    raw = raw_roads(
        node_id=number,
        node_lon=lon,
        node_lat=lat,
        node_signal=signals & (ways > 2),
        link_from=start[order],
        link_to=end[order],
        link_length=np.full(count, spacing_m),
        link_speed=np.full(count, speed_mps),
        link_lanes=np.full(count, lanes),
        link_class=np.full(count, int(road_class)),
        source="grid",
    )
    plans = SignalOptions(cycles_s=(cycle_s,) * 3, protected_left=False)
    options = BuildOptions(
        origin=(0.0, 0.0),
        clean=CleanOptions(merge=False),
        signals=plans,
        right_on_red=right_on_red,
    )
    return build_network(raw, options=options)[0]
