"""The clocks of a call: first on scene, first capable, full assignment."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.agents.task import Task


def clocks(
    tasks: Sequence[Task], asked: int, can: Callable[[Task], bool]
) -> dict[str, float | None]:
    """Return when the first unit, the first capable one and all of the plan were on scene.

    `t_first_enroute` is when the first one had set off, or where none is there yet the first did.

    Parameters
    ----------
    tasks
        The parts that units play in the call, those of the plan first.
    asked
        How many the plan asked for. One whose unit turned back because it was not needed any more
        does not count.
    can
        Whether a unit can do what is needed.
    """
    first = capable = rolling = set_off = math.inf
    full = -math.inf
    for k, task in enumerate(tasks):
        t = task.t_onscene
        if task.t_enroute is not None:
            rolling = min(rolling, task.t_enroute)
        if t is not None:
            if t < first and task.t_enroute is not None:
                set_off = task.t_enroute
            first = min(first, t)
            if can(task):
                capable = min(capable, t)
        if k < asked:
            if t is not None:
                full = max(full, t)
            elif not task.done.triggered:
                full = math.inf
    return {
        name: t if math.isfinite(t) else None
        for name, t in (
            ("t_first_enroute", set_off if math.isfinite(first) else rolling),
            ("t_first", first),
            ("t_capable", capable),
            ("t_full", full),
        )
    }
