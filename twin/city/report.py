"""How good a network is: the figures that `twin city build` prints beside its picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.city.model import City
from twin.city.picture import picture
from twin.network.build import EXAMPLES, BuildReport
from twin.network.geometry import Polylines, wrap
from twin.network.graph import Network, RoadClass, TurnKind
from twin.network.lengths import drawn_otherwise, shorter_than_straight

__all__ = ["QualityRow", "picture", "quality"]

Flags = NDArray[np.bool_]

SHORT_M = 15.0
DETOUR = 3.0
KINK_RAD = np.deg2rad(100.0)


class QualityRow(NamedTuple):
    """One figure of the quality report.

    Attributes
    ----------
    part
        Heading under which it stands.
    item
        What is counted.
    value, unit
        The figure; its unit, or an empty text for a count.
    note
        What it means, or examples by link number.
    """

    part: str
    item: str
    value: float
    unit: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The figure with its unit."""
        if self.unit == "%":
            return f"{self.value:.1f} %"
        return f"{self.value:,.1f} {self.unit}" if self.unit else f"{self.value:,.0f}"


def quality(subject: City | Network, report: BuildReport | None = None) -> list[QualityRow]:
    """Return the figures of the quality report, in order of reading.

    Parameters
    ----------
    subject
        A network, or the city that holds it.
    report
        What the clean-up did; what the city tells of it if left out.
    """
    if isinstance(subject, City) and subject.is_table:
        return _travel_times(subject.travel_times)
    network = subject.network if isinstance(subject, City) else subject
    if report is None and isinstance(subject, City):
        report = subject.build
    rows = [*_counts(network), *_classes(network)]
    if report is not None:
        rows += [
            QualityRow("imputed", name, 100.0 * share, "%", "of the road length")
            for name, share in report.imputed.items()
        ]
        for name, count in report.counts.items():
            note = _named(report.examples.get(name, []))
            rows.append(QualityRow("clean-up", name, count, note=note))
    return [*rows, *_junctions(network), *_suspicious(network)]


def _named(links: list[int]) -> str:
    return f"links {', '.join(map(str, links))}" if links else ""


def _travel_times(seconds: NDArray[np.float64]) -> list[QualityRow]:
    """Return the figures of a city of travel times."""
    n = len(seconds)
    between = seconds[~np.eye(n, dtype=np.bool_)]
    uneven = np.abs(seconds - seconds.T) > 0.1 * np.maximum(seconds, seconds.T)
    rows = [
        QualityRow("travel times", "places", n),
        QualityRow("travel times", "pairs", n * n, note="each way counted"),
        QualityRow("travel times", "unlike the way back", int(uneven.sum()), note="over a tenth"),
        QualityRow("travel times", "within a place", int((np.diag(seconds) > 0).sum()),
                   note="places in which a drive takes time"),
    ]  # fmt: skip
    if n > 1:
        for item, value in (("median", np.median(between)), ("longest", between.max())):
            rows.append(QualityRow("travel times", item, float(value), "s"))
        none = int((between == 0).sum())
        rows.append(QualityRow("travel times", "between two places in no time", none))
    return rows


def _counts(network: Network) -> list[QualityRow]:
    km = float(network.link_length.sum()) / 1000.0
    lane_km = float((network.link_length * network.link_lanes).sum()) / 1000.0
    buses = float(network.link_length[network.bus_link].sum()) / 1000.0
    named = len(np.unique(network.link_name[network.link_name >= 0]))
    return [
        QualityRow("network", "nodes", network.n_nodes),
        QualityRow("network", "links", network.n_links, note="one for each direction"),
        QualityRow("network", "turns", network.n_turns),
        QualityRow("network", "length", km, "km", "both directions counted"),
        QualityRow("network", "lanes", lane_km, "lane-km"),
        QualityRow("network", "bus lanes", buses, "lane-km", f"{len(network.bus_link)} lanes"),
        QualityRow("network", "streets with a name", named),
    ]


def _classes(network: Network) -> list[QualityRow]:
    metres = np.bincount(network.link_class, weights=network.link_length, minlength=len(RoadClass))
    return [
        QualityRow("roads by class", kind.name.lower(), float(metres[kind]) / 1000.0, "km")
        for kind in RoadClass
        if metres[kind]
    ]


def _junctions(network: Network) -> list[QualityRow]:
    ends = np.stack([network.link_from, network.link_to], axis=1)
    ends = np.unique(np.concatenate([ends, ends[:, ::-1]]), axis=0)
    legs = np.bincount(ends[:, 0], minlength=network.n_nodes)
    junction = legs >= 3
    signalled = network.node_signal >= 0
    groups = np.bincount(network.group_signal, minlength=network.n_signals)
    rows = [
        QualityRow("junctions", "dead ends", int((legs == 1).sum())),
        QualityRow("junctions", "junctions", int(junction.sum()), note="three legs or more"),
        QualityRow("junctions", "signalled", int((junction & signalled).sum())),
        QualityRow("junctions", "not signalled", int((junction & ~signalled).sum())),
        QualityRow("junctions", "signal controllers", network.n_signals),
        QualityRow(
            "junctions",
            "turns round allowed",
            int((network.turn_kind == TurnKind.U_TURN).sum()),
            note="dead ends",
        ),
    ]
    if network.n_signals:
        rows.append(QualityRow("junctions", "signal plan, mean", float(groups.mean()), "stages"))
        cycle = float(network.signal_cycle.mean())
        rows.append(QualityRow("junctions", "signal cycle, mean", cycle, "s"))
    return rows


def _suspicious(network: Network) -> list[QualityRow]:
    lines = Polylines(network.geom_ptr, network.geom_x, network.geom_y)
    length = network.link_length.astype(np.float64)
    a, b = network.link_from, network.link_to
    straight = np.hypot(
        network.node_x[b] - network.node_x[a], network.node_y[b] - network.node_y[a]
    )
    bearing = np.arctan2(np.diff(lines.y), np.diff(lines.x))
    inner = np.ones(len(lines.x), np.bool_)
    inner[lines.ptr[:-1]] = False
    inner[lines.ptr[1:] - 1] = False
    vertex = np.flatnonzero(inner)
    sharp = vertex[np.abs(wrap(bearing[vertex] - bearing[vertex - 1])) > KINK_RAD]
    kinked = np.zeros(network.n_links, np.bool_)
    kinked[np.searchsorted(lines.ptr, sharp, side="right") - 1] = True
    checks: list[tuple[str, Flags, str]] = [
        ("no length", length <= 0.0, ""),
        ("very short", length < SHORT_M, f"under {SHORT_M:.0f} m"),
        ("shorter than the straight line", shorter_than_straight(length, straight), ""),
        ("long way round", (length > DETOUR * straight) & (straight > SHORT_M), "over three times"),
        ("drawn otherwise than said", drawn_otherwise(length, lines.length), "over a quarter"),
        ("sharp kinks", kinked, "over 100 degrees inside a link"),
    ]
    rows = []
    for item, bad, meaning in checks:
        examples = _named(network.link_id[bad][:EXAMPLES].tolist())
        parts = [part for part in (meaning, examples) if part]
        rows.append(QualityRow("suspicious geometry", item, int(bad.sum()), note=": ".join(parts)))
    return rows
