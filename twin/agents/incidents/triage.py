"""START triage: who is treated first when there are more patients than crews."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

FASTEST_BREATHS = 30.0
"""More breaths a minute are `immediate`."""
SLOWEST_REFILL_S = 2.0
"""A longer capillary refill is `immediate`, where it stands in for the radial pulse."""


class Tag(StrEnum):
    """What START says of a patient, the most urgent first; the colour of the tag beside it."""

    IMMEDIATE = "immediate"  # red
    DELAYED = "delayed"  # yellow
    MINOR = "minor"  # green, the walking wounded
    DEAD = "dead"  # black


RANK = {tag: rank for rank, tag in enumerate(Tag)}
"""Place of each tag in the order of service."""


class Vitals(NamedTuple):
    """What START asks of a patient.

    Attributes
    ----------
    walks
        Whether they can walk when they are told to.
    breaths
        Breaths a minute; 0 when not breathing.
    breathes_opened
        Whether one who does not breathe begins to when the airway is opened.
    pulse
        Whether there is a pulse at the wrist.
    refill_s
        Capillary refill, s; it decides where the pulse is not felt for (`pulse` is None).
    obeys
        Whether they follow a simple command.
    """

    walks: bool
    breaths: float
    breathes_opened: bool = False
    pulse: bool | None = True
    refill_s: float = 1.0
    obeys: bool = True


def start(vitals: Vitals) -> Tag:
    """Return the tag of a patient: walk, respirations, perfusion, mental status, in this order.

    Super (1984), "START: a triage training module"; Benson, Koenig and Schultz (1996), "Disaster
    triage: START, then SAVE", which ask for the radial pulse in the place of the refill.
    """
    if vitals.walks:
        return Tag.MINOR
    if vitals.breaths <= 0.0:
        return Tag.IMMEDIATE if vitals.breathes_opened else Tag.DEAD
    if vitals.breaths > FASTEST_BREATHS:
        return Tag.IMMEDIATE
    perfused = vitals.refill_s <= SLOWEST_REFILL_S if vitals.pulse is None else vitals.pulse
    if not perfused or not vitals.obeys:
        return Tag.IMMEDIATE
    return Tag.DELAYED


def draw_vitals(tag: Tag, rng: np.random.Generator) -> Vitals:
    """Return vitals of somebody whom START tags so; three variates of the stream whatever the tag.

    Who is immediate is so by one of the four ways to it, each as likely (assumption).
    """
    way, calm, fast = rng.random(3)
    calmly = 12.0 + 16.0 * calm
    if tag is Tag.MINOR:
        return Vitals(walks=True, breaths=calmly)
    if tag is Tag.DEAD:
        return Vitals(walks=False, breaths=0.0, pulse=False, obeys=False)
    if tag is Tag.DELAYED:
        return Vitals(walks=False, breaths=calmly)
    if way < 0.25:
        return Vitals(walks=False, breaths=0.0, breathes_opened=True, obeys=False)
    if way < 0.5:
        return Vitals(walks=False, breaths=31.0 + 14.0 * fast)
    if way < 0.75:
        return Vitals(walks=False, breaths=calmly, pulse=False)
    return Vitals(walks=False, breaths=calmly, obeys=False)
