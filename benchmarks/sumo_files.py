"""Write a network and its trips as SUMO's plain XML, with equal lanes, lengths and signals."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from twin.demand.trips import Trips
from twin.network.graph import YELLOW_S, Network, TurnYield
from twin.traffic.control import kernel_network
from twin.traffic.kernels.junctions import entry_lane
from twin.traffic.types import Fleet

ANY_LANE = 127


def tool(name: str) -> str:
    """Return the path of a program of the `eclipse-sumo` wheel."""
    return str(Path(sys.executable).parent / name)


def write_network(network: Network, folder: Path) -> Path:
    """Write nodes, edges, connections and signal programs; return the network netconvert makes."""
    nodes = ["<nodes>"]
    for n in range(network.n_nodes):
        kind = "traffic_light" if network.node_signal[n] >= 0 else "priority"
        nodes.append(
            f'<node id="n{n}" x="{network.node_x[n]:.2f}" y="{network.node_y[n]:.2f}" '
            f'type="{kind}"/>'
        )
    edges = ["<edges>"]
    edges.extend(
        f'<edge id="e{k}" from="n{network.link_from[k]}" to="n{network.link_to[k]}" '
        f'numLanes="{network.link_lanes[k]}" speed="{network.link_speed[k]:.2f}" '
        f'length="{network.link_length[k]:.2f}"/>'
        for k in range(network.n_links)
    )
    joined = ["<connections>"]
    programs = ["<tlLogics>"]
    lights: dict[int, list[tuple[int, str]]] = {}
    view = kernel_network(network, Fleet().table, speed_factor=1.0)
    start = network.turn_from
    for t in range(network.n_turns):
        for lane in range(int(network.turn_lane_lo[t]), int(network.turn_lane_hi[t]) + 1):
            into = entry_lane(view, t, lane, 0, ANY_LANE)
            ends = (
                f'from="e{start[t]}" to="e{network.turn_to[t]}" fromLane="{lane}" toLane="{into}"'
            )
            joined.append(f"<connection {ends}/>")
            if network.turn_group[t] >= 0:
                node = int(network.link_to[start[t]])
                lights.setdefault(node, []).append((t, ends))
    for node, controlled in lights.items():
        programs.extend(_program(network, node, [t for t, _ in controlled]))
        programs.extend(
            f'<connection {ends} tl="n{node}" linkIndex="{i}"/>'
            for i, (_, ends) in enumerate(controlled)
        )
    files = {}
    for name, lines in (("nod", nodes), ("edg", edges), ("con", joined), ("tll", programs)):
        tag = lines[0].strip("<>")
        files[name] = folder / f"grid.{name}.xml"
        files[name].write_text("\n".join([*lines, f"</{tag}>"]))
    net = folder / "grid.net.xml"
    subprocess.run(
        [
            tool("netconvert"),
            "--node-files",
            str(files["nod"]),
            "--edge-files",
            str(files["edg"]),
            "--connection-files",
            str(files["con"]),
            "--tllogic-files",
            str(files["tll"]),
            "--no-turnarounds",
            "true",
            "--no-warnings",
            "true",
            "-o",
            str(net),
        ],
        check=True,
        capture_output=True,
        env=os.environ,
    )
    return net


def _program(network: Network, node: int, turns: list[int]) -> list[str]:
    signal = int(network.node_signal[node])
    cycle, offset = float(network.signal_cycle[signal]), float(network.signal_offset[signal])
    groups = network.turn_group[turns]
    edges = {0.0, cycle}
    for g in np.unique(groups):
        for moment in (
            network.group_green_from[g],
            network.group_green_to[g],
            network.group_green_to[g] + YELLOW_S,
        ):
            edges.add(float((moment + offset) % cycle))
    cuts = sorted(edges)
    lines = [f'<tlLogic id="n{node}" type="static" programID="0" offset="0">']
    for a, b in pairwise(cuts):
        state = ""
        for t, g in zip(turns, groups, strict=True):
            since = ((a + b) / 2 - offset - float(network.group_green_from[g])) % cycle
            green = float(network.group_green_to[g] - network.group_green_from[g])
            if since < green:
                state += "g" if network.turn_yield[t] == TurnYield.GIVES_WAY else "G"
            elif since < green + YELLOW_S:
                state += "y"
            else:
                state += "s" if network.turn_yield[t] == TurnYield.ON_RED else "r"
        lines.append(f'<phase duration="{b - a:g}" state="{state}"/>')
    return [*lines, "</tlLogic>"]


def write_trips(trips: Trips, path: Path) -> None:
    """Write vehicles with their routes and departures."""
    with path.open("w") as file:
        file.write('<routes><vType id="car" length="5" minGap="2" maxSpeed="50"/>\n')
        for i in range(len(trips)):
            links = trips.route_link[trips.route_ptr[i] : trips.route_ptr[i + 1]]
            file.write(
                f'<vehicle id="{i}" type="car" depart="{trips.depart_s[i]:.1f}" departLane="best" '
                f'departSpeed="max"><route edges="{" ".join(f"e{k}" for k in links)}"/></vehicle>\n'
            )
        file.write("</routes>\n")
