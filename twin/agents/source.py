"""Where incidents come from: calls that were drawn before the run, and those that arise in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from twin.agents.incidents.collision import Collision
from twin.agents.incidents.fire import Fire
from twin.agents.incidents.incident import Call, Incident
from twin.agents.incidents.medical import Medical
from twin.demand.calls import COLUMNS

if TYPE_CHECKING:
    from twin.agents.world import Life, World

INCIDENT_TYPES: dict[str, type[Incident]] = {kind.kind: kind for kind in (Medical, Fire, Collision)}
"""Class of each kind of incident."""
CHUNK = 10_000
"""So many calls are Python objects at once."""


def received(world: World, calls: pd.DataFrame) -> Life:
    """Begin an incident at the time of each call; `calls` are in order of time."""
    columns = [calls[name] for name in COLUMNS]
    for first in range(0, len(calls), CHUNK):
        part = [column.iloc[first : first + CHUNK].tolist() for column in columns]
        if world.scenario.record.events:
            world.lonlat.learn(*(part[list(COLUMNS).index(name)] for name in ("link", "pos_m")))
        for row in zip(*part, strict=True):
            call = Call(*row)
            yield world.until(call.t_call)
            begin(world, call)


def begin(world: World, call: Call) -> Incident:
    """Let an incident happen now."""
    return INCIDENT_TYPES[call.kind](world, call)


def happen(world: World, call: Call) -> Life:
    """Let an incident happen at its time."""
    yield world.until(call.t_call)
    begin(world, call)
