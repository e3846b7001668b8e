"""A small city and a recorded run of it, made without running anything: what the page is tested on.

Vehicles wander over a grid at speeds that fall in the middle of the run; eight units answer eight
calls. All of it is drawn from one fixed seed, and written by the same `RunWriter` as a real run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from twin.agents.states import STAGES, UnitState
from twin.city.bundle import empty_table, save_city
from twin.city.model import TABLES, City, Meta
from twin.network.generate import grid
from twin.network.geometry import Projection
from twin.recording.store import RunWriter, frame_box
from twin.scenarios.spec import Scenario

START_S = 63_000.0
END_S = START_S + 1_200.0
FRAME_S = 10.0
LINKS_S = 300.0
VEHICLES = 500
ROWS, COLS = 10, 14
SPACING_M = 220.0
NOTICE = {"en": "A made-up city for tests", "ko": "시험용으로 만든 도시"}


@dataclass
class Call:
    """One call of the made-up run, with every stamp it reaches before the run ends."""

    call_id: str
    kind: str
    priority: int
    x: float
    y: float
    unit: str
    hospital: str
    stamps: list[float]


def make_city(folder: Path) -> City:
    """Make the city and store it."""
    network = grid(ROWS, COLS, SPACING_M, lanes=2)
    rng = np.random.default_rng(3)
    tables = {name: empty_table(name) for name in TABLES}
    nodes = rng.choice(network.n_nodes, 7, replace=False)
    lon, lat = network.node_lon[nodes], network.node_lat[nodes]
    link = np.array([int(np.flatnonzero(network.link_from == node)[0]) for node in nodes])
    tables["stations"] = pd.DataFrame(
        {
            "station_id": ["S1", "S2", "S3"],
            "name": ["종로 119안전센터", "중부 119안전센터", "Harbour station"],
            "kind": ["ems", "both", "fire"],
            "lon": lon[:3],
            "lat": lat[:3],
            "link": link[:3].astype(np.int32),
            "pos_m": np.zeros(3, np.float32),
        }
    )
    tables["hospitals"] = pd.DataFrame(
        {
            "hospital_id": ["H1", "H2"],
            "name": ["서울대학교병원", "City General Hospital"],
            "lon": lon[3:5],
            "lat": lat[3:5],
            "link": link[3:5].astype(np.int32),
            "pos_m": np.zeros(2, np.float32),
            "level": ["regional", "local"],
            "capabilities": ["emergency trauma pci", "emergency"],
            "open": [True, True],
        }
    )
    tables["units"] = pd.DataFrame(
        {
            "unit_id": ["A1", "A2", "A3", "A4", "A5", "A6", "E1", "E2"],
            "kind": ["ambulance"] * 6 + ["engine"] * 2,
            "station_id": ["S1", "S1", "S1", "S2", "S2", "S2", "S2", "S3"],
            "on_s": np.zeros(8),
            "off_s": np.zeros(8),
        }
    )
    tables["districts"] = _districts()
    meta = Meta(
        name="toytown",
        title={"en": "Toytown", "ko": "장난감 도시"},
        timezone="Asia/Seoul",
        synthesised=True,
        notice=NOTICE,
        attribution=["Own drawing"],
    )
    city = City(meta=meta, network=network, tables=tables)
    save_city(city, folder)
    return city


def _districts() -> pd.DataFrame:
    projection = Projection(0.0, 0.0)
    half_x, half_y = COLS * SPACING_M / 2, ROWS * SPACING_M / 2
    shapes = []
    for west, east in ((-half_x, 0.0), (0.0, half_x)):
        ring = np.array(
            [(west, -half_y), (east, -half_y), (east, half_y), (west, half_y), (west, -half_y)]
        )
        lon, lat = projection.inverse(ring[:, 0], ring[:, 1])
        shapes.append(shapely.to_wkb(shapely.Polygon(np.column_stack([lon, lat]))))
    return pd.DataFrame(
        {
            "district": ["west", "east"],
            "name_en": ["West", "East"],
            "name_ko": ["서구", "동구"],
            "polygon_wkb": shapes,
        }
    )


CHANGES: list[dict[str, Any]] = [
    {"kind": "close-links", "links": [40, 41], "at": "17:35", "until": "17:40"},
    {"kind": "close-links", "links": [60], "lanes": 1},
    {
        "kind": "add-station",
        "station_id": "S9",
        "name": "신설119안전센터",
        "lon": 0.002,
        "lat": 0.001,
    },
    {"kind": "add-units", "station": "S9"},
    {"kind": "move-units", "units": ["A3"], "to": "S9"},
    {"kind": "close-hospital", "hospital": "H1", "mode": "divert", "at": "17:36"},
]
"""A what-if of the made-up city: what the map must mark."""


def scenario(
    city_folder: Path,
    name: str = "toytown-evening",
    *,
    fidelity: str = "micro",
    changes: Sequence[dict[str, Any]] = (),
) -> Scenario:
    """Return the scenario that the run claims to be of."""
    return Scenario.model_validate(
        {
            "name": name,
            "traffic": {"fidelity": fidelity},
            "changes": list(changes),
            "title": {"en": "Toytown, evening", "ko": "장난감 도시의 저녁"},
            "city": str(city_folder),
            "period": {"start": "17:30", "end": "17:50", "warm_up_min": 0.0},
            "record": {"frame_every_s": FRAME_S, "links_every_s": LINKS_S},
        }
    )


def make_calls(city: City) -> list[Call]:
    """Draw the calls; the unit that answers each is the next in turn."""
    rng = np.random.default_rng(5)
    network = city.network
    kinds = ["medical", "medical", "fire", "medical", "collision", "medical", "medical", "medical"]
    ambulances, engines = [f"A{n}" for n in range(1, 7)], ["E1", "E2"]
    calls = []
    for number, kind in enumerate(kinds):
        node = int(rng.integers(network.n_nodes))
        unit = engines[number % 2] if kind == "fire" else ambulances[number % 6]
        gaps = [0, 45, 60, 150 + 40 * (number % 3), 240, 160, 200]
        stamps = [s for s in START_S + 40 + 130 * number + np.cumsum(gaps) if s <= END_S]
        calls.append(
            Call(
                call_id=f"{number + 1:04d}",
                kind=kind,
                priority=1 + number % 3,
                x=float(network.node_x[node]),
                y=float(network.node_y[node]),
                unit=unit,
                hospital=f"H{1 + number % 2}",
                stamps=[float(s) for s in stamps],
            )
        )
    return calls


def write_run(folder: Path, city: City, spec: Scenario) -> RunWriter:
    """Write the tables of the whole run into a folder, and leave the run going."""
    writer = RunWriter(folder, spec, city, pause_s=0.0)  # as if minutes went by between the parts
    calls = make_calls(city)
    if spec.traffic.fidelity == "micro":
        _vehicles(writer, city)
    else:
        _no_vehicles(writer)
    _calls(writer, city, calls)
    _units(writer, city, calls)
    return writer


def make_run(folder: Path, city: City, spec: Scenario) -> Path:
    """Write a finished run."""
    return write_run(folder, city, spec).finish({"calls": 8}, {"total_s": 1.0})


def _vehicles(writer: RunWriter, city: City) -> None:
    """Let vehicles wander from node to node, slower around the middle of the run."""
    rng = np.random.default_rng(7)
    network = city.network
    box = frame_box(network)
    link = rng.integers(network.n_links, size=VEHICLES)
    along = rng.random(VEHICLES)
    own = rng.uniform(0.6, 1.1, VEHICLES)
    seen = np.zeros(network.n_links)
    out = [
        network.turn_to[network.turn_ptr[k] : network.turn_ptr[k + 1]]
        for k in range(network.n_links)
    ]
    for t in np.arange(START_S, END_S + 1.0, FRAME_S):
        share = 1.0 - 0.75 * np.exp(-(((t - START_S - 600.0) / 250.0) ** 2))
        crowd = 0.35 + 0.65 * (network.link_from[link] % 3 == 0)
        speed = 13.9 * own * share * crowd
        along = along + speed * FRAME_S / network.link_length[link]
        for v in np.flatnonzero(along >= 1.0):
            ways = out[link[v]]
            link[v] = int(ways[rng.integers(len(ways))])
            along[v] -= 1.0
        along = np.minimum(along, 1.0)
        start, end = network.link_from[link], network.link_to[link]
        x = network.node_x[start] * (1 - along) + network.node_x[end] * along
        y = network.node_y[start] * (1 - along) + network.node_y[end] * along
        on = np.arange(VEHICLES) < VEHICLES * (0.6 + 0.4 * (1.0 - share))
        writer.columns(
            "frames",
            t=float(t),
            vehicle=np.flatnonzero(on).astype(np.int32),
            x=_scaled(x[on], box["x0"], box),
            y=_scaled(y[on], box["y0"], box),
            speed=np.minimum(speed[on] * 4, 255).astype(np.uint8),
        )
        writer.row(
            "pulse",
            t=float(t),
            vehicles=int(on.sum()),
            waiting_to_insert=0,
            inserted=int(on.sum()),
            finished=0,
            removed=0,
            mean_speed_mps=float(speed[on].mean()),
            units_busy=int(2 + 2 * np.sin((t - START_S) / 200.0)),
            calls_waiting=0,
        )
        seen[link] = speed
        if t > START_S and (t - START_S) % LINKS_S == 0:
            used = np.flatnonzero(seen)
            writer.columns(
                "links",
                t=float(t),
                link=used.astype(np.int32),
                vehicles=np.ones(len(used), np.float32),
                speed_mps=seen[used].astype(np.float32),
                left=np.ones(len(used), np.int32),
            )


def _no_vehicles(writer: RunWriter) -> None:
    """Let the pulse beat once a minute, as in a run that takes drives from a table."""
    for t in np.arange(START_S, END_S + 1.0, 60.0):
        writer.row(
            "pulse",
            t=float(t), vehicles=0, waiting_to_insert=0, inserted=0, finished=0, removed=0,
            mean_speed_mps=None, units_busy=0, calls_waiting=0,
        )  # fmt: skip


def _scaled(
    value: np.ndarray[tuple[int], np.dtype[np.float64]], low: float, box: dict[str, float]
) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    return np.clip(np.rint((value - low) / box["side_m"] * 65_535), 0, 65_535).astype(np.uint16)


_STATES = [
    None,
    UnitState.TURNOUT,
    UnitState.TO_SCENE,
    UnitState.ON_SCENE,
    UnitState.TRANSPORTING,
    UnitState.AT_HOSPITAL,
    UnitState.RETURNING,
]
_NAMES = ["t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"]


def _calls(writer: RunWriter, city: City, calls: list[Call]) -> None:
    projection = Projection(city.network.lon0, city.network.lat0)
    for call in calls:
        lon, lat = (float(value) for value in projection.inverse(call.x, call.y))
        stages = [s for s in STAGES[call.kind] if s != "closed"][:6]
        done = len(call.stamps) == 7
        for t, stage in zip(call.stamps[:6], stages, strict=False):
            writer.row(
                "incident_events",
                t=t, call_id=call.call_id, kind=call.kind, stage=stage, lon=lon, lat=lat,
            )  # fmt: skip
        if done:
            writer.row(
                "incident_events",
                t=call.stamps[6], call_id=call.call_id, kind=call.kind, stage="closed",
                lon=lon, lat=lat,
            )  # fmt: skip
        stamps = dict(zip(_NAMES, call.stamps, strict=False))
        transported = call.kind != "fire" and "t_hospital" in stamps
        on_scene = stamps.get("t_onscene")
        writer.row(
            "calls",
            call_id=call.call_id, kind=call.kind, priority=call.priority, lon=lon, lat=lat,
            district="West" if call.x < 0 else "East", **stamps,
            response_s=None if on_scene is None else on_scene - call.stamps[0],
            unit_id=call.unit, carrier_id=call.unit if transported else None,
            hospital_id=call.hospital if transported else None,
            transported=transported, fate="closed" if done else "open",
        )  # fmt: skip
        others = [unit for unit in ("A1", "A2", "A3", "A4") if unit != call.unit][:2]
        writer.columns(
            "decisions",
            t=call.stamps[1], call_id=call.call_id, policy="closest-idle",
            unit_id=[call.unit, *others], eta_s=[140.0, 201.0, 333.0],
            score=[140.0, 201.0, 333.0], chosen=[True, False, False],
        )  # fmt: skip


def _units(writer: RunWriter, city: City, calls: list[Call]) -> None:
    """Move each unit straight from place to place as the stamps of its calls say."""
    network = city.network
    box = frame_box(network)
    projection = Projection(network.lon0, network.lat0)
    station = city["stations"].set_index("station_id")
    hospital = city["hospitals"].set_index("hospital_id")
    frames: dict[str, list[tuple[float, float, float, str]]] = {}
    for unit in city["units"].itertuples(index=False):
        hx, hy = projection.forward(
            station.loc[unit.station_id, "lon"], station.loc[unit.station_id, "lat"]
        )
        home = (float(hx), float(hy))
        points = [(START_S, *home, UnitState.IDLE.value)]
        writer.row("unit_events", t=START_S, unit_id=unit.unit_id, kind=unit.kind, state="idle")
        for call in (each for each in calls if each.unit == unit.unit_id):
            px, py = projection.forward(
                hospital.loc[call.hospital, "lon"], hospital.loc[call.hospital, "lat"]
            )
            goal = (float(px), float(py))
            scene = (call.x, call.y)
            where = [home, home, home, scene, scene, goal, goal]
            for t, place, state in zip(call.stamps, where, _STATES, strict=False):
                if state is None:
                    continue
                points.append((t, *place, state.value))
                writer.row(
                    "unit_events",
                    t=t, unit_id=unit.unit_id, kind=unit.kind, state=state, call_id=call.call_id,
                )  # fmt: skip
            if len(call.stamps) == 7 and call.stamps[6] + 120 <= END_S:
                points.append((call.stamps[6] + 120.0, *home, UnitState.IDLE.value))
                writer.row(
                    "unit_events",
                    t=call.stamps[6] + 120.0, unit_id=unit.unit_id, kind=unit.kind, state="idle",
                )  # fmt: skip
        frames[unit.unit_id] = points
    for t in np.arange(START_S, END_S + 1.0, FRAME_S):
        rows = [(unit_id, *_where(points, float(t))) for unit_id, points in frames.items()]
        writer.columns(
            "unit_frames",
            t=float(t),
            unit_id=[row[0] for row in rows],
            x=_scaled(np.array([row[1] for row in rows]), box["x0"], box),
            y=_scaled(np.array([row[2] for row in rows]), box["y0"], box),
            state=[row[3] for row in rows],
        )


def _where(points: list[tuple[float, float, float, str]], t: float) -> tuple[float, float, str]:
    times = [point[0] for point in points]
    i = max(0, int(np.searchsorted(times, t, side="right")) - 1)
    j = min(i + 1, len(points) - 1)
    gap = times[j] - times[i]
    share = 0.0 if gap <= 0 else min(1.0, (t - times[i]) / gap)
    x = points[i][1] + share * (points[j][1] - points[i][1])
    y = points[i][2] + share * (points[j][2] - points[i][2])
    return x, y, points[i][3]
