"""Put the built-in city together, the whole of it or its core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.city.model import City
from twin.city.seoul import emergency
from twin.city.seoul.demand import Demand, Mesh, cordon, gravity, main_roads, peak_use
from twin.city.seoul.facts import fact_table
from twin.city.seoul.geography import Land, draw_land
from twin.city.seoul.notes import describe
from twin.city.seoul.ramps import place_junctions
from twin.city.seoul.roads import Banned, Roads, clip_roads, make_roads, road_lengths
from twin.city.seoul.routes import draw_bridges, draw_expressways, draw_tunnels
from twin.city.seoul.streets import draw_streets
from twin.city.seoul.tables import city_tables
from twin.city.seoul.zones import Zones, draw_zones
from twin.core.random import Streams
from twin.network.build import BuildOptions, build_network
from twin.network.graph import RoadClass
from twin.network.signals import SignalOptions

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SEED = 20_250_305
CORE = ("Jongno-gu", "Jung-gu", "Yongsan-gu", "Seodaemun-gu", "Mapo-gu", "Yeongdeungpo-gu")
BLOCK_M2 = (28_000.0, 62_000.0)
"""Smallest and largest block: the densest and the sparsest gu, square metres."""
CYCLES_S = (90.0, 120.0, 150.0)
"""Signal cycles of small, medium and large junctions; Seoul runs long ones (assumed), seconds."""
LOCAL_SHARE = {RoadClass.TERTIARY: 0.12, RoadClass.RESIDENTIAL: 0.06}
"""Vehicle-km on small streets, which the assignment leaves out, against the rest (assumed)."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole city before the network's clean-up."""

    land: Land
    roads: Roads
    banned: Banned
    zones: Zones
    mesh: Mesh
    demand: Demand


def build_seoul(*, core: bool = False, progress: Progress | None = None) -> City:
    """Return the synthesised city; the same bits every time.

    Parameters
    ----------
    core
        Only the gu of `CORE`, with the traffic that passes through them.
    progress
        Called with what is being done.
    """
    say = progress or _silent
    return finish_city(draw_city(say), core=core, say=say)


def _silent(_: str) -> None:
    pass


def finish_city(drawing: Drawing, *, core: bool, say: Progress = _silent) -> City:
    """Return the city, or its core, of a drawing."""
    roads, banned, demand = drawing.roads, drawing.banned, drawing.demand
    zones, land = drawing.zones, drawing.land
    chosen = np.arange(len(zones.x))
    if core:
        say("cutting out the core")
        inside, chosen = _core(drawing)
        demand = cordon(roads, drawing.mesh, demand, inside, chosen)
        roads, banned = clip_roads(roads, banned, inside)
    say("cleaning the network")
    options = BuildOptions(
        origin=(land.projection.lon0, land.projection.lat0),
        signals=SignalOptions(cycles_s=CYCLES_S),
        right_on_red=True,
    )
    network, report = build_network(roads.raw(land, banned), options=options)
    say("placing people and stations")
    km = vehicle_km(drawing)
    return City(
        meta=describe(core=core),
        network=network,
        tables=city_tables(land, zones, chosen, demand, network, km),
        service={"": emergency.service()},
        build=report,
    )


def draw_city(say: Progress = _silent) -> Drawing:
    """Return the drawing of the whole city and its demand."""
    streams = Streams(SEED)
    say("drawing the ground")
    land = draw_land()
    bridges, approaches = draw_bridges(land)
    routes = bridges + draw_expressways(land) + draw_tunnels(land)
    say("drawing the streets")
    streets = draw_streets(land, _block_sizes(), approaches, streams)
    say("drawing expressways and bridges")
    junctions = place_junctions(routes, streets)
    roads, banned = make_roads(streets, routes, junctions, streams)
    say("finding who drives where")
    zones = draw_zones(land, streets.x, streets.y, streams)
    mesh = main_roads(roads, zones)
    return Drawing(land, roads, banned, zones, mesh, gravity(roads, zones, mesh))


def _block_sizes() -> F64:
    """Return the size of a block in each gu, small where many live and work."""
    table = fact_table("gu")
    people = table["population"].to_numpy(float) + 1_000.0 * table["jobs_thousand"].to_numpy(float)
    dense = people / table["area_km2"].to_numpy(float)
    rank = np.argsort(np.argsort(-dense, kind="stable"), kind="stable") / (len(dense) - 1)
    return np.asarray(BLOCK_M2[0] + (BLOCK_M2[1] - BLOCK_M2[0]) * rank)


def _core(drawing: Drawing) -> tuple[NDArray[np.bool_], I64]:
    """Return which nodes and which zones are in the core."""
    names = fact_table("gu")["en"].tolist()
    rows = [names.index(name) for name in CORE]
    area = shapely.union_all([drawing.land.gu[k] for k in rows]).buffer(250.0).buffer(-100.0)
    points = shapely.points(np.array(drawing.roads.x), np.array(drawing.roads.y))
    zone_in = np.flatnonzero(np.isin(drawing.zones.gu, rows))
    return np.asarray(shapely.contains(area, points)), zone_in


def vehicle_km(drawing: Drawing) -> F64:
    """Return vehicle-km of a weekday by `RoadClass` in the whole city."""
    roads = drawing.roads
    flow = peak_use(roads, drawing.mesh, drawing.demand)
    km = np.bincount(
        np.array(roads.rank), weights=flow * road_lengths(roads) / 1_000.0, minlength=len(RoadClass)
    )
    main = km.sum()
    for kind, share in LOCAL_SHARE.items():
        km[kind] += share * main
    return np.asarray(km)
