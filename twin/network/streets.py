"""Which street each link is part of: by its name, or where it has none by the way it goes on."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.network.graph import F64, I32, I64, Network, TurnKind


def street_of_links(network: Network) -> I32:
    """Return (L,) the street of every link, numbered from 0 in the order of their first links.

    Links of one name are one street, both directions and wherever they lie. Links without a name
    are joined to the opposite direction, and to the link that goes straight on where that has no
    name either, is of the same class, and is the only such way on and the only such way in: streets
    by good continuation (strokes: Thomson and Richardson 1999, The 'good continuation' principle
    of perceptual organization applied to the generalization of road networks).

    Parameters
    ----------
    network
        L links.
    """
    n = network.n_links
    nameless = network.link_name < 0
    pairs = [_same_name(network), _opposite(network, nameless), _straight_on(network, nameless)]
    one, two = np.concatenate(pairs, axis=1)
    joined = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(n, n))
    _, found = connected_components(joined, directed=False)
    _, first, number = np.unique(found, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first))
    street: I32 = rank[number]
    return street


def middle_of_links(network: Network) -> tuple[F64, F64]:
    """Return (L,) longitude and latitude halfway between the ends of every link, degrees."""
    a, b = network.link_from, network.link_to
    lon: F64 = 0.5 * (network.node_lon[a] + network.node_lon[b])
    lat: F64 = 0.5 * (network.node_lat[a] + network.node_lat[b])
    return lon, lat


def _same_name(network: Network) -> I64:
    """Return (2, P) every link with a name and the first link of that name."""
    named = np.flatnonzero(network.link_name >= 0)
    _, first, number = np.unique(network.link_name[named], return_index=True, return_inverse=True)
    return np.stack([named, named[first[number]]])


def _opposite(network: Network, chosen: np.ndarray) -> I64:
    """Return (2, P) every chosen link and a chosen link between the same nodes the other way."""
    links = np.flatnonzero(chosen)
    if not len(links):
        return np.zeros((2, 0), np.int64)
    start, end = (each[links].astype(np.int64) for each in (network.link_from, network.link_to))
    ways, back = start * network.n_nodes + end, end * network.n_nodes + start
    order = np.argsort(ways, kind="stable")
    at = np.minimum(np.searchsorted(ways[order], back), len(links) - 1)
    there = ways[order][at] == back
    return np.stack([links[there], links[order[at[there]]]])


def _straight_on(network: Network, chosen: np.ndarray) -> I64:
    """Return (2, P) chosen links and the one chosen link of their class straight ahead."""
    one, two = network.turn_from.astype(np.int64), network.turn_to.astype(np.int64)
    ahead = (network.turn_kind == TurnKind.THROUGH) & chosen[one] & chosen[two]
    ahead &= network.link_class[one] == network.link_class[two]
    one, two = one[ahead], two[ahead]
    only = np.bincount(one, minlength=1)[one] == 1
    only &= np.bincount(two, minlength=1)[two] == 1
    return np.stack([one[only], two[only]])
