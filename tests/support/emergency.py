"""A small city with an emergency service, and streets without roads, for tests of the chain."""
# ruff: noqa: ARG002, ARG003  # the doubles keep the signatures of what they stand for

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import simpy
from numpy.typing import NDArray

from tests.support.cities import grid_city
from twin.agents.policies import known
from twin.city.model import City, Distribution, Service
from twin.core.random import Streams
from twin.network.conditions import Conditions
from twin.network.graph import Place, RoadClass
from twin.recording.memory import MemoryRecorder
from twin.scenarios.policy import RECORDED_UNIT
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel
from twin.traffic.mobility import UnreachableError

DAY = date(2025, 3, 5)
QUIET = {"source": "none", "collisions": False}
"""Settings of a run without calls but those that a test makes."""


def at(hours: float) -> float:
    return hours * 3600.0


def constant(seconds: float) -> Distribution:
    return Distribution(family="constant", a=seconds, high=1e9)


SERVICE = Service(
    durations={
        "handling": constant(60.0),
        "turnout": constant(30.0),
        "scene": constant(600.0),
        "scene_transport": constant(300.0),
        "handover": constant(900.0),
        "fire.scene": constant(2400.0),
        "collision.clearance": constant(1500.0),
    },
    p_transport={"medical": 0.5, "collision": 0.5, "fire": 0.5},
    p_priority={"medical": {"1": 0.3, "2": 0.7}, "fire": {"1": 0.5, "2": 0.5}},
)


def town(
    *,
    ambulances: int = 3,
    engines: int = 2,
    medical_per_day: float = 100.0,
    fire_per_day: float = 10.0,
    service: Service = SERVICE,
    rows: int = 4,
) -> City:
    """Return a grid city with one station, two hospitals at opposite corners, and calls."""
    city = grid_city(rows, rows)
    network, tables = city.network, city.tables
    last = network.n_links - 1

    def where(link: int) -> dict[str, Any]:
        node = network.link_from[link]
        return {
            "lon": float(network.node_lon[node]),
            "lat": float(network.node_lat[node]),
            "link": link,
            "pos_m": 10.0,
        }

    side = 200.0 * (rows - 1) / 4.0
    tables["zones"] = tables["zones"].assign(
        x=[-side, side, -side, side], y=[-side, -side, side, side]
    )
    middle = network.n_links // 2
    tables["stations"] = pd.DataFrame(
        [{"station_id": "S1", "name": "Middle", "kind": "both"} | where(middle)]
    )
    tables["units"] = pd.DataFrame(
        {
            "unit_id": [f"A{k}" for k in range(ambulances)] + [f"E{k}" for k in range(engines)],
            "kind": ["ambulance"] * ambulances + ["engine"] * engines,
            "station_id": "S1",
            "on_s": 0.0,
            "off_s": 0.0,
        }
    )
    tables["hospitals"] = pd.DataFrame(
        [
            {
                "hospital_id": f"H{k}",
                "name": f"Hospital {k}",
                "level": "local",
                "capabilities": "emergency",
                "open": True,
            }
            | where(link)
            for k, link in enumerate((0, last))
        ]
    )
    zones = tables["zones"]["zone_id"].to_numpy()
    rates = [("medical", medical_per_day), ("fire", fire_per_day)]
    tables["call_rates"] = pd.DataFrame(
        [
            {"zone_id": zone, "kind": kind, "per_day": per_day / len(zones)}
            for zone in zones
            for kind, per_day in rates
        ]
    )
    tables["call_profile"] = pd.DataFrame(
        [
            {"hour": hour, "kind": kind, "share": 1.0 / 24.0}
            for hour in range(24)
            for kind, _ in rates
        ]
    )
    tables["collision_rates"] = pd.DataFrame(
        [
            {"road_class": int(c), "hour": hour, "per_mvkm": 500.0}
            for c in RoadClass
            for hour in range(24)
        ]
    )
    city.service = {"": service}
    return city


def add_corner_stations(city: City) -> None:
    """Give a town of `town` two more stations, S2 and S3, at opposite corners."""
    stations = city["stations"]
    network = city.network
    corners = [
        stations.assign(
            station_id=f"S{k}", link=link, lon=network.node_lon[network.link_from[link]],
            lat=network.node_lat[network.link_from[link]],
        )
        for k, link in ((2, 0), (3, network.n_links - 1))
    ]  # fmt: skip
    city.tables["stations"] = pd.concat([stations, *corners], ignore_index=True)


def dispatch_rules() -> list[str]:
    """Return the rules of dispatch that can hold in a town, of which there are no records."""
    return [name for name in known("dispatch") if name != RECORDED_UNIT]


