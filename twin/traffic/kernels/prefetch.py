"""Asking memory early for what is needed soon.

In a large city nothing of a tick is still in the processor's cache from the last one. Records stand
in order, but lanes lie apart from one another, so each lane would be waited for. What is asked for
some links ahead has come when it is its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.traffic.kernels.jit import inlined
from twin.traffic.kernels.layout import Net, Records, State

AHEAD = 4
"""Links."""

_config: Any = numba.config


@intrinsic  # type: ignore[untyped-decorator]
def _ask(typing: Any, array: Any, index: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        at = builder.bitcast(builder.gep(data, [args[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(ask, [at, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


def _nothing(array: Records, index: int) -> None:
    pass


ask: Callable[[Records, int], None] = _nothing if _config.DISABLE_JIT else _ask
"""Ask memory for the cache line where a row of an array begins; no row need be there."""


@inlined
def ask_for_link(k: int, net: Net, st: State, R: Records) -> None:
    """Ask for the last and the first vehicle of each lane of link `k`."""
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        ask(R, int(st.lane[x].start))
        ask(R, int(st.lane[x].end) - 1)
