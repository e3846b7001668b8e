"""How often a rule of move-up may send units to other stations."""

from __future__ import annotations

from pydantic import Field

from twin.scenarios.parts import Part


class Moves(Part):
    """Limits on the moves that `policy.moveup` makes.

    A move is an order to a free unit to go to another station than the one at which it stands or
    for which it heads, which after a call is its own. Going home at the end of a shift is none.
    """

    per_hour: int | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="At most so many of all crews in any 60 minutes; no limit if left out.",
    )
    per_crew: int | None = Field(
        default=None,
        ge=0,
        le=1_000,
        description="At most so many of one crew in any 60 minutes; no limit if left out.",
    )
    longest_s: float | None = Field(
        default=None,
        ge=0.0,
        le=86_400.0,
        description="None to a station that is a longer drive away, without siren; anywhere if "
        "left out.",
    )
