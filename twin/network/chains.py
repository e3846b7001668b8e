"""Links that only follow one another are joined into one, with all their vertices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.network.draft import Draft, take_links
from twin.network.geometry import pointer, ranges

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

SHORT_PIECE_M = 25.0
SIGNAL_REACH_M = 40.0


@dataclass(frozen=True, slots=True)
class _Chains:
    """Links in order of their chain: `member` lists them chain by chain, `ptr` bounds chains."""

    member: I64
    ptr: I64


def merge_chains(draft: Draft) -> tuple[Draft, int, int]:
    """Return the draft without nodes at which nothing happens.

    Such a node joins two roads, and no more, of the same class, lanes, bus lanes, speed and name.
    A piece shorter than `SHORT_PIECE_M` joins its neighbour even when they differ, and the longest
    piece speaks for the chain. Signals inside a chain move to its nearer end if that is within
    `SIGNAL_REACH_M` (in surveys they often stand at the stop line); others, which are crossings on
    foot, are dropped.

    Returns
    -------
    draft
        The shorter draft.
    merged
        Number of nodes that went.
    dropped
        Number of signals that went with them.
    """
    follower = _followers(draft)
    chains = _chains(follower)
    heads = chains.ptr[:-1]
    if len(heads) == draft.n_links:
        return draft, 0, 0
    dropped = _move_signals(draft, chains)
    count = np.diff(chains.ptr)
    member = chains.member
    chain = np.repeat(np.arange(len(count)), count)
    length = draft.link_length[member]
    vertices = np.diff(draft.geom_ptr)[member]
    is_head = np.zeros(len(member), np.bool_)
    is_head[heads] = True
    skip = np.where(is_head, 0, 1)
    source = ranges(draft.geom_ptr[member] + skip, vertices - skip)
    first, last = member[heads], member[chains.ptr[1:] - 1]
    chief = _chief(chains, length, np.ones(len(member), np.bool_))
    lanes_from = _chief(chains, length, draft.link_lanes[member] > 0)
    speed_from = _chief(chains, length, np.isfinite(draft.link_speed[member]))
    name_from = _chief(chains, length, draft.link_name[member] >= 0)
    new_of = np.empty(draft.n_links, np.int64)
    new_of[member] = chain
    merged = replace(
        draft,
        link_id=draft.link_id[chief],
        link_from=draft.link_from[first],
        link_to=draft.link_to[last],
        link_length=np.bincount(chain, weights=length, minlength=len(count)).astype(np.float64),
        link_speed=draft.link_speed[speed_from],
        link_lanes=draft.link_lanes[lanes_from],
        link_class=draft.link_class[chief],
        link_ramp=draft.link_ramp[chief],
        link_roundabout=draft.link_roundabout[chief],
        link_name=draft.link_name[name_from],
        link_bus=draft.link_bus[lanes_from],
        geom_ptr=pointer(np.bincount(chain, weights=vertices - skip).astype(np.int64)),
        geom_x=draft.geom_x[source],
        geom_y=draft.geom_y[source],
        start_bearing=draft.start_bearing[first],
        end_bearing=draft.end_bearing[last],
    )
    inside = follower[draft.pair_from] == draft.pair_to
    merged.set_pairs(new_of[draft.pair_from[~inside]], new_of[draft.pair_to[~inside]])
    shorter = take_links(merged, np.arange(merged.n_links))
    return shorter, draft.n_nodes - shorter.n_nodes, dropped


def _followers(draft: Draft) -> I64:
    """(L,) the link that every link runs on into, or -1 where something happens."""
    n = draft.n_nodes
    entering = np.argsort(draft.link_to, kind="stable")
    leaving = np.argsort(draft.link_from, kind="stable")
    ins = np.bincount(draft.link_to, minlength=n)
    outs = np.bincount(draft.link_from, minlength=n)
    in_ptr, out_ptr = pointer(ins), pointer(outs)
    follower = np.full(draft.n_links, -1, np.int64)
    exits = np.bincount(draft.pair_from, minlength=draft.n_links)
    entries = np.bincount(draft.pair_to, minlength=draft.n_links)
    code = draft.pair_from * np.int64(draft.n_links) + draft.pair_to

    def join(a: I64, b: I64, good: Flags) -> None:
        good &= np.isin(a * np.int64(draft.n_links) + b, code) & _alike(draft, a, b)
        good &= (exits[a] == 1) & (entries[b] == 1)
        follower[a[good]] = b[good]

    one = np.flatnonzero((ins == 1) & (outs == 1))
    a, b = entering[in_ptr[one]], leaving[out_ptr[one]]
    join(a, b, draft.link_from[a] != draft.link_to[b])
    two = np.flatnonzero((ins == 2) & (outs == 2))
    a0, a1 = entering[in_ptr[two]], entering[in_ptr[two] + 1]
    b0, b1 = leaving[out_ptr[two]], leaving[out_ptr[two] + 1]
    crossed = draft.link_from[a0] == draft.link_to[b0]
    b0, b1 = np.where(crossed, b1, b0), np.where(crossed, b0, b1)
    plain = (
        (draft.link_from[a0] == draft.link_to[b1])
        & (draft.link_from[a1] == draft.link_to[b0])
        & (draft.link_from[a0] != draft.link_from[a1])
    )
    # Both directions are joined or neither, so that a road keeps its two halves alike.
    plain &= _alike(draft, a0, b0) & _alike(draft, a1, b1)
    join(a0, b0, plain.copy())
    join(a1, b1, plain.copy())
    half = (follower[a0] >= 0) != (follower[a1] >= 0)
    follower[a0[half & plain]] = -1
    follower[a1[half & plain]] = -1
    return follower


def _alike(draft: Draft, a: I64, b: I64) -> Flags:
    """Return whether two links are the same road, or one is too short to matter."""
    lanes_a, lanes_b = draft.link_lanes[a], draft.link_lanes[b]
    speed_a, speed_b = draft.link_speed[a], draft.link_speed[b]
    same = (
        (draft.link_class[a] == draft.link_class[b])
        & (draft.link_ramp[a] == draft.link_ramp[b])
        & (draft.link_roundabout[a] == draft.link_roundabout[b])
        & ((lanes_a == lanes_b) | (lanes_a == 0) | (lanes_b == 0))
        & (draft.link_bus[a] == draft.link_bus[b])
        & ((np.abs(speed_a - speed_b) < 0.1) | np.isnan(speed_a) | np.isnan(speed_b))
        & (
            (draft.link_name[a] == draft.link_name[b])
            | (draft.link_name[a] < 0)
            | (draft.link_name[b] < 0)
        )
    )
    short = np.minimum(draft.link_length[a], draft.link_length[b]) < SHORT_PIECE_M
    alike: Flags = same | short
    return alike


def _chains(follower: I64) -> _Chains:
    """Return the chains; links of a closed ring stay by themselves."""
    n = len(follower)
    before = np.full(n, -1, np.int64)
    joined = np.flatnonzero(follower >= 0)
    before[follower[joined]] = joined
    # Pointer jumping: after k rounds `head` is 2^k links back, or the first link of the chain.
    head = np.where(before >= 0, before, np.arange(n))
    rank = (before >= 0).astype(np.int64)
    for _ in range(max(n, 2).bit_length() + 1):
        rank = rank + rank[head]
        head = head[head]
    ring = before[head] >= 0
    if ring.any():
        follower[ring] = -1
        head[ring] = np.flatnonzero(ring)
        rank[ring] = 0
    member = np.lexsort((rank, head))
    return _Chains(member, np.append(np.flatnonzero(rank[member] == 0), n))


def _chief(chains: _Chains, length: F64, known: Flags) -> I64:
    """Return the longest member of every chain, among those that know the attribute if any does."""
    count = np.diff(chains.ptr)
    chain = np.repeat(np.arange(len(count)), count)
    order = np.lexsort((np.arange(len(length)), -length, ~known, chain))
    return chains.member[order[chains.ptr[:-1]]]


def _move_signals(draft: Draft, chains: _Chains) -> int:
    """Take signals inside chains to the nearer end; return the number dropped."""
    count = np.diff(chains.ptr)
    chain = np.repeat(np.arange(len(count)), count)
    length = draft.link_length[chains.member]
    gone = np.cumsum(length)
    start = (gone - length)[chains.ptr[:-1]]
    behind = gone - start[chain]
    total = behind[chains.ptr[1:] - 1][chain]
    last = np.zeros(len(length), np.bool_)
    last[chains.ptr[1:] - 1] = True
    node = draft.link_to[chains.member]
    row = np.flatnonzero(draft.node_signal[node] & ~last)
    inside = np.unique(node[row])
    first_node = draft.link_from[chains.member[chains.ptr[:-1]]][chain[row]]
    last_node = draft.link_to[chains.member[chains.ptr[1:] - 1]][chain[row]]
    near_start = behind[row] <= total[row] - behind[row]
    gap = np.where(near_start, behind[row], total[row] - behind[row])
    moved = gap <= SIGNAL_REACH_M
    kept = np.unique(node[row][moved])
    draft.node_signal = draft.node_signal.copy()
    draft.node_signal[inside] = False
    draft.node_signal[np.where(near_start, first_node, last_node)[moved]] = True
    return len(inside) - len(kept)
