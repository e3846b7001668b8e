"""The corridors whose speeds SFCTA measures every other year, to judge a run by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from calibration.recipes.readers import read_polygons, read_table
from calibration.recipes.recipe import SourceFile, require_files
from calibration.speeds import SpeedScore, corridor_links, corridor_speed, score
from twin.core.clock import HOUR_S
from twin.core.units import MPH
from twin.metrics.road_speeds import link_speeds
from twin.network.graph import Network

SPEEDS = SourceFile(
    "san_francisco/traffic/sfcta_cmp_speeds_1991_2019.csv.gz",
    "speeds of the Congestion Management Program by segment, peak and year",
    "https://github.com/sfcta/prospector (assets/sfcta_cmp_data_2019.zip), SFCTA",
    "Apache-2.0",
)
SEGMENTS = SourceFile(
    "san_francisco/traffic/sfcta_cmp_segments.geojson.gz",
    "segments of the Congestion Management Program",
    "https://github.com/sfcta/prospector (assets/sfcta_cmp_data_2019.zip), SFCTA",
    "Apache-2.0",
)
PEAKS = {"AM": (7.0 * HOUR_S, 9.0 * HOUR_S), "PM": (16.5 * HOUR_S, 18.5 * HOUR_S)}
"""The program's peak periods, seconds of the day."""


def compare(
    data_dir: Path,
    network: Network,
    links: pd.DataFrame,
    *,
    period: str = "AM",
    year: int = 2017,
    span: tuple[float, float] | None = None,
) -> tuple[pd.DataFrame, SpeedScore]:
    """Compare a run's speeds with the measured ones.

    Parameters
    ----------
    data_dir
        Folder of the data files.
    network
        The city's network.
    links
        Table `links` of the run.
    period, year
        Which measurement.
    span
        Seconds of the run to take, when it does not cover the whole peak.

    Returns
    -------
    tuple
        One row a segment (`segment`, `observed_mps`, `simulated_mps`), and the score.

    Raises
    ------
    InputError
        If a file is missing or holds something else.
    ValueError
        If no segment has both speeds.
    """
    require_files(data_dir, (SPEEDS, SEGMENTS))
    table = read_table(
        data_dir / SPEEDS.path,
        {"cmp_segid": "int64", "year": "int64", "period": "str", "auto_speed": "str"},
    )
    rows = table[(table["year"] == year) & (table["period"] == period)]
    observed = pd.to_numeric(rows["auto_speed"], errors="coerce").to_numpy(np.float64) * MPH
    lines = read_polygons(data_dir / SEGMENTS.path, "cmp_segid")
    speeds = link_speeds(links, network.n_links, *(span or PEAKS[period]))
    simulated = [
        corridor_speed(corridor_links(lines[segment], network), speeds)
        if segment in lines
        else np.nan
        for segment in rows["cmp_segid"].tolist()
    ]
    found = pd.DataFrame(
        {"segment": rows["cmp_segid"], "observed_mps": observed, "simulated_mps": simulated}
    ).reset_index(drop=True)
    return found, score(observed, np.array(simulated))
