"""The clean-up that traffic needs, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from twin.network.chains import merge_chains
from twin.network.contract import ContractOptions, contract_junctions, merge_parallel
from twin.network.draft import Draft, take_links
from twin.network.split import interior_nodes, split_links, split_loops
from twin.network.turns import all_pairs, restricted, without_u_turns

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

MAX_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """Which steps are done.

    Attributes
    ----------
    merge
        Whether chains are joined and close junction nodes drawn together.
    junctions
        Which nodes are one junction.
    """

    merge: bool = True
    junctions: ContractOptions = field(default_factory=ContractOptions)


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Turn restrictions by link index (see `RawRoads`)."""

    from_link: I64
    to_link: I64
    only: Flags


def clean(
    draft: Draft, restrictions: Restrictions, options: CleanOptions, counts: dict[str, int]
) -> Draft:
    """Return the draft cleaned, adding what was done to `counts`."""
    draft, restrictions = _cut(draft, restrictions, counts)
    counts["turn restrictions"] = len(restrictions.from_link)
    if not draft.n_links:
        return draft
    _allow(draft, restrictions)
    draft = _largest_part(draft, counts)
    for _ in range(MAX_ROUNDS if options.merge else 0):
        before = draft.n_links
        if not before:
            break
        draft = _without_stubs(draft, options.junctions.short_m, counts)
        draft, merged, dropped = merge_chains(draft)
        _add(counts, "nodes merged into chains", merged)
        _add(counts, "signals away from junctions dropped", dropped)
        draft, drawn = contract_junctions(draft, options.junctions)
        _add(counts, "junction nodes drawn together", drawn)
        draft, beside = merge_parallel(draft)
        _add(counts, "links side by side joined", beside)
        draft = _largest_part(split_loops(draft), counts)
        if draft.n_links == before:
            break
    return draft


def _add(counts: dict[str, int], name: str, number: int) -> None:
    counts[name] = counts.get(name, 0) + number


def _cut(
    draft: Draft, restrictions: Restrictions, counts: dict[str, int]
) -> tuple[Draft, Restrictions]:
    """Drop links without length, cut links at nodes on their way and loops at their far end."""
    flat = (draft.link_from == draft.link_to) & (np.diff(draft.geom_ptr) < 4)
    counts["links without length dropped"] = int(flat.sum())
    draft, restrictions = _take(draft, restrictions, np.flatnonzero(~flat))
    vertex, node = interior_nodes(draft)
    owner = np.repeat(np.arange(draft.n_links), np.diff(draft.geom_ptr))[vertex]
    away = (draft.link_from[owner] != node) & (draft.link_to[owner] != node)
    vertex, node = vertex[away], node[away]
    counts["links cut at junctions"] = len(vertex)
    numbers = draft.link_id
    draft = split_loops(split_links(draft, vertex, node))
    # First pieces keep their number and order, and the last piece of a link stands before the next.
    first = np.flatnonzero(np.isin(draft.link_id, numbers))
    last = np.append(first[1:], draft.n_links) - 1
    return draft, Restrictions(
        last[restrictions.from_link], first[restrictions.to_link], restrictions.only
    )


def _take(draft: Draft, restrictions: Restrictions, links: I64) -> tuple[Draft, Restrictions]:
    new = np.full(draft.n_links, -1, np.int64)
    new[links] = np.arange(len(links))
    a, b = new[restrictions.from_link], new[restrictions.to_link]
    known = (a >= 0) & (b >= 0)
    return take_links(draft, links), Restrictions(a[known], b[known], restrictions.only[known])


