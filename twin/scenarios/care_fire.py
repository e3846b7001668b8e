"""What a scenario says of fires that grow until there is water enough."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.scenarios.parts import Part

Rate = Literal["slow", "medium", "fast", "ultra-fast"]


class FireGrowth(Part):
    """Fires that grow with the square of time, and are held when the water suffices."""

    enabled: bool = Field(
        default=False,
        description="Whether fires grow; if not, their stages share the time on scene as drawn.",
    )
    rate: Rate = Field(
        default="medium",
        description="1055 kW after 600 (slow), 300, 150 or 75 s (ultra-fast), as NFPA 72 has it; "
        "medium is that of dwellings (EN 1991-1-2, table E.5).",
    )
    burning_before_s: float = Field(
        default=120.0, ge=0.0, le=7200.0, description="From ignition to the call (assumption)."
    )
    kw_per_m2: float = Field(
        default=250.0,
        gt=0.0,
        le=10_000.0,
        description="Heat release of a burning square metre (dwelling, EN 1991-1-2, table E.5).",
    )
    fuel_mj_per_m2: float = Field(
        default=780.0,
        gt=0.0,
        le=100_000.0,
        description="Fuel on a square metre (dwelling, EN 1991-1-2, table E.4).",
    )
    largest_m2: float = Field(
        default=100.0, gt=0.0, le=100_000.0, description="All that can burn (assumption)."
    )
    set_up_s: float = Field(
        default=90.0,
        ge=0.0,
        le=3600.0,
        description="From an engine's stop to its water (assumption).",
    )
    engine_lps: float = Field(
        default=9.5,
        gt=0.0,
        le=1000.0,
        description="Water of an engine, litres a second: half of the 300 gallons a minute that "
        "NFPA 1710 wants of a first alarm.",
    )
    water_efficiency: float = Field(
        default=0.33,
        gt=0.0,
        le=1.0,
        description="Share of the water that turns to steam in the fire (assumption).",
    )
    overhaul_s_per_m2: float = Field(
        default=60.0,
        ge=0.0,
        le=7200.0,
        description="Work of an engine from under control to out, for each square metre "
        "(assumption).",
    )
    review_s: float = Field(
        default=120.0,
        ge=10.0,
        le=7200.0,
        description="From the first water on it is judged so often whether the engines that were "
        "asked for suffice, until the fire is under control.",
    )
    alarms: int = Field(
        default=3, ge=1, le=10, description="Highest alarm; each asks for more by its plan."
    )
