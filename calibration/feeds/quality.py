"""What became of the rows of a feed: kept, mended by a stated rule, or set aside, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class QualityReport:
    """Counts of what a reader did to a feed.

    Attributes
    ----------
    source
        The file that was read.
    rows
        Data rows in the file.
    mended
        Rows changed, by the rule that was applied; a row may be mended by several rules.
    set_aside
        Rows left out, by reason; a row is set aside once.
    noted
        Facts worth telling that changed no row.
    """

    source: str
    rows: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        """Rows that were kept, mended or not."""
        return self.rows - self.set_aside.total()

    def mend(self, rule: str, count: int) -> None:
        """Count `count` rows mended by `rule`."""
        if count:
            self.mended[rule] += count

    def put_aside(self, reason: str, count: int) -> None:
        """Count `count` rows set aside for `reason`."""
        if count:
            self.set_aside[reason] += count

    def note(self, fact: str, count: int) -> None:
        """Count `count` rows of which `fact` holds."""
        if count:
            self.noted[fact] += count

    def lines(self) -> list[str]:
        """Return the report as sentences, in a fixed order."""
        lines = [f"{self.rows} rows read, {self.kept} kept"]
        lines += [f"{n} mended: {rule}" for rule, n in sorted(self.mended.items())]
        lines += [f"{n} set aside: {reason}" for reason, n in sorted(self.set_aside.items())]
        lines += [f"{n} noted: {fact}" for fact, n in sorted(self.noted.items())]
        return lines
