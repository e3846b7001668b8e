"""A dark picture of a city's streets, by class."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from twin.city.model import City
from twin.network.graph import Network, RoadClass
from twin.network.locate import Locator, opposite_links

INK, FAINT, GROUND = "#e8edf2", "#8a97a5", "#0b1016"
STYLE: dict[RoadClass, tuple[str, float]] = {
    RoadClass.SERVICE: ("#2b3a48", 0.35),
    RoadClass.RESIDENTIAL: ("#3b5266", 0.45),
    RoadClass.TERTIARY: ("#4f7692", 0.7),
    RoadClass.SECONDARY: ("#58a3c4", 1.0),
    RoadClass.PRIMARY: ("#7fdcd8", 1.4),
    RoadClass.TRUNK: ("#f2c063", 1.8),
    RoadClass.MOTORWAY: ("#f2825b", 2.2),
}
"""Colour and line width of each class, in the order in which they are drawn."""
WIDTH_IN = 12.0
FULL_WIDTH_M = 15_000.0
SMALL_PRINT = 170
SYNTHESISED = "Synthesised network: our own drawing, not a survey."


def picture(subject: City | Network, path: Path | str, *, title: str | None = None) -> None:
    """Draw the streets by class, dark, as a PNG.

    Parameters
    ----------
    subject
        A network, or the city that holds it: then stations, hospitals, the notice and the
        attribution are shown as well.
    path
        File to write.
    title
        Heading; the city's name if left out.
    """
    city = subject if isinstance(subject, City) else None
    network = subject.network if isinstance(subject, City) else subject
    wide = max(float(np.ptp(network.geom_x)), 1.0)
    tall = max(float(np.ptp(network.geom_y)), 1.0)
    height = float(np.clip(WIDTH_IN * tall / wide, 5.0, 15.0)) + 1.4
    figure = Figure(figsize=(WIDTH_IN, height), facecolor=GROUND, dpi=150)
    axes = figure.add_axes((0.02, 0.8 / height, 0.96, 1.0 - 1.5 / height), facecolor=GROUND)
    axes.set_aspect("equal")
    axes.set_axis_off()
    _draw_roads(axes, network, thin=float(np.clip(FULL_WIDTH_M / wide, 0.45, 1.0)))
    if city is not None:
        _draw_places(axes, city)
    axes.margins(0.02)
    axes.autoscale_view()
    axes.autoscale(enable=False)
    _draw_scale(axes, wide)
    axes.legend(
        loc="lower right", facecolor=GROUND, edgecolor=GROUND, fontsize=8, labelcolor=INK
    ).set_zorder(20)
    name = "Roads" if city is None else city.meta.title.get("en", city.meta.name)
    km = float(network.link_length.sum()) / 1000.0
    facts = (
        f"{network.n_nodes:,} nodes   {network.n_links:,} links   {km:,.0f} km   "
        f"{network.n_signals:,} signals"
    )
    top, bottom = 1.0 - 0.4 / height, 0.4 / height
    figure.text(0.03, top, title or name, color=INK, fontsize=20, weight="bold", va="center")
    figure.text(0.97, top, facts, color=FAINT, fontsize=10, va="center", ha="right")
    figure.text(0.03, bottom, _small_print(city), color=FAINT, fontsize=9, va="center")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png", facecolor=GROUND)


def _small_print(city: City | None) -> str:
    if city is None:
        return ""
    notice = city.meta.notice.get("en", SYNTHESISED if city.meta.synthesised else "")
    sources = shorten("; ".join(city.meta.attribution), width=SMALL_PRINT, placeholder=" ...")
    return "\n".join(part for part in (notice, sources) if part)


def _draw_roads(axes: Axes, network: Network, *, thin: float) -> None:
    points = np.stack([network.geom_x, network.geom_y], axis=1)
    ptr = network.geom_ptr
    # Both directions of a road lie on each other, and one of them is enough.
    twin = opposite_links(network)
    seen = (twin < 0) | (np.arange(network.n_links) < twin)
    for layer, (kind, (colour, width)) in enumerate(STYLE.items(), start=1):
        links = np.flatnonzero((network.link_class == kind) & seen)
        if len(links):
            lines = [points[ptr[k] : ptr[k + 1]] for k in links.tolist()]
            axes.add_collection(
                LineCollection(
                    lines,
                    colors=colour,
                    linewidths=width * thin,
                    capstyle="round",
                    zorder=layer,
                    label=kind.name.lower(),
                )
            )


def _draw_places(axes: Axes, city: City) -> None:
    locator = Locator(city.network)
    for table, colour, marker, label in (
        ("stations", "#ffffff", "o", "stations"),
        ("hospitals", "#ff5d8f", "P", "hospitals"),
    ):
        places = city.tables.get(table)
        if places is None or not len(places):
            continue
        x, y = locator.xy(places["link"].to_numpy(), places["pos_m"].to_numpy())
        axes.scatter(
            x,
            y,
            s=26,
            c=colour,
            marker=marker,
            edgecolors=GROUND,
            linewidths=0.8,
            zorder=12,
            label=label,
        )


def _draw_scale(axes: Axes, wide_m: float) -> None:
    """Draw a bar of a round length, about a fifth of the width."""
    rough = wide_m / 5.0
    unit = 10.0 ** np.floor(np.log10(rough))
    length = float(unit * max(step for step in (1, 2, 5) if step * unit <= rough))
    left, _ = axes.get_xlim()
    low, high = axes.get_ylim()
    x, y = left + 0.02 * wide_m, low + 0.03 * (high - low)
    axes.plot([x, x + length], [y, y], color=INK, linewidth=2.0, solid_capstyle="butt", zorder=20)
    text = f"{length / 1000.0:g} km" if length >= 1000.0 else f"{length:g} m"
    axes.text(
        x + length / 2.0,
        y + 0.012 * (high - low),
        text,
        color=INK,
        fontsize=9,
        ha="center",
        zorder=20,
    )
