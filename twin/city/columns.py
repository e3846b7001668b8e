"""The network's arrays as tables of equal rows, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import Network

SCALARS = ("lon0", "lat0")

ROWS: dict[str, tuple[str, ...]] = {
    "nodes": ("node_id", "node_lon", "node_lat", "node_x", "node_y", "node_signal"),
    "links": (
        "link_id",
        "link_from",
        "link_to",
        "link_length",
        "link_speed",
        "link_lanes",
        "link_capacity",
        "link_class",
        "link_name",
        "geom_ptr",
        "turn_ptr",
    ),
    "geometry": ("geom_x", "geom_y"),
    "turns": (
        "turn_to",
        "turn_kind",
        "turn_lane_lo",
        "turn_lane_hi",
        "turn_group",
        "turn_yield",
        "foe_ptr",
    ),
    "foes": ("foe_turn",),
    "signals": ("signal_node", "signal_cycle", "signal_offset"),
    "groups": ("group_signal", "group_green_from", "group_green_to"),
    "greens": ("more_group", "more_from", "more_to"),
    "bus_lanes": ("bus_link", "bus_lane"),
    "own_lanes": ("own_turn", "own_lane"),
    "names": ("names",),
}
"""Columns of each table. A row pointer stands beside its rows, without its leading zero."""

LATER = frozenset({"greens", "bus_lanes", "own_lanes"})
"""Tables that cities stored by earlier versions lack: they have none of it."""

POINTERS = {"geom_ptr", "turn_ptr", "foe_ptr"}

Columns = dict[str, NDArray[Any]]


def network_columns(network: Network) -> dict[str, Columns]:
    """Return the network as tables of columns."""
    tables: dict[str, Columns] = {}
    for table, names in ROWS.items():
        tables[table] = {
            name: np.asarray(getattr(network, name)[1:])
            if name in POINTERS
            else np.asarray(getattr(network, name), dtype=object if name == "names" else None)
            for name in names
        }
    return tables


def network_of(scalars: dict[str, float], tables: dict[str, Columns]) -> Network:
    """Return the network of tables of columns.

    Raises
    ------
    KeyError
        If a column is missing.
    """
    values: dict[str, Any] = dict(scalars)
    for table, names in ROWS.items():
        if table not in tables and table in LATER:
            continue  # the city was stored before there were such
        for name in names:
            column = tables[table][name]
            if name in POINTERS:
                column = np.concatenate([np.zeros(1, column.dtype), column])
            values[name] = tuple(column.tolist()) if name == "names" else column
    return Network(**values)
