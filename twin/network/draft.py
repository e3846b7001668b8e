"""The network while it is being cleaned: links with geometry in metres, and allowed movements."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.network.geometry import Polylines, pointer, ranges

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

BEARING_REACH_M = 20.0


@dataclass(slots=True)
class Draft:
    """Nodes, links and movements between them; the columns are those of `RawRoads`.

    Attributes
    ----------
    link_from, link_to
        (L,) node *indices*.
    geom_ptr, geom_x, geom_y
        Vertices of each link, both ends included, in local metres.
    pair_from, pair_to
        (P,) movements that are allowed, as link indices, ordered by from-link and to-link.
    start_bearing, end_bearing
        (L,) direction of driving at both ends, radians; measured on the geometry unless given.
    """

    node_id: I64
    node_x: F64
    node_y: F64
    node_signal: Flags
    link_id: I64
    link_from: I64
    link_to: I64
    link_length: F64
    link_speed: F64
    link_lanes: U8
    link_class: U8
    link_ramp: Flags
    link_roundabout: Flags
    link_name: I32
    link_bus: I32
    geom_ptr: I64
    geom_x: F64
    geom_y: F64
    pair_from: I64
    pair_to: I64
    start_bearing: F64 = field(default_factory=lambda: np.zeros(0))
    end_bearing: F64 = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if len(self.start_bearing) != len(self.link_id):
            self.start_bearing, self.end_bearing = self.lines().end_bearings(BEARING_REACH_M)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_id)

    @property
    def n_links(self) -> int:
        """Number of links."""
        return len(self.link_id)

    def lines(self) -> Polylines:
        """Return the geometry of the links."""
        return Polylines(self.geom_ptr, self.geom_x, self.geom_y)

    def set_pairs(self, pair_from: I64, pair_to: I64) -> None:
        """Store movements, each once, in order."""
        code = np.unique(pair_from * np.int64(self.n_links) + pair_to)
        self.pair_from, self.pair_to = code // self.n_links, code % self.n_links


def take_links(draft: Draft, links: I64) -> Draft:
    """Return a draft of these links only (ascending indices) and of the nodes that they touch."""
    used = np.zeros(draft.n_nodes, np.bool_)
    used[draft.link_from[links]] = True
    used[draft.link_to[links]] = True
    new_node = np.cumsum(used) - 1
    new_link = np.full(draft.n_links, -1, np.int64)
    new_link[links] = np.arange(len(links))
    count = np.diff(draft.geom_ptr)[links]
    vertex = ranges(draft.geom_ptr[links], count)
    a, b = new_link[draft.pair_from], new_link[draft.pair_to]
    stays = (a >= 0) & (b >= 0)
    return Draft(
        node_id=draft.node_id[used],
        node_x=draft.node_x[used],
        node_y=draft.node_y[used],
        node_signal=draft.node_signal[used],
        link_id=draft.link_id[links],
        link_from=new_node[draft.link_from[links]],
        link_to=new_node[draft.link_to[links]],
        link_length=draft.link_length[links],
        link_speed=draft.link_speed[links],
        link_lanes=draft.link_lanes[links],
        link_class=draft.link_class[links],
        link_ramp=draft.link_ramp[links],
        link_roundabout=draft.link_roundabout[links],
        link_name=draft.link_name[links],
        link_bus=draft.link_bus[links],
        geom_ptr=pointer(count),
        geom_x=draft.geom_x[vertex],
        geom_y=draft.geom_y[vertex],
        pair_from=a[stays],
        pair_to=b[stays],
        start_bearing=draft.start_bearing[links],
        end_bearing=draft.end_bearing[links],
    )
