"""Waiting for whichever of two events comes first."""

from __future__ import annotations

from typing import Any

import simpy

from twin.core.timeline import QuietEvent, succeed_now


class _First(QuietEvent):
    """What happens with the first of two events; nothing refers to it once it has happened."""

    def __init__(self, one: simpy.Event, other: simpy.Event) -> None:
        self.env = one.env
        self.callbacks = []
        self._one = one
        self._other = other

    def wait(self) -> None:
        """Wait for both."""
        self._one.callbacks.append(self._come)
        self._other.callbacks.append(self._come)

    def _come(self, event: simpy.Event) -> None:
        left = self._other if event is self._one else self._one
        if left.callbacks is not None:
            left.callbacks.remove(self._come)
        self.follow(event)

    def follow(self, event: simpy.Event) -> None:
        """Succeed or fail as an event did."""
        if event.ok:
            succeed_now(self)
        else:
            event.defused = True
            error: Any = event.value
            self.fail(error)


def either(one: simpy.Event, other: simpy.Event) -> simpy.Event:
    """Return an event that succeeds when the first of two does, or fails as that fails.

    It is `one | other` without the list of what has happened, at a third of the cost.
    """
    first = _First(one, other)
    if one.processed:
        first.follow(one)
    elif other.processed:
        first.follow(other)
    else:
        first.wait()
    return first
