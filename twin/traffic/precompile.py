"""A second process that helps to compile the kernels of lanes while no cache holds them.

numba compiles under one lock, so threads cannot share the work; but every kernel is cached on its
own. Both processes take the next part that nobody has taken, the longest first and none before the
kernels that it calls; each finds in the cache what the other has done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numba
from numba import types

from twin.network.generate import grid
from twin.traffic import storage
from twin.traffic.control import kernel_network
from twin.traffic.kernels import insertion, lane_space, lanes, step, times
from twin.traffic.kernels import sirens as sirens_of
from twin.traffic.kernels.layout import F32, Records
from twin.traffic.kernels.signals import plan
from twin.traffic.types import Fleet

SIRENS, CALLS = "sirens", "calls"
"""What may take part in a tick."""
_LOOK_S = 0.02
"""How often who waits for the other process looks what it has done."""


class Part(NamedTuple):
    """A kernel with the types of its arguments, and the numbers of the parts that it calls."""

    kernel: Any
    types: tuple[Any, ...]
    calls: tuple[int, ...] = ()


def _is_new(kernel: Any) -> bool:
    """Return whether a kernel has never been compiled, in this process or an earlier one."""
    if isinstance(kernel, FunctionType) or kernel.signatures:
        return False
    return not any(Path(kernel.stats.cache_path).glob(f"step.{kernel.__name__}-*.nbi"))


@contextmanager
def helped(kernel: Any, sirens: F32 | None, calls: Records | None) -> Iterator[None]:
    """Compile the parts of `kernel`, a tick, with a helper before it is called for the first time.

    Parameters
    ----------
    kernel
        `step.advance` or its parallel form.
    sirens, calls
        As the kernel gets them.
    """
    if _is_new(kernel) and (os.cpu_count() or 1) > 1:
        wanted = [SIRENS] * (sirens is not None) + [CALLS] * (calls is not None)
        with tempfile.TemporaryDirectory() as board:
            command = [sys.executable, "-m", __name__, board, *wanted]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as helper:  # noqa: S603  # our own
                try:
                    share(parts_of_a_tick(wanted), Path(board), lambda: helper.poll() is None)
                finally:
                    helper.terminate()
    yield


def share(parts: Sequence[Part], board: Path, other_lives: Callable[[], bool]) -> None:
    """Compile parts that the other process has not taken, and wait until all are done.

    Parameters
    ----------
    parts
        In the order in which they are taken; both processes have the same.
    board
        An empty folder in which both note what they take and what is done.
    other_lives
        Whether the other process is there. What it leaves undone is left.
    """
    alone = False
    while True:
        done = [(board / f"{number}.done").exists() for number in range(len(parts))]
        ready = (
            number
            for number, part in enumerate(parts)
            if all(done[called] for called in part.calls) and _take(board, number)
        )
        number = next(ready, None)
        if number is not None:
            part = parts[number]
            part.kernel.compile(part.types)
            (board / f"{number}.done").touch()
        elif all(done) or alone:
            return
        else:
            # Looked at once more after its end: it may have finished something in between.
            alone = not other_lives()
            time.sleep(_LOOK_S)


def _take(board: Path, number: int) -> bool:
    """Return whether a part was free; it is taken now."""
    try:
        (board / f"{number}.taken").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _type_of(value: object) -> Any:
    typeof: Any = numba.typeof
    return typeof(value)


def parts_of_a_tick(wanted: Collection[str]) -> list[Part]:
    """Return the parts of a tick, those first that take long; `wanted` says what takes part."""
    held = kernel_network(grid(2, 2, 100.0, 1, 10.0), Fleet(None, ()).table, speed_factor=1.0)
    state = storage.new_state(held)
    net, st = _type_of(held), _type_of(state)
    rows = _type_of(storage.new_buffers(1)[0])
    sirens = _type_of(held.sirens if SIRENS in wanted else None)
    calls = _type_of(state.call if CALLS in wanted else None)
    real, whole, key, dt = types.float64, types.int64, types.uint64, types.float32
    parts = [
        Part(lanes.change_lanes, (whole, whole, key, net, st, rows)),
        Part(insertion.enter_waiting, (whole, real, whole, net, st, rows)),
        Part(step.decide, (whole, whole, whole, real, key, sirens, net, st, rows), calls=(0, 1)),
        Part(step.follow, (whole, whole, whole, real, dt, key, net, st, rows)),
        Part(step.pass_nodes, (whole, whole, whole, net, st, rows)),
        Part(step.tidy, (real, calls, net, st, rows)),
        Part(plan.set_signals, (real, net)),
        Part(lane_space.make_space, (net, st, rows, rows)),
        Part(times.update_turn_times, (net, st, rows)),
        Part(times.update_travel_times, (net, st)),
    ]
    if SIRENS in wanted:
        parts += [
            Part(insertion.place_units, (real, net, st, rows)),
            Part(sirens_of.pass_queues, (whole, real, dt, sirens, net, st, rows)),
        ]
    return parts


if __name__ == "__main__":
    caller = os.getppid()
    share(parts_of_a_tick(sys.argv[2:]), Path(sys.argv[1]), lambda: os.getppid() == caller)
