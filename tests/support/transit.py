"""A line round part of a grid, as tables and as a GTFS feed, and files with one thing wrong."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from twin.network.generate import grid
from twin.network.graph import Network
from twin.network.locate import Locator

NODES = (0, 1, 2, 3, 7, 11)
"""Junctions that the line passes: along the south of the grid, then north."""

Files = dict[str, str]


def streets() -> Network:
    return grid(4, 4, 200.0, 2, 12.0, signals=False)


def route_of(network: Network) -> list[int]:
    """Return the links of the line."""
    ends = list(zip(network.link_from.tolist(), network.link_to.tolist(), strict=True))
    return [ends.index(pair) for pair in pairwise(NODES)]


def places(network: Network, *, aside_m: float = 6.0) -> list[tuple[float, float]]:
    """Return longitude and latitude of a stop in the middle of each link, right of the road."""
    locator, out = Locator(network), []
    for link in route_of(network):
        x, y = locator.xy([link, link, link], [99.0, 100.0, 101.0])
        dx, dy = x[2] - x[0], y[2] - y[0]
        norm = float(np.hypot(dx, dy))
        lon, lat = locator.projection.inverse(
            np.array([x[1] + aside_m * dy / norm]), np.array([y[1] - aside_m * dx / norm])
        )
        out.append((float(lon[0]), float(lat[0])))
    return out


def tables(network: Network) -> Files:
    """Return the files of a line whose buses come every 5 minutes."""
    rows = [
        f"7,Stop {n},{network.link_id[link]},100,{60 * n},{int(n == 2)}"
        for n, link in enumerate(route_of(network))
    ]
    return {
        "stops.csv": "line,stop,link,pos_m,after_s,timing\n" + "\n".join(rows) + "\n",
        "departures.csv": "line,from,until,every_s,depart\n7,08:00,08:20,300,\n7,,,,08:30\n",
        "lines.csv": "line,board_s,doors_s\n7,2.0,5\n",
    }


def feed(network: Network) -> Files:
    """Return the files of a feed with the same line, one trip by time and one every 10 minutes."""
    at = places(network)
    stops = [f"S{n},Stop {n},{lat!r},{lon!r},0" for n, (lon, lat) in enumerate(at)]
    stops.append("P,Station,,,1")
    times = [
        f"{trip},{n},S{n},{_clock(trip, 60 * n)},{_clock(trip, 60 * n + 20)}"
        for trip in ("A", "B")
        for n in range(len(at))
    ]
    # Between two that are given, times are spread.
    times[2] = "A,2,S2,,"
    return {
        "stops.txt": "stop_id,stop_name,stop_lat,stop_lon,location_type\n" + _lines(stops),
        "routes.txt": "route_id,route_short_name,route_type\nR7,7,3\nM,Metro,1\n",
        "trips.txt": "route_id,service_id,trip_id\nR7,W,A\nR7,W,B\nR7,H,C\nM,W,D\n",
        "stop_times.txt": "trip_id,stop_sequence,stop_id,arrival_time,departure_time\n"
        + _lines(times),
        "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
        "start_date,end_date\nW,1,1,1,1,1,0,0,20250101,20251231\nH,0,0,0,0,0,0,1,20250101,20251231\n",
        "calendar_dates.txt": "service_id,date,exception_type\nW,20250306,2\n",
        "frequencies.txt": "trip_id,start_time,end_time,headway_secs\nB,09:00:00,09:30:00,600\n",
    }


def _clock(trip: str, after: int) -> str:
    seconds = (8 if trip == "A" else 6) * 3600 + after
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _lines(rows: list[str]) -> str:
    return "\n".join(rows) + "\n"


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_zip(path: Path, files: Files, *, inside: str = "") -> Path:
    with ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(inside + name, text)
    return path
