"""Link times of lane traffic, put under the same units by table.

A table's own times are those of delay curves by road class, so whatever differs between it and lane
traffic may come of the times or of what they do not hold: queues that come and go, and units that
are held up. With the mean times of lane traffic by table, only the latter is left.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import simpy
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.random import Streams
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel
from twin.traffic.interface import Traffic
from twin.traffic.mobility import Mobility
from twin.traffic.table import TableMobility

REPLICATION = 10_000
"""Beyond those of any study."""
EVERY_S = 60.0


def seconds_of(city: City, scenario: Scenario) -> NDArray[np.float64]:
    """Return (L,) mean travel times of links in lane traffic over a scenario's period, seconds.

    One run without calls; looked at every minute.
    """
    fields = scenario.model_dump()
    fields["traffic"]["fidelity"], fields["calls"]["source"] = "micro", "none"
    fields["record"]["frame_every_s"] = EVERY_S
    lanes = Scenario.model_validate(fields)
    total, looks = np.zeros(city.network.n_links), 0

    def look(model: CityModel) -> None:
        nonlocal looks
        if model.traffic is not None and model.t > lanes.period.start_s:
            total[:] += model.traffic.link_travel_time()
            looks += 1

    CityModel(city, lanes, replication=REPLICATION).run(look)
    return total / looks


def model_of(seconds: NDArray[np.float64] | None) -> type[CityModel]:
    """Return the model whose units drive by these times at every hour; else the usual."""
    return CityModel if seconds is None else _by_table(seconds.tobytes())


@lru_cache(maxsize=1)
def _by_table(content: bytes) -> type[CityModel]:
    seconds = np.frombuffer(content)

    class ByTable(CityModel):
        """A city in which units drive by these times."""

        @classmethod
        def streets(
            cls,
            env: simpy.Environment,
            city: City,
            scenario: Scenario,
            streams: Streams,  # noqa: ARG003
        ) -> tuple[Mobility, Traffic | None]:
            """Return the table."""
            speed = (city.network.link_length / seconds).astype(np.float32)
            every_hour = np.repeat(speed[None, :], 24, axis=0)
            return TableMobility(env, city, scenario, hourly_link_speed=every_hour), None

    return ByTable
