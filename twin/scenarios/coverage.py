"""What a scenario means by cover: for the rules and the figures that ask who is within reach."""

from __future__ import annotations

from pydantic import Field

from twin.scenarios.parts import Part


class Coverage(Part):
    """What cover means to the rules and figures that look at it."""

    within_s: float = Field(
        default=480.0,
        gt=0.0,
        le=86_400.0,
        description="A point is covered by a unit whose station is at most this drive away, under "
        "siren on empty streets (or by the table of a city of travel times): a target less "
        "handling and turnout. Rules of dispatch without a `within_s` of their own also "
        "hold turnout and drive together against it: who is in time.",
    )
    slower: float = Field(
        default=1.0,
        ge=0.1,
        le=10.0,
        description="Factor on those drives, for streets that are not empty.",
    )
    busy: float = Field(
        default=0.3,
        ge=0.0,
        lt=1.0,
        description="Share of its time for which a unit is busy: the q of MEXCLP and DMEXCLP. "
        "0.3 is 9.5 calls of 45 minutes a day.",
    )
