"""Where the detectors of a scenario stand in its city, and what cannot stand there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.core.errors import InputError
from twin.network.graph import F32, I32, Network, Place, RoadClass
from twin.scenarios.detectors import Loops, TravelTime
from twin.scenarios.named_roads import links_named
from twin.scenarios.spec import Scenario


def loop_places(loops: Loops, network: Network) -> tuple[I32, F32]:
    """Return the links on which loops lie, in order, and where on each, metres from its start.

    Raises
    ------
    InputError
        If a link or street is not in the network, a named link is too short, or there is no link
        of the class.
    """
    named = np.array([_link(number, network, "links") for number in loops.links], np.int32)
    length = network.link_length
    short = named[length[named] <= loops.position_m]
    if len(short):
        raise InputError(
            f"link {network.link_id[short[0]]} is only {length[short[0]]:.1f} m long",
            field="position_m",
        )
    parts = [named]
    if loops.street is not None:
        parts.append(links_named(network, loops.street))
    if loops.road_class is not None:
        wanted = RoadClass[loops.road_class.upper()]
        found = np.flatnonzero(network.link_class == wanted).astype(np.int32)
        if not len(found):
            raise InputError(
                f"the city has no road of the class {loops.road_class!r}", field="road_class"
            )
        parts.append(found)
    links = np.unique(np.concatenate(parts)).astype(np.int32)
    fits = length[links] > loops.position_m
    pos = np.where(fits, loops.position_m, 0.5 * length[links])
    return links, pos.astype(np.float32)


def segment_ends(segment: TravelTime, network: Network) -> tuple[Place, Place]:
    """Return where a travel-time segment begins and ends.

    Raises
    ------
    InputError
        If a link is not in the network or too short.
    """
    ends = []
    for side, number, pos in (
        ("from", segment.from_link, segment.from_m),
        ("to", segment.to_link, segment.to_m),
    ):
        link = _link(number, network, f"{side}_link")
        length = float(network.link_length[link])
        if pos >= length:
            raise InputError(f"link {number} is only {length:.1f} m long", field=f"{side}_m")
        ends.append(Place(link, pos))
    return ends[0], ends[1]


def detector_faults(scenario: Scenario, network: Network) -> Iterator[InputError]:
    """Yield what is wrong with each detector that cannot be set up, the first thing of each.

    An error names the detector and its field, as in `record.detectors.2.street`.
    """
    record = scenario.record
    for field, wanted in (("detectors", bool(record.detectors)), ("emissions", record.emissions)):
        if wanted and scenario.traffic.fidelity != "micro":
            yield InputError(
                f"there is nothing to see in traffic of fidelity {scenario.traffic.fidelity!r}",
                field=f"record.{field}",
                hint="set traffic.fidelity to micro",
            )
    for number, detector in enumerate(record.detectors, start=1):
        try:
            if isinstance(detector, Loops):
                loop_places(detector, network)
            elif isinstance(detector, TravelTime):
                segment_ends(detector, network)
        except InputError as error:
            yield InputError(
                error.message, field=f"record.detectors.{number}.{error.field}", hint=error.hint
            )


def check_detectors(scenario: Scenario, network: Network) -> None:
    """Refuse a scenario whose detectors cannot be set up.

    Raises
    ------
    InputError
        The first of `detector_faults`.
    """
    for fault in detector_faults(scenario, network):
        raise fault


def _link(number: int, network: Network, field: str) -> int:
    try:
        return network.link_of(number)
    except KeyError:
        raise InputError(f"the city has no link {number}", field=field) from None
