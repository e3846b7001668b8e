"""Asking memory early for what is needed soon.

In a large city nothing of a tick is still in the processor's cache from the last one. Records stand
in order, but lanes lie apart from one another, so each lane would be waited for. What is asked for
some links ahead has come when it is its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from twin.traffic.kernels.jit import inlined
from twin.traffic.kernels.layout import Net, Records, State

BEYOND_AHEAD = 2
AHEAD = 4
LANES_AHEAD = 8
"""Links."""
MANY_LANES = 4096
"""A network of fewer lanes stays in the cache from tick to tick."""

_config: Any = numba.config


@intrinsic
def _ask(typing: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        at = builder.bitcast(builder.gep(data, [args[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(ask, [at, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


def _nothing(array: NDArray[Any], index: int) -> None:
    pass


ask: Callable[[NDArray[Any], int], None] = _nothing if _config.DISABLE_JIT else cast("Any", _ask)
"""Ask memory for the cache line where a row of an array begins; no row need be there."""


@inlined
def ask_for_link(n: int, end: int, net: Net, st: State, R: Records) -> None:
    """Ask for the vehicles of a link behind link `active[n]`, for the lanes of one behind that."""
    if n + LANES_AHEAD < end:
        k = st.active[n + LANES_AHEAD]
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            ask(st.lane, x)
        for t in range(net.link[k].turn0, net.link[k].turn1):
            ask(net.turn, t)
        ask(net.group, int(net.link[k].group))
    if n + AHEAD < end:
        ask_for_vehicles(st.active[n + AHEAD], net, st, R)


@inlined
def ask_for_waiting(n: int, end: int, t: float, net: Net, st: State) -> None:
    """Ask for the trip that waits to enter a link behind link `active[n]`."""
    if n + AHEAD < end:
        k = st.active[n + AHEAD]
        if st.due[k] <= t:
            ask(st.vehicle, int(st.queue[net.link[k].queue_at]))


@inlined
def ask_for_vehicles(k: int, net: Net, st: State, R: Records) -> None:
    """Ask for the vehicles of link `k`."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        # Two records make a line.
        for i in range(int(st.lane[x].start) & ~1, st.lane[x].end, 2):
            ask(R, i)


@inlined
def ask_beyond(n: int, end: int, net: Net, st: State, R: Records) -> None:
    """Ask for what the first vehicles of a link behind link `active[n]` see: light, link, lanes."""
    if n + BEYOND_AHEAD < end:
        k = st.active[n + BEYOND_AHEAD]
        a = int(net.link[k].lane0)
        for x in range(a, a + int(net.link[k].lanes)):
            i = int(st.lane[x].end) - 1
            if i >= st.lane[x].start and R[i].turn >= 0:
                t = int(R[i].turn)
                y = int(net.turn[t].lane0)
                ask(st.lane, y)
                ask(st.lane, y + 1)
                ask(net.link, int(net.turn[t].to))
                ask(net.group, int(net.turn[t].group))


@inlined
def is_large(st: State) -> bool:
    """Return whether a tick had better ask for what it needs ahead of time."""
    return len(st.lane) > MANY_LANES


@inlined
def ask_for_passages(low: int, high: int, net: Net, st: State, R: Records) -> None:
    """Ask for what it takes to move vehicles over the junctions in `passing[low:high]`.

    Each round uses what the one before has asked for.
    """
    for stage in range(5):
        for n in range(low, high):
            node = st.passing[n]
            for m in range(net.node[node].in0, net.node[node].in1):
                k = net.in_link[m]
                if not st.crossing[k]:
                    continue
                if stage == 0:
                    ask(net.link, k)
                    continue
                a = int(net.link[k].lane0)
                for x in range(a, a + int(net.link[k].lanes)):
                    if stage == 1:
                        ask(st.lane, x)
                        continue
                    i = int(st.lane[x].end) - 1
                    if stage == 2:
                        ask(R, i)
                    elif (
                        i >= st.lane[x].start and R[i].turn >= 0 and R[i].pos >= net.link[k].length
                    ):
                        if stage == 3:
                            ask(st.vehicle, int(R[i].slot))
                            ask(st.route, int(R[i].rpos) + 1)
                            ask(net.turn, int(R[i].turn))
                            ask(st.lane, int(st.lane[x].aim))
                        else:
                            ask_for_entry(i, int(st.lane[x].aim), net, st, R)


@inlined
def ask_for_entry(i: int, aim: int, net: Net, st: State, R: Records) -> None:
    """Ask for the link and the place in lane `aim` where record `i` goes, and its turns there."""
    ask(net.link, int(net.turn[R[i].turn].to))
    ask(net.group, int(net.turn[R[i].turn].group))
    ask(R, int(st.lane[aim].start) - 1)
    at = int(R[i].rpos) + 1
    onward = int(st.route[at])
    if onward >= 0:
        ask(net.turn, onward)
        onward = int(st.route[at + 1])
        if onward >= 0:
            ask(net.turn, onward)
