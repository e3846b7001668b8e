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
    "node_signal", "turn_group", "signal_node", "signal_cycle", "signal_offset", "group_signal",
    "group_green_from", "group_green_to", "more_group", "more_from", "more_to",
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
    lit = network.turn_group >= 0
    # Elsewhere right of way is worked out anew.
    np.testing.assert_array_equal(again.turn_yield[lit], network.turn_yield[lit])
