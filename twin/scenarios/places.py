"""Places in a scenario as people write them, and the lists and tables that are special there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

from twin.scenarios.care import CallType, Plan
from twin.scenarios.change_kinds import Change
from twin.scenarios.detectors import Detector
from twin.scenarios.toml_lines import Location


def _kinds(union: Any) -> dict[str, type[BaseModel]]:
    members = get_args(get_args(union)[0])
    return {get_args(m.model_fields["kind"].annotation)[0]: m for m in members}


LISTS: dict[Location, tuple[str, dict[str, type[BaseModel]]]] = {
    ("changes",): ("change", _kinds(Change)),
    ("record", "detectors"): ("detector", _kinds(Detector)),
    ("care", "plans"): ("plan", _kinds(Plan)),
    ("care", "types"): ("call type", _kinds(CallType)),
}
"""Lists of tables that have a `kind`: what one is called, and its kinds."""
REPLACED = frozenset({"title", "question"})
"""Tables of a what-if that stand in place of its base's, not on top of them."""


def list_of(where: Location) -> Location | None:
    """Return the list that a place is in, as `("changes",)`; None when it is in none."""
    return next((at for at in LISTS if where[: len(at)] == at and len(where) > len(at)), None)


def dotted(where: Location) -> str:
    """Write a place as people do, who count changes from 1."""
    return ".".join(str(part + 1 if isinstance(part, int) else part) for part in where)


def choices(names: Sequence[str] | dict[str, Any]) -> str | None:
    """Return the hint that names what is legal."""
    return f"legal are {', '.join(names)}" if names else None
