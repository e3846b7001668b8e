"""What the report of a run says of emergency rooms."""

from __future__ import annotations

from typing import Any

from apps.report.html import Raw, section, table, tag
from apps.report.words import clock, count, percent
from twin.city.model import City
from twin.city.names import by_language
from twin.metrics.hospitals import emergency_rooms
from twin.recording.reader import RunReader

_COLUMNS = (
    "hospital", "beds", "taken, mean", "waiting, mean", "brought", "crew kept, mean",
    "90th percentile", "door to treatment, mean", "hours lost", "diverted, h", "refused",
)  # fmt: skip


def hospitals_section(reader: RunReader, city: City) -> Raw | None:
    """Return the table of emergency rooms; None where a run has none and no crew asked any."""
    found = emergency_rooms(reader)
    if found is None:
        return None
    ids = city["hospitals"]["hospital_id"]
    names = dict(zip(ids, map(by_language, city["hospitals"]["name"]), strict=True))
    rows = [_cells(names.get(key, {"en": key})["en"], row) for key, row in found["each"].items()]
    rows.sort(key=lambda cells: -int(cells[4].replace(",", "")))
    return section(
        "Emergency rooms",
        table(_COLUMNS, [_cells("all", found["all"]), *rows]),
        tag(
            "p",
            "Crew kept: from the door until the crew was free, min:s. Hours lost: of crews at the "
            "door beyond 15 min. Refused: of the times that crews asked.",
            class_="note",
        ),
    )


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    def mean(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    refused = f"{row['refused']:,} of {row['asked']:,}" if row["asked"] else "-"
    share = "" if not row["beds"] or row["occupied"] is None else (
        f" ({percent(row['occupied'] / row['beds'])})"
    )  # fmt: skip
    return [
        name, count(row["beds"]) if row["beds"] else "-", mean(row["occupied"]) + share,
        mean(row["waiting"]), f"{row['brought']:,}", clock(row["offload_mean_s"]),
        clock(row["offload_p90_s"]), clock(row["treatment_mean_s"]), f"{row['lost_h']:.1f}",
        f"{row['diverted_h']:.1f}", refused,
    ]  # fmt: skip
