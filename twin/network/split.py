"""Links are cut where other roads meet them half-way, and where they return to their own start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twin.network.draft import Draft
from twin.network.geometry import pointer

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


def interior_nodes(draft: Draft) -> tuple[I64, I64]:
    """Return (vertex, node) where an inner vertex of a link has exactly the place of a node."""
    inner = np.ones(len(draft.geom_x), np.bool_)
    inner[draft.geom_ptr[:-1]] = False
    inner[draft.geom_ptr[1:] - 1] = False
    vertex = np.flatnonzero(inner)
    place = draft.node_x + 1j * draft.node_y
    order = np.argsort(place, kind="stable")
    wanted = draft.geom_x[vertex] + 1j * draft.geom_y[vertex]
    found = order[np.minimum(np.searchsorted(place[order], wanted), draft.n_nodes - 1)]
    same = place[found] == wanted
    return vertex[same], found[same]


def split_links(draft: Draft, vertex: I64, node: I64) -> Draft:
    """Return the draft with links cut at inner vertices, each of which becomes a node.

    The first piece keeps the number of its link, the others get new ones; a movement into a link
    leads into its first piece, one out of it starts from its last.

    Parameters
    ----------
    vertex, node
        (C,) indices into the geometry, ascending, and the node that stands there.
    """
    if not len(vertex):
        return draft
    owner = np.repeat(np.arange(draft.n_links), np.diff(draft.geom_ptr))
    pieces = 1 + np.bincount(owner[vertex], minlength=draft.n_links)
    first = pointer(pieces)[:-1]
    last = first + pieces - 1
    source = np.repeat(np.arange(draft.n_links), pieces)
    copies = np.ones(len(draft.geom_x), np.int64)
    copies[vertex] = 2
    index = np.repeat(np.arange(len(copies)), copies)
    place = np.cumsum(copies) - copies
    # A piece starts at the start of its link or at the second copy of a cut vertex.
    starts = np.sort(np.concatenate([place[draft.geom_ptr[:-1]], place[vertex] + 1]))
    ptr = np.append(starts, len(index))
    inner_start = np.ones(len(source), np.bool_)
    inner_start[first] = False
    inner_end = np.ones(len(source), np.bool_)
    inner_end[last] = False
    link_from, link_to = draft.link_from[source], draft.link_to[source]
    link_from[inner_start] = node
    link_to[inner_end] = node
    link_id = draft.link_id[source]
    new = int(inner_start.sum())
    link_id[inner_start] = int(draft.link_id.max()) + 1 + np.arange(new)
    before = draft.lines()
    drawn = before.along[index[ptr[1:] - 1]]
    # The along of a link's last vertex is its whole length; of a cut vertex, the length up to it.
    begun = np.where(inner_start, before.along[index[ptr[:-1]]], 0.0)
    share = (drawn - begun) / np.maximum(before.length[source], 1e-9)
    joined = np.flatnonzero(inner_end)
    cut = replace(
        draft,
        link_id=link_id,
        link_from=link_from,
        link_to=link_to,
        link_length=draft.link_length[source] * share,
        link_speed=draft.link_speed[source],
        link_lanes=draft.link_lanes[source],
        link_class=draft.link_class[source],
        link_ramp=draft.link_ramp[source],
        link_roundabout=draft.link_roundabout[source],
        link_name=draft.link_name[source],
        link_bus=draft.link_bus[source],
        geom_ptr=ptr,
        geom_x=draft.geom_x[index],
        geom_y=draft.geom_y[index],
        start_bearing=np.zeros(0),
        end_bearing=np.zeros(0),
    )
    # Where nothing was cut, the bearings stay: drawing junctions together has bent the lines since.
    cut.start_bearing = np.where(inner_start, cut.start_bearing, draft.start_bearing[source])
    cut.end_bearing = np.where(inner_end, cut.end_bearing, draft.end_bearing[source])
    cut.set_pairs(
        np.concatenate([last[draft.pair_from], joined]),
        np.concatenate([first[draft.pair_to], joined + 1]),
    )
    return cut


def split_loops(draft: Draft) -> Draft:
    """Return the draft with links that end where they start cut at their farthest vertex.

    Both directions of a loop are cut at the same node. A loop without inner vertices must have
    been dropped before.
    """
    loops = np.flatnonzero(draft.link_from == draft.link_to)
    if not len(loops):
        return draft
    places: dict[tuple[float, float], int] = {}
    vertex, node = [], []
    for link in loops.tolist():
        inner = np.arange(draft.geom_ptr[link] + 1, draft.geom_ptr[link + 1] - 1)
        x, y = draft.geom_x[inner], draft.geom_y[inner]
        home = draft.link_from[link]
        far = np.round(np.hypot(x - draft.node_x[home], y - draft.node_y[home]), 3)
        k = int(np.lexsort((y, x, -far))[0])
        place = (float(x[k]), float(y[k]))
        vertex.append(int(inner[k]))
        node.append(places.setdefault(place, draft.n_nodes + len(places)))
    new_x = np.asarray([place[0] for place in places])
    new_y = np.asarray([place[1] for place in places])
    draft = replace(
        draft,
        node_id=np.append(draft.node_id, int(draft.node_id.max()) + 1 + np.arange(len(places))),
        node_x=np.append(draft.node_x, new_x),
        node_y=np.append(draft.node_y, new_y),
        node_signal=np.append(draft.node_signal, np.zeros(len(places), np.bool_)),
    )
    return split_links(draft, np.asarray(vertex), np.asarray(node))
