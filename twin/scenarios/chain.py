"""What a scenario sets of the chain in the place of the city's: durations, shares, sirens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from twin.scenarios.parts import Part

LONGEST_S = 86_400.0

_Seconds = Annotated[float, Field(ge=0.0, le=LONGEST_S)]


class Chain(Part):
    """Durations of every call, drawn from the city's fit where left out; and who drives how."""

    dispatch_delay_s: _Seconds | None = Field(
        default=None,
        description="From the call to the search for a unit. A city of travel times: 0.",
    )
    turnout_s: _Seconds | None = Field(
        default=None,
        description="From dispatched to wheels rolling, for a unit at its base. A city of travel "
        "times: 0.",
    )
    to_patient_s: _Seconds = Field(
        default=0.0,
        description="From an ambulance's stop to the patient of a medical call at the street's "
        "level; durations on scene then begin there. 0: they hold it.",
    )
    floor_s: Annotated[float, Field(ge=0.0, le=3600.0)] = Field(
        default=0.0, description="More of it for each floor that the patient is above the street."
    )
    floors: Annotated[float, Field(ge=0.0, le=100.0)] = Field(
        default=1.46,
        description="Mean number of floors above the street (geometric): 21% of patients are on "
        "the third or higher, as Morrison et al. (2005) found in Toronto. Where `floor_s` is set.",
    )
    scene_s: _Seconds | None = Field(default=None, description="Of an ambulance on scene.")
    handover_s: _Seconds | None = Field(default=None, description="At hospital.")
    wrap_up_s: _Seconds | None = Field(
        default=None, description="From the end of the work to clear. None of it if left out."
    )
    p_transport: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Share of patients taken to hospital, of calls of which it is not recorded. "
        "The city's, or 0.63, if left out.",
    )
    siren_to_scene: int | None = Field(
        default=None,
        ge=0,
        le=4,
        description="Least urgent priority whose calls are answered under siren. The city's, or 4, "
        "if left out.",
    )
    siren_to_hospital: int = Field(
        default=1,
        ge=0,
        le=4,
        description="Least urgent priority whose patients are driven to hospital under siren.",
    )

    @property
    def walks(self) -> bool:
        """Whether the way from the vehicle to the patient is an interval of its own."""
        return bool(self.to_patient_s or self.floor_s)
