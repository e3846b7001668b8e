"""Places that are sought again and again, and how far every link is from them at least."""

from __future__ import annotations

import numpy as np

from twin.network.graph import F32, I32, Network
from twin.traffic.kernels.anchored import NOTHING, Anchored, fill_bounds
from twin.traffic.road_graph import new_tree, road_graph

SEARCHES_A_TREE = 25
"""A tree of a whole city costs as much as so many searches that end when the first is known."""
ROOM = 16_000_000
"""Most numbers that are kept of all anchors together: 64 MB."""
_KEPT = 5
"""So many sets of anchors are kept for the next run of the same city."""
_kept: list[Anchors] = []


class Anchors:
    """Bounds of the times between links and anchors, worked out once that is worth its while.

    That is when searches without them have cost as much: whoever rents until then and buys never
    pays more than twice the least (Karlin, Manasse, Rudolph & Sleator 1988, "Competitive snoopy
    caching").

    Parameters
    ----------
    network
        The streets.
    seconds
        (L,) least times of links: present ones are never below them.
    links
        Where the anchors are; some of them are left out where all would take too much memory.
    towards
        Whether drives end at anchors; else they begin there.
    """

    def __init__(self, network: Network, seconds: F32, links: I32, *, towards: bool) -> None:
        self._network = network
        self._seconds = seconds.copy()
        self._links = links
        self._towards = towards
        most = max(ROOM // max(network.n_links, 1), 1)
        every = np.unique(links).astype(np.int32)
        self._anchors: I32 = np.ascontiguousarray(every[:: max(-(-len(every) // most), 1)])
        self._is_anchor = np.zeros(network.n_links, np.bool_)
        self._is_anchor[self._anchors] = True
        self._known = NOTHING
        self._asked = 0

    @classmethod
    def of(cls, network: Network, seconds: F32, links: I32, *, towards: bool) -> Anchors:
        """Return anchors of an earlier run if there are the same, or else new ones."""
        for kept in _kept:
            same = kept._network is network and kept._towards is towards  # noqa: SLF001
            if (
                same
                and np.array_equal(kept._links, links)  # noqa: SLF001
                and np.array_equal(kept._seconds, seconds)  # noqa: SLF001
            ):
                return kept
        _kept.append(cls(network, seconds, links, towards=towards))
        del _kept[:-_KEPT]
        return _kept[-1]

    def holds(self, links: I32) -> bool:
        """Return whether there is an anchor on each of some links."""
        return bool(self._is_anchor[links].all())

    def known(self, row_of: I32, *, at_once: bool = False) -> Anchored:
        """Return what is known for one search more.

        Parameters
        ----------
        row_of
            (L,) rows of links.
        at_once
            Whether it is worth its while in any case.
        """
        if self._known is NOTHING and len(self._anchors):
            self._asked += 1
            if at_once or self._asked > SEARCHES_A_TREE * len(self._anchors):
                self._known = self._find(row_of)
        return self._known

    def _find(self, row_of: I32) -> Anchored:
        n_links = self._network.n_links
        graph = road_graph(self._network)
        bounds = np.empty((len(self._anchors), n_links), np.float32)
        fill_bounds(
            graph, self._seconds, row_of, self._anchors, self._towards, new_tree(graph), bounds
        )
        anchor_of = np.full(n_links, -1, np.int32)
        anchor_of[self._anchors] = np.arange(len(self._anchors))
        return Anchored(np.ascontiguousarray(bounds.T), anchor_of, self._seconds)
