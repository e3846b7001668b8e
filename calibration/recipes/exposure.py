"""How far vehicles drive on which roads, for rates a vehicle-kilometre."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse import csgraph

from twin.network.graph import Network, RoadClass

F64 = NDArray[np.float64]


def vehicle_km(network: Network, od: pd.DataFrame, zone_links: pd.DataFrame) -> F64:
    """(7,) vehicle-kilometres of a weekday by road class, all trips on their fastest empty roads.

    Each zone stands at the heaviest of its links; turns are free.
    """
    heaviest = zone_links.sort_values(
        ["zone_id", "weight", "link"], ascending=[True, False, True]
    ).drop_duplicates("zone_id")
    link = heaviest.set_index("zone_id")["link"]
    start = network.link_to[link.loc[od["origin"]]]
    end = network.link_from[link.loc[od["destination"]]]
    n = network.n_nodes
    trips = scipy.sparse.coo_matrix(
        (od["trips_per_day"].to_numpy(np.float64), (start, end)), shape=(n, n)
    ).tocsr()
    # Of parallel links the fastest carries the trips.
    order = np.lexsort((network.free_flow_s, network.link_to, network.link_from))
    key = network.link_from[order].astype(np.int64) * n + network.link_to[order]
    first = order[np.unique(key, return_index=True)[1]]
    graph = scipy.sparse.csr_matrix(
        (network.free_flow_s[first], (network.link_from[first], network.link_to[first])),
        shape=(n, n),
    )
    link_at = scipy.sparse.csr_matrix(
        (first + 1, (network.link_from[first], network.link_to[first])), shape=(n, n)
    )
    flow = np.zeros((n, n))
    origins = np.unique(start)
    distance, before = csgraph.dijkstra(graph, indices=origins, return_predecessors=True)
    for row, origin in enumerate(origins):
        load = trips[origin].toarray().ravel()
        reached = np.flatnonzero(np.isfinite(distance[row]))
        for node in reached[np.argsort(-distance[row, reached], kind="stable")]:
            parent = before[row, node]
            if parent >= 0 and load[node] > 0.0:
                load[parent] += load[node]
                flow[parent, node] += load[node]
    a, b = np.nonzero(flow)
    links = np.asarray(link_at[a, b]).ravel() - 1
    km = flow[a, b] * network.link_length[links] / 1000.0
    total = np.bincount(network.link_class[links], weights=km, minlength=len(RoadClass))
    return total.astype(np.float64)
