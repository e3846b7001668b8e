"""Hand-made street plans, and look-ups in the networks made of them."""

import numpy as np

from twin.network.build import build_network, raw_roads
from twin.network.geometry import Projection
from twin.network.graph import Network, RoadClass

PROJECTION = Projection(127.0, 37.5)
PRIMARY, RESIDENTIAL = RoadClass.PRIMARY, RoadClass.RESIDENTIAL


def street(a, b, *, lanes=1, kind=RESIDENTIAL, oneway=False, ramp=False, ring=False, via=()):
    """Two links (or one) between numbered nodes; `via` are inner vertices in metres."""
    forth = {
        "link_from": a,
        "link_to": b,
        "link_lanes": lanes,
        "link_class": int(kind),
        "link_ramp": ramp,
        "link_roundabout": ring,
        "via": list(via),
    }
    back = {**forth, "link_from": b, "link_to": a, "via": list(via)[::-1]}
    return [forth] if oneway else [forth, back]


def roads(nodes, *streets, signals=(), restrictions=None):
    """RawRoads of nodes `{number: (x, y)}` and streets."""
    links = [link for group in streets for link in group]
    x, y = np.asarray(list(nodes.values()), float).T
    lon, lat = PROJECTION.inverse(x, y)
    lines = []
    for link in links:
        if link["via"]:
            points = [nodes[link["link_from"]], *link["via"], nodes[link["link_to"]]]
            lines.append(np.stack(PROJECTION.inverse(*np.asarray(points, float).T), axis=1))
        else:
            lines.append(np.zeros((0, 2)))
    shape = np.concatenate(lines)
    ptr = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    columns = {key: [link[key] for link in links] for key in links[0] if key != "via"}
    return raw_roads(
        node_id=list(nodes),
        node_lon=lon,
        node_lat=lat,
        node_signal=[number in signals for number in nodes],
        link_speed=np.full(len(links), 13.9),
        geometry=(ptr, shape[:, 0], shape[:, 1]),
        restrictions=restrictions,
        **columns,
    )


def build(*args, options=None, **kwargs):
    return build_network(roads(*args, **kwargs), options=options)[0]


def node(network: Network, number: int) -> int:
    return int(np.flatnonzero(network.node_id == number)[0])


def turn(network: Network, a: int, b: int, c: int) -> int:
    """Index of the only turn from street a-b into street b-c, or -1."""
    a, b, c = (node(network, number) for number in (a, b, c))
    found = [
        t
        for t in range(network.n_turns)
        if (
            network.link_from[network.turn_from[t]],
            network.link_to[network.turn_from[t]],
            network.link_to[network.turn_to[t]],
        )
        == (a, b, c)
    ]
    assert len(found) <= 1
    return found[0] if found else -1


def lanes_of(network: Network, t: int) -> tuple[int, int]:
    return int(network.turn_lane_lo[t]), int(network.turn_lane_hi[t])


def foes(network: Network, t: int) -> set[int]:
    return set(network.foe_turn[network.foe_ptr[t] : network.foe_ptr[t + 1]].tolist())


# North 1, east 2, south 3, west 4 around the middle 0.


CROSS = {0: (0, 0), 1: (0, 200), 2: (200, 0), 3: (0, -200), 4: (-200, 0)}


def cross(main_lanes=1, main=RESIDENTIAL, side_lanes=1, side=RESIDENTIAL):
    return [
        *(street(0, k, lanes=side_lanes, kind=side) for k in (1, 3)),
        *(street(0, k, lanes=main_lanes, kind=main) for k in (2, 4)),
    ]


def plan(network: Network) -> list[tuple[float, float]]:
    return sorted(
        zip(network.group_green_from.tolist(), network.group_green_to.tolist(), strict=True)
    )
