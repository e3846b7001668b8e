"""The links, turns and signals that a change names: by number, by street or by junction.

A number or name that the network does not have is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.core.errors import InputError, did_you_mean
from twin.network.graph import Network
from twin.scenarios.change_kinds import (
    BanTurn,
    BusLane,
    CloseLinks,
    PreemptSignals,
    RetimeSignals,
    Toll,
    WorkZone,
)

_STREETS_ALIKE = 0.7
"""Names of streets end alike (-daero, Street), so that half alike is not meant."""
_FEW = 4
"""So many names are offered at most."""


def links_named(network: Network, street: str) -> NDArray[np.int32]:
    """Return the links of a street or bridge, both directions, in order.

    A name may hold several spellings, as in "Mapo Bridge (마포대교)"; any one of them, or the
    whole, names the street. Upper and lower case are alike.

    Raises
    ------
    InputError
        If the city has no street of that name.
    """
    wanted = street.strip().casefold()
    hits = [i for i, name in enumerate(network.names) if wanted in _spellings(name)]
    links = np.flatnonzero(np.isin(network.link_name, hits)).astype(np.int32)
    if not hits or not len(links):
        there = [network.names[k] for k in np.unique(network.link_name) if k >= 0]
        known = sorted({spelling for name in there for spelling in _spellings(name).values()})
        raise InputError(
            f"the city has no street or bridge named {street!r}",
            field="street",
            hint=_meant(wanted, known) or "`twin city places` lists those that it has",
        )
    return links


def _meant(wanted: str, known: Sequence[str]) -> str | None:
    """Return a hint with the streets whose names hold the first word wanted, or with one like it.

    What a name begins with tells streets apart better than "Bridge" at the end of all.
    """
    word = wanted.partition(" ")[0]
    held = [name for name in known if word in name.casefold()]
    if word and 0 < len(held) <= _FEW:
        return f"did you mean {' or '.join(repr(name) for name in held)}?"
    return did_you_mean(wanted, known, alike=_STREETS_ALIKE)


def links_of(change: CloseLinks | WorkZone | Toll | BusLane, network: Network) -> NDArray[np.int32]:
    """Return the indices of the links that a change is about, in order, each once.

    Raises
    ------
    InputError
        If a link or street is not in the network.
    """
    found = _numbered(network.link_id, change.links, "link", "links")
    if change.street is not None:
        found = np.concatenate([found, links_named(network, change.street)])
    return np.unique(found).astype(np.int32)


def turns_of(change: BanTurn, network: Network) -> NDArray[np.int32]:
    """Return the indices of the turns that a change bans, in order, each once.

    Raises
    ------
    InputError
        If a link is not in the network, two links are not joined by a turn, or no turn would be
        left at the end of a link.
    """
    pairs = np.asarray(change.turns, np.int64)
    start = _numbered(network.link_id, pairs[:, 0], "link", "turns")
    end = _numbered(network.link_id, pairs[:, 1], "link", "turns")
    found = []
    for (a, b), k, to in zip(change.turns, start, end, strict=True):
        first, last = network.turn_ptr[k], network.turn_ptr[k + 1]
        hits = first + np.flatnonzero(network.turn_to[first:last] == to)
        if not len(hits):
            raise InputError(f"no turn leads from link {a} to link {b}", field="turns")
        found.append(hits)
    turns = np.unique(np.concatenate(found)).astype(np.int32)
    for k in np.unique(start):
        first, last = int(network.turn_ptr[k]), int(network.turn_ptr[k + 1])
        if np.isin(np.arange(first, last), turns).all():
            raise InputError(
                f"no turn would be left at the end of link {network.link_id[k]}",
                field="turns",
                hint="close the link instead",
            )
    return turns


def signals_of(change: PreemptSignals | RetimeSignals, network: Network) -> NDArray[np.int32]:
    """Return the signals that a change is about, in order, each once.

    Raises
    ------
    InputError
        If a junction, link or street is not in the network, or no signal is there.
    """
    if not change.junctions and not change.links and change.street is None:
        return np.arange(network.n_signals, dtype=np.int32)
    links = _numbered(network.link_id, change.links, "link", "links")
    if change.street is not None:
        links = np.concatenate([links, links_named(network, change.street)])
    nodes = nodes_numbered(network, change.junctions, "junctions")
    found = np.unique(network.node_signal[np.concatenate([nodes, network.link_to[links]])])
    found = found[found >= 0]
    if not len(found):
        field = "junctions" if change.junctions else "links" if change.links else "street"
        raise InputError("no signal is there", field=field)
    return found.astype(np.int32)


def nodes_numbered(network: Network, numbers: ArrayLike, field: str) -> NDArray[np.int64]:
    """Return the indices of nodes by their external numbers.

    Raises
    ------
    InputError
        If the city has no such junction.
    """
    return _numbered(network.node_id, numbers, "junction", field)


def _numbered(
    known: NDArray[np.int64], numbers: ArrayLike, what: str, field: str
) -> NDArray[np.int64]:
    """Return the places of numbers among those that are known."""
    wanted = np.asarray(numbers, np.int64)
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, wanted, sorter=order)
    found: NDArray[np.int64] = order[np.minimum(at, len(known) - 1)]
    missing = wanted[known[found] != wanted]
    if len(missing):
        raise InputError(f"the city has no {what} {missing[0]}", field=field)
    return found


def _spellings(name: str) -> dict[str, str]:
    """Return what a street may be called, as the city writes it, by the same in lower case."""
    parts = (part.strip() for part in [*re.split(r"[/;()]", name), name])
    return {part.casefold(): part for part in parts if part}
