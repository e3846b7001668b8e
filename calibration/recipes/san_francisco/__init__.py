"""San Francisco from public files: streets, stations, hospitals, demand and recorded calls."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from calibration.feeds.cad import read_cad
from calibration.feeds.calls import calls_of, note_chains
from calibration.feeds.mapping import load_mapping
from calibration.intervals import fit_held_out
from calibration.recipes.recipe import Progress, Recipe, assumptions
from calibration.recipes.san_francisco import demand, fleet, history, roads, zones
from calibration.recipes.san_francisco.files import CALLS, FILES
from twin.city.model import City, Meta

NAME = "san-francisco"


def make(data_dir: Path, tell: Progress) -> City:
    """Return the city of the files that `RECIPE` names."""
    tell("streets")
    network, report = roads.read_roads(data_dir)
    tell("zones and demand")
    zone_table, districts = zones.read_zones(data_dir, network)
    links = zones.zone_links(data_dir, network)
    od, profile = demand.read_demand(data_dir, zone_table)
    tell("recorded calls")
    mapping = load_mapping(NAME)
    feed = read_cad(data_dir / CALLS.path, mapping)
    calls = calls_of(feed)
    note_chains(feed, calls)
    for line in feed.quality.lines():
        tell(line)
    tell("fleet and service times")
    stations = fleet.read_stations(data_dir, network)
    units = fleet.read_units(feed.responses, stations, mapping.timezone)
    fits, _ = fit_held_out(calls, timezone=mapping.timezone, source=mapping.source)
    siren_to = mapping.priorities.siren_to
    service = {
        day: fit.model_copy(update={"siren_to_priority": siren_to}) for day, fit in fits.items()
    }
    past = history.read_history(calls, units, districts)
    n_days = past["t_call"].dt.tz_convert(mapping.timezone).dt.date.nunique()
    tell("rates of calls and collisions")
    tables: dict[str, pd.DataFrame] = {
        "zones": zone_table,
        "zone_links": links,
        "districts": districts,
        "stations": stations,
        "units": units,
        "hospitals": fleet.read_hospitals(data_dir, network),
        "od": od,
        "trip_profile": profile,
        "call_rates": history.call_rates(data_dir, past, zone_table, n_days),
        "call_profile": history.call_profile(past, mapping.timezone),
        "collision_rates": history.collision_rates(network, past, od, links, n_days),
        "history": past,
    }
    meta = Meta(
        name=NAME,
        title={"en": "San Francisco", "ko": "샌프란시스코"},
        timezone=mapping.timezone,
        notice={
            "en": "Streets (c) OpenStreetMap contributors, ODbL. Demand is modelled, not counted.",
            "ko": "도로 (c) OpenStreetMap 기여자, ODbL. 통행량은 실측이 아닌 모형 값입니다.",
        },
        attribution=sorted({f"{file.what}: {file.source} ({file.licence})" for file in FILES}),
        built_by="calibration.recipes.san_francisco",
        assumptions=[
            *assumptions(__file__),
            *(f"Dispatch records: {line}." for line in feed.quality.lines()),
        ],
        known_gaps=[
            (
                "Ambulances drive faster than recorded: their travel times are too short, and so "
                "are the response times. The report of a replayed day shows by how much."
            ),
        ],
    )
    return City(meta, network, tables, service, report)


RECIPE = Recipe(NAME, FILES, make)
