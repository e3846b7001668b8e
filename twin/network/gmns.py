"""A network as GMNS tables: nodes, links, lanes, movements and plans of signals.

GMNS is the General Modeling Network Specification (github.com/zephyr-data-specs/GMNS).
"""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from twin.core.errors import InputError
from twin.core.units import KMH
from twin.network.geometry import Projection
from twin.network.gmns_signals import SIGNAL_FILES, Table, signal_tables
from twin.network.graph import Network, RoadClass, TurnKind, TurnYield

_CLASS = {
    RoadClass.MOTORWAY: "motorway",
    RoadClass.TRUNK: "trunk",
    RoadClass.PRIMARY: "primary",
    RoadClass.SECONDARY: "secondary",
    RoadClass.TERTIARY: "tertiary",
    RoadClass.RESIDENTIAL: "residential",
    RoadClass.SERVICE: "service",
}
_MOVEMENT = {
    TurnKind.THROUGH: "thru",
    TurnKind.RIGHT: "right",
    TurnKind.LEFT: "left",
    TurnKind.U_TURN: "uturn",
}
FILES = ("node.csv", "link.csv", "lane.csv", "movement.csv", *SIGNAL_FILES)


def write_gmns(network: Network, folder: Path | str) -> list[Path]:
    """Write a network's `FILES`: nodes, links, lanes, movements and the plans of its signals.

    Lengths are metres, speeds km/h, capacities veh/h and lane, coordinates WGS84 degrees, times
    seconds; lane 1 is at the median, as GMNS counts. `gmns_read.read_gmns` reads the tables.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        roads = (_nodes(network), _links(network), _lanes(network), _movements(network))
        tables = (*roads, *signal_tables(network))
        files = [folder / name for name in FILES]
        for file, (header, rows) in zip(files, tables, strict=True):
            with file.open("w", newline="", encoding="utf-8") as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(header)
                writer.writerows(rows)
    except OSError as error:
        text = f"the tables cannot be written ({error.strerror})"
        raise InputError(text, file=error.filename or folder) from error
    return files


def _nodes(network: Network) -> Table:
    control = np.where(network.node_signal >= 0, "signal", "")
    # Where links end and nobody drives on: no movement can tell that there is none.
    on = np.zeros(network.n_nodes, np.bool_)
    on[network.link_to[network.turn_from]] = True
    last = np.zeros(network.n_nodes, np.bool_)
    last[network.link_to] = True
    rows = zip(
        network.node_id.tolist(),
        _texts(network.node_lon, 7),
        _texts(network.node_lat, 7),
        np.where(last & ~on, "external", "").tolist(),
        control.tolist(),
        [number if number >= 0 else "" for number in network.node_signal.tolist()],
        strict=True,
    )
    return ("node_id", "x_coord", "y_coord", "node_type", "ctrl_type", "controller_id"), rows


def _links(network: Network) -> Table:
    header = (
        "link_id", "from_node_id", "to_node_id", "directed", "length", "free_speed", "lanes",
        "capacity", "facility_type", "name", "geometry",
    )  # fmt: skip
    lon, lat = Projection(network.lon0, network.lat0).inverse(network.geom_x, network.geom_y)
    points = [f"{x:.7f} {y:.7f}" for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    ptr = network.geom_ptr.tolist()
    lanes = np.maximum(network.link_lanes, 1)
    names = [network.names[k] if k >= 0 else "" for k in network.link_name.tolist()]
    rows = zip(
        network.link_id.tolist(),
        network.node_id[network.link_from].tolist(),
        network.node_id[network.link_to].tolist(),
        ["true"] * network.n_links,
        _texts(network.link_length, 3),
        _texts(network.link_speed / KMH, 4),
        network.link_lanes.tolist(),
        _texts(network.link_capacity / lanes, 1),
        [_CLASS[RoadClass(kind)] for kind in network.link_class.tolist()],
        names,
        [f"LINESTRING ({', '.join(points[a:b])})" for a, b in pairwise(ptr)],
        strict=True,
    )
    return header, rows


def _lanes(network: Network) -> Table:
    header = ("lane_id", "link_id", "lane_num", "allowed_uses")
    link = np.repeat(np.arange(network.n_links), network.link_lanes)
    # Not as bytes: their sums are unsigned, and less a signed number they become fractions.
    lanes = network.link_lanes.astype(np.int64)
    first = np.repeat(np.cumsum(lanes) - lanes, lanes)
    number = np.arange(len(link)) - first + 1
    ids = network.link_id[link].tolist()
    use = np.full(len(link), "all")
    bus_first = (np.cumsum(lanes) - 1)[network.bus_link]
    use[bus_first - network.bus_lane] = "bus"
    rows = zip(range(1, len(link) + 1), ids, number.tolist(), use.tolist(), strict=True)
    return header, rows


def _movements(network: Network) -> Table:
    header = (
        "mvmt_id", "node_id", "ib_link_id", "start_ib_lane", "end_ib_lane", "ob_link_id",
        "start_ob_lane", "end_ob_lane", "type", "ctrl_type",
    )  # fmt: skip
    start = network.turn_from
    lanes = network.link_lanes[start].astype(np.int64)
    yields = network.turn_yield
    free = np.array(["no_control", "yield", "stop_4_way", "stop"])[yields]
    lit = np.where(yields == TurnYield.ON_RED, "signal_with_RTOR", "signal")
    control = np.where(network.turn_group >= 0, lit, free)
    own = network.own_turn
    inner, outer = ([""] * network.n_turns for _ in range(2))
    width = (network.turn_lane_hi - network.turn_lane_lo).astype(np.int64)[own]
    entered = network.link_lanes[network.turn_to[own]] - network.own_lane.astype(np.int64)
    for turn, first, last in zip(
        own.tolist(), np.maximum(entered - width, 1).tolist(), entered.tolist(), strict=True
    ):
        inner[turn], outer[turn] = str(first), str(last)
    rows = zip(
        range(1, network.n_turns + 1),
        network.node_id[network.link_to[start]].tolist(),
        network.link_id[start].tolist(),
        (lanes - network.turn_lane_hi).tolist(),
        (lanes - network.turn_lane_lo).tolist(),
        network.link_id[network.turn_to].tolist(),
        inner,
        outer,
        [_MOVEMENT[TurnKind(kind)] for kind in network.turn_kind.tolist()],
        control.tolist(),
        strict=True,
    )
    return header, rows


def _texts(values: np.ndarray[Any, Any], digits: int) -> list[str]:
    return [f"{value:.{digits}f}" for value in values.tolist()]
