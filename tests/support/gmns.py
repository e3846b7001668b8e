"""Networks written as GMNS tables and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from twin.network.build import build_network
from twin.network.gmns import write_gmns
from twin.network.gmns_read import read_gmns
from twin.network.graph import Network

SAME = (
    "node_id", "link_id", "link_from", "link_to", "link_lanes", "turn_ptr", "turn_to", "turn_kind",
    "turn_lane_lo", "turn_lane_hi", "bus_link", "bus_lane", "own_turn", "own_lane",
)  # fmt: skip


def back(network: Network, folder: Path) -> Network:
    write_gmns(network, folder)
    raw, stated = read_gmns(folder / "node.csv", folder / "link.csv")
    assert stated is not None
    return build_network(raw, stated=stated)[0]


def check_same(network: Network, again: Network) -> None:
    for column in SAME:
        found, wanted = getattr(again, column), getattr(network, column)
        np.testing.assert_array_equal(found, wanted, err_msg=column)
