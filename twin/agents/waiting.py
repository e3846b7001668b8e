"""Waiting for whichever of two events comes first."""

from __future__ import annotations

from typing import Any

import simpy

from twin.core.timeline import succeed_now


def either(one: simpy.Event, other: simpy.Event) -> simpy.Event:
    """Return an event that succeeds when the first of two does, or fails as that fails.

    It is `one | other` without the list of what has happened, at a third of the cost.
    """
    first = one.env.event()

    def come(event: simpy.Event) -> None:
        left = other if event is one else one
        if not left.processed and come in left.callbacks:
            left.callbacks.remove(come)
        if event.ok:
            succeed_now(first)
        else:
            event.defused = True
            error: Any = event.value
            first.fail(error)

    if one.processed:
        come(one)
    elif other.processed:
        come(other)
    else:
        one.callbacks.append(come)
        other.callbacks.append(come)
    return first
