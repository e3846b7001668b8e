"""`meso` mobility: as `micro`, on queues instead of lanes."""

from __future__ import annotations

from twin.city.model import City
from twin.core.random import Streams
from twin.scenarios.spec import Scenario
from twin.traffic.interface import Traffic
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.types import Fleet, kinds_of, shares_of


class MesoMobility(MicroMobility):
    """Mobility in queue-level traffic, fed and rerouted as lane-level traffic is."""

    @classmethod
    def empty_streets(cls, city: City, scenario: Scenario, streams: Streams) -> Traffic:  # noqa: ARG003
        """Return the traffic without vehicles; nothing in it is random."""
        settings = scenario.traffic
        kinds = kinds_of(settings)
        return MesoTraffic(
            city.network,
            threads=settings.threads,
            start_s=scenario.period.begin_s,
            speed_factor=settings.speed_factor,
            kinds=kinds,
            space_share=Fleet(kinds).space_share(shares_of(settings).items()),
            right_on_red=settings.right_on_red,
        )
