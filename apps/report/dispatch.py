"""What the report of a run says of why units went."""

from __future__ import annotations

import math

from apps.report.html import Raw, section, table, tag
from apps.report.words import clock, count, percent
from apps.rows import rows_of
from twin.metrics.decisions import HELD, reasons
from twin.recording.reader import RunReader

_SAID = {
    "only": "it was the only one that could go",
    "first": "it was expected on scene first",
    "nearest": "it was nearest as the crow flies",
    "beat": "it stood highest on the list of the place",
    "cover": "of those in time it was missed least by the rest of the city",
    "late": "nobody could be in time",
    "prepared": "of those in time the city stayed readiest without it",
    "urgent": "the call was urgent, and it was expected first",
    "diverted": "it was turned from a less urgent call",
    "person": "a person chose it",
    "recorded": "it went by the record",
    "ordered": "the scenario ordered it for the call",
    "score": "it had the best score of a rule of one's own",
    HELD: "(not sent yet) the call waited for it, busy but expected first",
}
_COLUMNS = ("because", "rule", "times", "share", "expected in, mean", "later than the soonest free")


def reasons_section(reader: RunReader) -> Raw | None:
    """Return why units went; None where a run kept no decisions."""
    found = reasons(reader.table("decisions"))
    if not len(found):
        return None
    sent = int(found.loc[found["why"] != HELD, "sent"].sum())
    rows = [
        [
            _SAID[row.why],
            row.policy,
            count(row.sent),
            "-" if row.why == HELD else percent(row.sent / sent),
            _time(row.arrival_s),
            _time(row.later_s),
        ]
        for row in rows_of(found)
    ]
    return section(
        "Why units went",
        table(_COLUMNS, rows),
        tag(
            "p",
            "Times in min:s, as they were predicted when it was decided. ",
            tag("code", "twin why RUN CALL"),
            " tells of one call who could have gone.",
            class_="note",
        ),
    )


def _time(seconds: float) -> str:
    return "-" if math.isnan(seconds) else clock(seconds)