def plan(**fields: Any) -> Scenario:
    """Return a scenario of six hours by table, without warm-up or collisions unless asked for."""
    settings: dict[str, Any] = {
        "name": "test",
        "city": "grid",
        "period": {"day": DAY, "start": "06:00", "end": "12:00"},
        "traffic": {"fidelity": "table"},
        "calls": {"collisions": False},
    }
    settings |= fields
    settings["period"] = {"warm_up_min": 0.0} | settings["period"]
    return Scenario.model_validate(settings)


class FixedStreets:
    """Every drive takes `drive_s`; a unit is at its start until it is at its goal.

    `cut` holds links that no road leads to.
    """

    tick_s = 60.0
    buses = None

    def __init__(self, env: simpy.Environment, drive_s: float = 0.0) -> None:
        self.env = env
        self.drive_s = drive_s
        self.cut: set[int] = set()
        self.places: dict[int, Place] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.opposite: list[bool] = []
        self._drive: dict[int, int] = {}

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:
        handle = len(self._drive)
        self.places[handle] = place
        self._drive[handle] = 0
        return handle

    def remove_unit(self, unit: int) -> None:
        del self.places[unit]

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        self._drive[unit] += 1
        event = self.env.event()
        self.env.process(self._go(unit, destination, self._drive[unit], event))
        return event

    def _go(self, unit: int, destination: Place, number: int, event: simpy.Event) -> Any:
        if destination.link in self.cut:
            event.fail(UnreachableError("no road"))
            return
        yield self.env.timeout(self.drive_s)
        if self._drive[unit] == number:
            self.places[unit] = destination
            event.succeed(self.env.now)

    def stop(self, unit: int) -> Place:
        self._drive[unit] += 1
        return self.places[unit]

    def place_of(self, unit: int) -> Place:
        return self.places[unit]

    def moving(self, unit: int) -> bool:
        return False

    def etas(
        self,
        units: Sequence[int],
        destination: Place,
        *,
        siren: bool,
        beside: NDArray[np.float64] | None = None,
        within_s: float | None = None,
    ) -> NDArray[np.float64]:
        return np.full(len(units), np.inf if destination.link in self.cut else self.drive_s)

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: NDArray[np.float64] | None = None,
        moving: bool = False,
    ) -> NDArray[np.float64]:
        return np.array([np.inf if d.link in self.cut else self.drive_s for d in destinations])

    def move(self, t_to: float) -> None:
        pass

    def arrive(self) -> None:
        pass

    def block(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        self.opposite.append(opposite)
        self.calls.append(("block", self.env.now, place.link, lanes))
        return len(self.calls)

    def unblock(self, token: int) -> None:
        self.calls.append(("unblock", self.env.now, token))

    def close_links(self, links: Sequence[int], lanes: int | None) -> None:
        self.calls.append(("close", self.env.now, tuple(links), lanes))

    def open_links(self, links: Sequence[int]) -> None:
        self.calls.append(("open", self.env.now, tuple(links)))

    def set_conditions(self, conditions: Conditions) -> None:
        self.calls.append(("conditions", self.env.now, conditions.speed, conditions.capacity))

    def scale_demand(self, factor: float) -> None:
        self.calls.append(("scale", self.env.now, factor))


class FixedModel(CityModel):
    """A model on `FixedStreets` that take `DRIVE_S` for every drive."""

    DRIVE_S = 120.0
    mobility: FixedStreets

    @classmethod
    def streets(
        cls, env: simpy.Environment, city: City, scenario: Scenario, streams: Streams
    ) -> tuple[FixedStreets, None]:
        return FixedStreets(env, cls.DRIVE_S), None


class InstantModel(FixedModel):
    """A model in which every drive takes no time."""

    DRIVE_S = 0.0


def inject(city: City, at: str, link: int = 5, **fields: Any) -> dict[str, Any]:
    """Return a change that makes an incident happen in the middle of a link."""
    network = city.network
    ends = [network.link_from[link], network.link_to[link]]
    return {
        "kind": "inject-incident",
        "at": at,
        "incident": "medical",
        "lon": float(network.node_lon[ends].mean()),
        "lat": float(network.node_lat[ends].mean()),
    } | fields


def sure(p_transport: float) -> Service:
    """Return the constant durations with this chance of transport for everybody."""
    return SERVICE.model_copy(
        update={"p_transport": dict.fromkeys(("medical", "fire", "collision"), p_transport)}
    )


def run(
    model_type: type[CityModel], city: City, scenario: Scenario, **settings: Any
) -> tuple[CityModel, MemoryRecorder]:
    """Run a model to its end and return it with what it recorded."""
    recorder = MemoryRecorder()
    model = model_type(city, scenario, recorder=recorder, **settings)
    model.run()
    return model, recorder
