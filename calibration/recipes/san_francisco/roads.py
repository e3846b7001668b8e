"""The streets: OpenStreetMap's tertiary roads and above, with both ends of the bridges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.recipes.san_francisco.files import EDGES, NODES
from twin.core.units import MPH
from twin.network.build import BuildOptions, BuildReport, RawRoads, build_network
from twin.network.graph import Network, RoadClass
from twin.network.signals import SignalOptions
from twin.network.tables import read_tables

# Far enough beyond the city line for each freeway to keep an exit where it can be left and joined;
# a one-way carriageway that is cut off would fall out of the strongly connected part.
BOX = (-122.52, 37.685, -122.355, 37.845)
ORIGIN = (-122.44, 37.765)
# The city's signals run mostly in two stages with permitted left turns, on short cycles.
SIGNALS = SignalOptions(cycles_s=(60.0, 60.0, 90.0), protected_left=False)
MAPPING = Path(__file__).parent / "roads.toml"


def read_roads(data_dir: Path) -> tuple[Network, BuildReport]:
    """Return the network of the city and what was done to clean it."""
    raw = read_tables(data_dir / NODES.path, data_dir / EDGES.path, MAPPING)
    raw = clip(raw, BOX)
    kind, ramp = classes(raw.link_speed, raw.link_lanes)
    raw = replace(raw, link_class=kind, link_ramp=ramp)
    options = BuildOptions(origin=ORIGIN, signals=SIGNALS, right_on_red=True)
    network, report = build_network(raw, options=options)
    return option_lanes(network), report


def option_lanes(network: Network) -> Network:
    """Let one lane more on either side take each branch of a motorway fork.

    Forks of several lanes have lanes from which both branches may be taken; the tables have no
    lane markings, and without such lanes every driver would have to sort in before the fork.
    """
    motorway = network.link_class == RoadClass.MOTORWAY
    start = network.turn_from
    exits = np.diff(network.turn_ptr)[start]
    fork = motorway[start] & motorway[network.turn_to] & (exits > 1)
    low = network.turn_lane_lo.astype(np.int64) - fork
    high = network.turn_lane_hi.astype(np.int64) + fork
    last = network.link_lanes[start].astype(np.int64) - 1
    return replace(
        network,
        turn_lane_lo=np.maximum(low, 0).astype(np.uint8),
        turn_lane_hi=np.minimum(high, last).astype(np.uint8),
    )


def clip(raw: RawRoads, box: tuple[float, float, float, float]) -> RawRoads:
    """Return the nodes inside a box (west, south, east, north) and the links between them."""
    west, south, east, north = box
    lon, lat = raw.node_lon, raw.node_lat
    nodes = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    kept = raw.node_id[nodes]
    links = np.isin(raw.link_from, kept) & np.isin(raw.link_to, kept)
    # A loop of a few metres is a drawing artefact, and links must join two junctions.
    links &= raw.link_from != raw.link_to
    per_link = {
        name: getattr(raw, name)[links]
        for name in (
            *("link_id", "link_from", "link_to", "link_length", "link_speed", "link_lanes"),
            *("link_class", "link_ramp", "link_roundabout", "link_name"),
        )
    }
    count = int(links.sum())
    return replace(
        raw,
        node_id=kept,
        node_lon=lon[nodes],
        node_lat=lat[nodes],
        node_signal=raw.node_signal[nodes],
        geom_ptr=np.zeros(count + 1, np.int64),
        geom_lon=np.zeros(0),
        geom_lat=np.zeros(0),
        **per_link,
    )


def classes(
    speed_mps: NDArray[np.float64], lanes: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the road class of each link, and which are slip roads, by a stated rule.

    From 47 mph a link is a motorway; from 40 a trunk; from 35 a primary road. Below, where the
    city's default of 25 mph says little, lanes decide: three are a primary road, two a secondary,
    one a tertiary; under 18 mph it is residential. A motorway of at most 52 mph and two lanes (50
    mph stands for every slip road), or a trunk of one lane, is a slip road: it gives way.
    """
    mph = np.round(speed_mps / MPH)
    kind = np.select(
        [mph >= 47, mph >= 40, mph >= 35, mph < 18, lanes >= 3, lanes == 2],
        [
            RoadClass.MOTORWAY,
            RoadClass.TRUNK,
            RoadClass.PRIMARY,
            RoadClass.RESIDENTIAL,
            RoadClass.PRIMARY,
            RoadClass.SECONDARY,
        ],
        default=RoadClass.TERTIARY,
    )
    ramp = (mph >= 47) & (mph <= 52) & (lanes <= 2)
    ramp |= (mph >= 40) & (mph < 47) & (lanes == 1)
    return kind.astype(np.uint8), ramp
