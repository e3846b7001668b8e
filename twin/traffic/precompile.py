"""A second process that helps to compile the kernels of lanes while no cache holds them.

numba compiles under one lock, so threads cannot share the work; but every kernel is cached on its
own. The caller compiles the parts of a tick from the first on; the helper takes the longest of the
later ones and then goes from the last one back: each finds in the cache what the other has done.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
from numba import types

from twin.network.generate import grid
from twin.traffic import storage
from twin.traffic.control import kernel_network
from twin.traffic.kernels import insertion, step, times
from twin.traffic.kernels import sirens as sirens_of
from twin.traffic.kernels.layout import F32, Records
from twin.traffic.types import Fleet

SIRENS, CALLS = "sirens", "calls"
"""What may take part in a tick."""


def _is_new(kernel: Any) -> bool:
    """Return whether a kernel has never been compiled, in this process or an earlier one."""
    if isinstance(kernel, FunctionType) or kernel.signatures:
        return False
    return not any(Path(kernel.stats.cache_path).glob(f"step.{kernel.__name__}-*.nbi"))


@contextmanager
def helped(kernel: Any, sirens: F32 | None, calls: Records | None) -> Iterator[None]:
    """Let a helper compile the parts of `kernel`, a tick, while it is called for the first time.

    Parameters
    ----------
    kernel
        `step.advance` or its parallel form.
    sirens, calls
        As the kernel gets them.
    """
    if not _is_new(kernel) or (os.cpu_count() or 1) < 2:
        yield
        return
    command = [sys.executable, "-m", __name__]
    command += [SIRENS] * (sirens is not None) + [CALLS] * (calls is not None)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as helper:  # noqa: S603  # our own
        try:
            yield
        finally:
            helper.terminate()


def _type_of(value: object) -> Any:
    typeof: Any = numba.typeof
    return typeof(value)


def main(wanted: Collection[str]) -> None:
    """Compile the parts of a tick, those first that come late; `wanted` says what takes part."""
    held = kernel_network(grid(2, 2, 100.0, 1, 10.0), Fleet(None, ()).table, speed_factor=1.0)
    state = storage.new_state(held)
    net, st = _type_of(held), _type_of(state)
    rows = _type_of(storage.new_buffers(1)[0])
    sirens = _type_of(held.sirens if SIRENS in wanted else None)
    calls = _type_of(state.call if CALLS in wanted else None)
    real, whole, key, dt = types.float64, types.int64, types.uint64, types.float32
    parts: list[tuple[Any, tuple[Any, ...]]] = [
        (step.follow, (whole, whole, whole, real, dt, key, net, st, rows)),
        (times.update_turn_times, (net, st, rows)),
        (step.tidy, (real, calls, net, st, rows)),
        (step.pass_nodes, (whole, whole, whole, net, st, rows)),
        (step.decide, (whole, whole, whole, real, key, sirens, net, st, rows)),
    ]
    if SIRENS in wanted:
        parts += [
            (insertion.place_units, (real, net, st, rows)),
            (sirens_of.pass_queues, (whole, real, dt, sirens, net, st, rows)),
        ]
    for kernel, argument_types in parts:
        kernel.compile(argument_types)


if __name__ == "__main__":
    main(sys.argv[1:])
