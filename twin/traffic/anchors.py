"""Places that are sought again and again, and how far every link is from them at least."""

from __future__ import annotations

import numpy as np

from twin.network.graph import F32, I32, Network
from twin.traffic.kernels.anchored import NOTHING, Anchored, fill_bounds
from twin.traffic.road_graph import new_tree, road_graph

SEARCHES_A_TREE = 25
"""A tree of a whole city costs what so many searches lose that know nothing of anchors."""
ROUGH_SEARCHES_A_TREE = 100
"""The same of searches that know bounds of emptier streets."""
ROOM = 16_000_000
"""Most numbers that are kept of all anchors together: 64 MB."""
_KEPT = 30
"""So many sets of anchors are kept for the next run of the same city."""
ALIKE = 0.96
"""Bounds for times that make up this share of the present ones are near enough to them."""
LOWER = 0.9
"""New bounds hold while traffic adds this share of what it adds now: for hours a little quieter."""
MORE = 4
"""Sets of bounds of the same anchors beside those that always hold."""
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
    until
        The same anchors with bounds of emptier streets, used until these are worked out.
    """

    def __init__(
        self,
        network: Network,
        seconds: F32,
        links: I32,
        *,
        towards: bool,
        until: Anchors | None = None,
    ) -> None:
        self._network = network
        self._until = until
        self._seconds = seconds.copy()
        self.total_s = float(seconds.sum(dtype=np.float64))
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
    def of(
        cls,
        network: Network,
        seconds: F32,
        links: I32,
        *,
        towards: bool,
        until: Anchors | None = None,
    ) -> Anchors:
        """Return anchors of an earlier run if there are the same, or else new ones."""
        for kept in _kept:
            same = kept._network is network and kept._towards is towards  # noqa: SLF001
            if (
                same
                and np.array_equal(kept._links, links)  # noqa: SLF001
                and np.array_equal(kept._seconds, seconds)  # noqa: SLF001
            ):
                return kept
        _kept.append(cls(network, seconds, links, towards=towards, until=until))
        del _kept[:-_KEPT]
        return _kept[-1]

    def valid(self, seconds: F32) -> bool:
        """Return whether bounds hold where links take (L,) seconds."""
        return bool((self._seconds <= seconds).all())

    def holds(self, links: I32) -> bool:
        """Return whether there is an anchor on each of some links."""
        return bool(self._is_anchor[links].all())

    def holds_one(self, link: int) -> bool:
        """Return whether there is an anchor on a link."""
        return bool(self._is_anchor[link])

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
            worth = SEARCHES_A_TREE if self._until is None else ROUGH_SEARCHES_A_TREE
            if at_once or self._asked > worth * len(self._anchors):
                self._known = self._find(row_of)
            elif self._until is not None:
                return self._until.known(row_of)
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


class AnchorsByTraffic:
    """Anchors that know bounds for several states of traffic; those that come nearest are used.

    On empty streets a drive takes two thirds of what it takes in a rush hour; searches that know
    bounds of such drives only then cost forty times those that know bounds of that hour.

    Parameters
    ----------
    network, links, towards
        As of `Anchors`.
    least
        (L,) least times of links, whatever the traffic.
    """

    def __init__(self, network: Network, least: F32, links: I32, *, towards: bool) -> None:
        self._network = network
        self._links = links
        self._towards = towards
        self._least = least.copy()
        self._always = Anchors.of(network, least, links, towards=towards)
        self._more: list[Anchors] = []

    def at(self, seconds: F32) -> Anchors:
        """Return those for (L,) times of links, none of which may fall before it is asked again."""
        valid = [self._always, *(each for each in self._more if each.valid(seconds))]
        best = max(valid, key=lambda each: each.total_s)
        alike = best.total_s >= ALIKE * float(seconds.sum(dtype=np.float64))
        if alike or len(self._more) == MORE:
            return best
        lower: F32 = self._least + np.float32(LOWER) * (seconds - self._least)
        self._more.append(
            Anchors.of(self._network, lower, self._links, towards=self._towards, until=self._always)
        )
        return self._more[-1]
