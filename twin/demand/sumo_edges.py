"""What the links of a city are called in SUMO's files."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.city.model import City
from twin.core.errors import InputError
from twin.network.graph import F64


class EdgeTable(NamedTuple):
    """The edges of a city; L links.

    Attributes
    ----------
    edge
        (L,) id of each link's edge.
    entry_m
        (L,) metres at the start of a link that lie inside the junction in SUMO.
    lanes
        (L,) numbers of the edge's lanes that are lanes of the link, from the kerb.
    plane
        Whether the city's metres are those of the SUMO network, which is not on the globe.
    """

    edge: list[str]
    entry_m: F64
    lanes: list[tuple[int, ...]]
    plane: bool

    @property
    def link_of(self) -> dict[str, int]:
        """Link of each edge."""
        return {edge: link for link, edge in enumerate(self.edge)}


def edge_table(city: City) -> EdgeTable:
    """Return what a city's links are called: as in its SUMO network, else by their numbers.

    Raises
    ------
    InputError
        If the table of edges does not fit the network.
    """
    network = city.network
    plane = (network.lon0, network.lat0) == (0.0, 0.0)
    table = city.tables.get("edges")
    if table is None or not len(table):
        lanes = [tuple(range(n)) for n in network.link_lanes.tolist()]
        ids = [str(number) for number in network.link_id.tolist()]
        return EdgeTable(ids, np.zeros(network.n_links), lanes, plane)
    link = table["link"].to_numpy(np.int64)
    if not np.array_equal(np.sort(link), np.arange(network.n_links)):
        raise InputError("it does not name every link once", file="table edges", field="link")
    order = np.argsort(link)
    numbers = [table["lanes"].iloc[k].split() for k in order.tolist()]
    if not all(part.isdigit() for own in numbers for part in own) or any(
        len(own) != n for own, n in zip(numbers, network.link_lanes.tolist(), strict=True)
    ):
        raise InputError("it does not fit the lanes", file="table edges", field="lanes")
    return EdgeTable(
        [table["edge"].iloc[k] for k in order.tolist()],
        table["entry_m"].to_numpy(np.float64)[order],
        [tuple(int(part) for part in own) for own in numbers],
        plane,
    )
