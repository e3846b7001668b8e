"""A tiny city, scenario and run, made by hand: no builder, no traffic, no agents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from twin.city.model import TABLES, City, Meta
from twin.metrics.intervals import interval_table
from twin.metrics.summary import summarise
from twin.network.graph import Network
from twin.recording.store import RunWriter
from twin.scenarios.spec import Scenario

_DTYPES = {"str": "str", "bytes": "object", "timestamp": "datetime64[ns, UTC]"}


def ring_network(n: int = 6) -> Network:
    """Return a two-way ring of `n` nodes; link k and k + n join node k and its successor."""
    angle = 2 * np.pi * np.arange(n) / n
    x, y = 1000 * np.cos(angle), 1000 * np.sin(angle)
    here, there = np.arange(n), (np.arange(n) + 1) % n
    start = np.concatenate([here, there]).astype(np.int32)
    end = np.concatenate([there, here]).astype(np.int32)
    links = 2 * n
    turn_to = np.concatenate([(here + 1) % n, (here - 1) % n + n]).astype(np.int32)
    f32, i32, u8 = np.float32, np.int32, np.uint8
    return Network(
        lon0=127.0,
        lat0=37.5,
        node_id=np.arange(n, dtype=np.int64),
        node_lon=127.0 + x / 88_000,
        node_lat=37.5 + y / 111_000,
        node_x=x,
        node_y=y,
        node_signal=np.full(n, -1, i32),
        link_id=np.arange(100, 100 + links, dtype=np.int64),
        link_from=start,
        link_to=end,
        link_length=np.full(links, 1000, f32),
        link_speed=np.full(links, 13.9, f32),
        link_lanes=np.full(links, 2, u8),
        link_capacity=np.full(links, 3600, f32),
        link_class=np.full(links, 2, u8),
        link_name=np.where(np.arange(links) % n == 0, 0, -1).astype(i32),
        geom_ptr=np.arange(0, 2 * links + 1, 2, dtype=i32),
        geom_x=np.column_stack([x[start], x[end]]).ravel().astype(f32),
        geom_y=np.column_stack([y[start], y[end]]).ravel().astype(f32),
        turn_ptr=np.arange(links + 1, dtype=i32),
        turn_to=turn_to,
        turn_kind=np.zeros(links, u8),
        turn_lane_lo=np.zeros(links, u8),
        turn_lane_hi=np.ones(links, u8),
        turn_group=np.full(links, -1, i32),
        turn_yield=np.zeros(links, u8),
        foe_ptr=np.zeros(links + 1, i32),
        foe_turn=np.zeros(0, i32),
        signal_node=np.zeros(0, i32),
        signal_cycle=np.zeros(0, f32),
        signal_offset=np.zeros(0, f32),
        group_signal=np.zeros(0, i32),
        group_green_from=np.zeros(0, f32),
        group_green_to=np.zeros(0, f32),
        names=("마포대교 Mapo Bridge",),
    )


def _table(name: str, rows: dict[str, list]) -> pd.DataFrame:
    types = {column: _DTYPES.get(kind, kind) for column, kind in TABLES[name].items()}
    return pd.DataFrame(rows or {c: [] for c in types}, columns=list(types)).astype(types)


def small_city(*, name: str = "ringville", title: str = "Ringville") -> City:
    """Return a synthesised city with two districts, two stations and one hospital."""
    squares = [shapely.box(126.98, 37.48, 127.0, 37.52), shapely.box(127.0, 37.48, 127.02, 37.52)]
    rows: dict[str, dict[str, list]] = {
        "districts": {
            "district": ["west", "east"],
            "name_en": ["West", "East"],
            "name_ko": ["서구", "동구"],
            "polygon_wkb": [shapely.to_wkb(s) for s in squares],
        },
        "stations": {
            "station_id": ["s1", "s2"],
            "name": ["One", "Two"],
            "kind": ["ems", "both"],
            "lon": [126.99, 127.01],
            "lat": [37.5, 37.5],
            "link": [0, 3],
            "pos_m": [10.0, 10.0],
        },
        "units": {
            "unit_id": ["a1", "a2"],
            "kind": ["ambulance", "ambulance"],
            "station_id": ["s1", "s2"],
            "on_s": [0.0, 0.0],
            "off_s": [0.0, 0.0],
        },
        "hospitals": {
            "hospital_id": ["h1"],
            "name": ["General"],
            "lon": [127.0],
            "lat": [37.505],
            "link": [1],
            "pos_m": [500.0],
            "level": ["regional"],
            "capabilities": ["emergency"],
            "open": [True],
        },
    }
    return City(
        meta=Meta(
            name=name,
            title={"en": title},
            timezone="Asia/Seoul",
            synthesised=True,
            notice={"en": "Synthesised network, not a survey."},
            attribution=["Twin"],
            assumptions=["Every street is two lanes."],
        ),
        network=ring_network(),
        tables={table: _table(table, rows.get(table, {})) for table in TABLES},
    )


def small_scenario(**fields) -> Scenario:
    """Return a scenario of the small city."""
    return Scenario.model_validate({"name": "ring", "city": "ringville", **fields})


def calls_rows(seed: int = 0, n: int = 40, faster_s: float = 0.0) -> pd.DataFrame:
    """Return `n` finished calls; `faster_s` is taken off every response."""
    rng = np.random.default_rng(seed)
    t_call = np.sort(rng.uniform(64_800, 68_400, n))
    response = rng.lognormal(6.0, 0.4, n) - faster_s
    east = rng.random(n) < 0.5
    onscene = t_call + response
    return pd.DataFrame(
        {
            "call_id": [f"c{k:03d}" for k in range(n)],
            "kind": np.where(rng.random(n) < 0.8, "medical", "fire"),
            "priority": rng.integers(1, 4, n).astype(np.int32),
            "lon": np.where(east, 127.01, 126.99) + rng.normal(0, 0.003, n),
            "lat": 37.5 + rng.normal(0, 0.005, n),
            "district": np.where(east, "east", "west"),
            "t_call": t_call,
            "t_dispatch": t_call + 60,
            "t_enroute": t_call + 90,
            "t_onscene": onscene,
            "t_leave": onscene + 600,
            "t_hospital": onscene + 900,
            "t_clear": onscene + 1500,
            "t_base": onscene + 1800,
            "response_s": response,
            "unit_id": np.where(east, "a2", "a1"),
            "hospital_id": "h1",
            "transported": True,
            "fate": "closed",
        }
    )


def small_run(
    folder: Path, *, seed: int = 0, faster_s: float = 0.0, city: City | None = None, **scenario
) -> Path:
    """Write a finished run of made-up calls and return its folder."""
    city = city or small_city()
    with RunWriter(folder, small_scenario(**scenario), city, command=["twin", "run"]) as writer:
        calls = calls_rows(seed, faster_s=faster_s)
        writer.columns("calls", **{c: calls[c].to_numpy() for c in calls})
        for row in calls.itertuples():
            for t, state in (
                (row.t_dispatch, "turnout"),
                (row.t_enroute, "to_scene"),
                (row.t_onscene, "on_scene"),
                (row.t_leave, "transporting"),
                (row.t_hospital, "at_hospital"),
                (row.t_clear, "returning"),
                (row.t_base, "idle"),
            ):
                writer.row(
                    "unit_events",
                    t=t,
                    unit_id=row.unit_id,
                    kind="ambulance",
                    state=state,
                    call_id=row.call_id,
                    lon=row.lon,
                    lat=row.lat,
                )
        for minute in range(60):
            writer.row(
                "pulse",
                t=64_800.0 + 60 * minute,
                vehicles=100 + minute,
                waiting_to_insert=0,
                inserted=200,
                finished=100,
                removed=0,
                mean_speed_mps=9.0,
                units_busy=minute % 3,
                calls_waiting=0,
            )
        summary = {
            "scenario": writer.meta["scenario"]["name"],
            "city": city.meta.name,
            "synthesised": True,
            "seed": 1,
            "replication": 0,
            "run": str(folder),
            **summarise(calls, 68_400.0),
            "intervals": interval_table(calls, None),
            "vehicles": {
                "inserted": 1,
                "finished": 1,
                "running": 0,
                "waiting": 0,
                "removed": 0,
                "without_route": 6,
                "detoured": 7,
                "cleared_red": 8,
                "turned_on_red": 9,
            },
            "real_time_factor": 10.0,
            "peak_rss_mb": 100.0,
        }
        writer.finish(summary, {"decide": 1.0, "move": 2.0})
    return folder
