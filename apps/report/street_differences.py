"""What a comparison says of the streets whose traffic differs most."""

from __future__ import annotations

from collections.abc import Sequence

from apps.report.html import Raw, section, table, tag
from apps.report.words import ALONE, NO_RANGE, counted, signed, verdict_of
from twin.metrics.compare import DECIMALS, Paired
from twin.metrics.street_differences import StreetDifference, StreetDifferences

STREET_COLUMNS = (
    *("base, veh/h", "what-if, veh/h", "difference, veh/h", "95% interval", "result"),
    *("speed, base, km/h", "speed, what-if, km/h", "difference, km/h", "95% interval"),
)
STREETS_IN_SHORT = (
    "Vehicles per hour and direction, on the mean of a street's length. The report has more "
    "streets, their speeds, and what “clear” allows for."
)
STREETS_NOTE = (
    "Vehicles per hour and direction, on the mean of a street's length: what was driven on it in "
    "the period over its length and the hours. Streets of one name are one street, both "
    "directions. A street without a name is a stretch of unnamed links of one class that goes "
    "straight on, told by the middle of its longest link and the length of all, both directions "
    "added up. Speed: distance over time of all "
    "vehicles on it, over the replications in which both sides drive there. Where so many streets "
    f"are compared, one in twenty looks different by chance alone. So “{ALONE}” means no more than "
    "that the street's own interval excludes zero, and a difference is called clear only if, of "
    "all streets called so, at most one in twenty is to be expected there by chance (Benjamini and "
    "Hochberg); more replications tell more of them apart. Streets are in order of what they gain "
    "or lose: clear ones first, then those whose interval excludes zero. Each interval is 95% by "
    "itself, and those of the streets that changed most flatter the change."
)


def street_name(row: StreetDifference) -> str:
    """Return the name of a street, or its class, where it lies, and how long it is."""
    if row.name is not None:
        return row.name
    kind = row.road_class if row.road_class == "motorway" else f"{row.road_class} road"
    return f"{kind} at {row.lat:.4f}, {row.lon:.4f} ({row.length_m:,.0f} m)"


def street_cells(row: StreetDifference) -> list[str]:
    """Return flow and speed of both sides and what lies between them; see `STREET_COLUMNS`."""
    flow = row.flow
    shown = flow.shown or row.clear
    result = verdict_of(flow.low, same=flow.same, clear=shown, alone=not row.clear)
    speed = ["-", "-", "-", NO_RANGE] if row.speed is None else _cells(row.speed)
    return [*_cells(flow), result, *speed]


def streets_reading(found: StreetDifferences) -> str:
    """Return how many of how many streets differ."""
    compared = counted(found.compared, "street")
    if not found.gained and not found.lost:
        return f"On none of {compared} with traffic does the flow differ."
    if (found.gained or found.lost)[0].flow.low is None:
        return f"{compared.capitalize()} with traffic: one replication cannot tell which differ."
    clear = counted(found.clear, "street")
    return (
        f"Of {compared} with traffic, the interval of {found.shown:,} excludes zero, where chance "
        f"alone makes about {found.compared / 20:,.0f} do so; {clear} "
        f"{'differs' if found.clear == 1 else 'differ'} clearly with that allowed for."
    )


def streets_section(found: StreetDifferences | None) -> Raw | None:
    """Return the streets that gained and lost most; None where a side moves no traffic."""
    if found is None:
        return None
    return section(
        "Streets that gain and lose traffic",
        tag("p", streets_reading(found)),
        *_table("gains most", found.gained),
        *_table("loses most", found.lost),
        tag("p", STREETS_NOTE, class_="note"),
    )


def _table(title: str, rows: Sequence[StreetDifference]) -> list[Raw]:
    if not rows:
        return []
    lines = [[street_name(row), *street_cells(row)] for row in rows]
    return [table([title, *STREET_COLUMNS], lines)]


def _cells(row: Paired) -> list[str]:
    interval = NO_RANGE
    if row.low is not None and row.high is not None and not row.same:
        interval = f"{signed(row.low)} to {signed(row.high)}"
    return [
        f"{row.base:,.{DECIMALS}f}",
        f"{row.whatif:,.{DECIMALS}f}",
        signed(row.difference),
        interval,
    ]
