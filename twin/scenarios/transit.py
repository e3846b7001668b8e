"""Buses of a scenario, as it declares them."""

from __future__ import annotations

from pydantic import Field, model_validator

from twin.scenarios.parts import Part


class Transit(Part):
    """Buses on their lines, from a timetable or from tables (micro and meso)."""

    gtfs: str | None = Field(default=None, description="GTFS feed: a ZIP archive or a folder.")
    tables: str | None = Field(
        default=None, description="Folder with stops.csv, departures.csv and maybe lines.csv."
    )
    hold: bool = Field(default=True, description="Buses wait at timing points until they are due.")
    dwell_s: float = Field(
        default=20.0,
        ge=0.0,
        le=3600.0,
        description="Mean time at a stop where the source does not say it, seconds.",
    )
    dwell_sd_s: float = Field(
        default=0.0,
        ge=0.0,
        le=3600.0,
        description="Its standard deviation for GTFS (lognormal), seconds; 0: always the mean.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Transit:
        if self.gtfs is not None and self.tables is not None:
            raise ValueError("give either `gtfs` or `tables`")
        return self

    @property
    def wanted(self) -> bool:
        """Whether there are buses."""
        return self.gtfs is not None or self.tables is not None