def _allow(draft: Draft, restrictions: Restrictions) -> None:
    """Set the movements that restrictions and the ban on turning round leave.

    Turning round is also allowed where every other way on leads out of the part that can be driven,
    as at the edge of an extract: for those who want to come back, that is a dead end.
    """
    a, b = all_pairs(draft)
    stays = restricted(
        a,
        b,
        restrictions.from_link,
        restrictions.to_link,
        restrictions.only,
        draft.n_links,
    )
    a, b = a[stays], b[stays]
    stays = without_u_turns(draft, a, b)
    draft.set_pairs(a[stays], b[stays])
    around_from, around_to = a[~stays], b[~stays]
    while True:
        main = _main_part(draft)
        if not len(main):
            return
        reached = _reached(draft, main[:1], backward=False)
        returns = _reached(draft, main[:1], backward=True)
        lost = reached[around_from] & ~returns[around_from] & returns[around_to]
        if not lost.any():
            return
        # Turn round at the last link only: those before it come back through it.
        is_lost = np.zeros(draft.n_links, np.bool_)
        is_lost[around_from[lost]] = True
        before = _reached(draft, draft.pair_from[is_lost[draft.pair_to]], backward=True)
        last = lost & ~before[around_from]
        lost = last if last.any() else lost
        draft.set_pairs(
            np.append(draft.pair_from, around_from[lost]), np.append(draft.pair_to, around_to[lost])
        )


def _main_part(draft: Draft) -> I64:
    """Return the longest set of links each of which can be driven to from each other."""
    n = draft.n_links
    ones = np.ones(len(draft.pair_from), np.int8)
    graph = csr_array((ones, (draft.pair_from, draft.pair_to)), shape=(n, n))
    _, label = connected_components(graph, directed=True, connection="strong")
    length = np.bincount(label, weights=draft.link_length, minlength=1)
    links = np.flatnonzero(label == int(np.argmax(length)))
    # A link alone leads nowhere.
    return links if len(links) > 1 else links[:0]


def _reached(draft: Draft, sources: I64, *, backward: bool) -> Flags:
    """Return the links that can be driven to from any source, or, backward, to any source."""
    n = draft.n_links
    a, b = draft.pair_from, draft.pair_to
    if backward:
        a, b = b, a
    # One more vertex leads to every source.
    a, b = np.append(a, np.full(len(sources), n)), np.append(b, sources)
    graph = csr_array((np.ones(len(a), np.int8), (a, b)), shape=(n + 1, n + 1))
    order = breadth_first_order(graph, n, directed=True, return_predecessors=False)
    reached = np.zeros(n + 1, np.bool_)
    reached[order] = True
    return reached[:n]


def _largest_part(draft: Draft, counts: dict[str, int]) -> Draft:
    """Return the draft of the main part only."""
    kept = _main_part(draft)
    gone = draft.n_links - len(kept)
    if gone:
        metres = int(draft.link_length.sum() - draft.link_length[kept].sum())
        _add(counts, "links not connected both ways dropped", gone)
        _add(counts, "metres not connected both ways dropped", metres)
        draft = take_links(draft, kept)
    return draft


def _without_stubs(draft: Draft, short_m: float, counts: dict[str, int]) -> Draft:
    """Return the draft without dead ends too short for a vehicle to turn round in."""
    outs = np.bincount(draft.link_from, minlength=draft.n_nodes)
    ins = np.bincount(draft.link_to, minlength=draft.n_nodes)
    end = (outs == 1) & (ins == 1)
    back = np.zeros(draft.n_nodes, np.bool_)
    into = np.flatnonzero(end[draft.link_to])
    leaving = np.full(draft.n_nodes, -1, np.int64)
    leaving[draft.link_from] = np.arange(draft.n_links)
    out = leaving[draft.link_to[into]]
    closed = (draft.link_to[out] == draft.link_from[into]) & (draft.link_length[into] < short_m)
    back[draft.link_to[into[closed]]] = True
    stub = back[draft.link_from] | back[draft.link_to]
    if not stub.any() or stub.all():
        return draft
    _add(counts, "stubs dropped", int(stub.sum()))
    kept = take_links(draft, np.flatnonzero(~stub))
    lost = np.bincount(kept.pair_from, minlength=kept.n_links) == 0
    a, b = all_pairs(replace(kept))
    again = lost[a]
    kept.set_pairs(
        np.concatenate([kept.pair_from, a[again]]), np.concatenate([kept.pair_to, b[again]])
    )
    return kept
