"""SUMO's `tripinfo`, `edgeData` and `fcd` outputs of our traffic, so that users' tools read it.

Names and meaning of the attributes are those of SUMO's documentation (sumo.dlr.de/docs/Simulation/
Output). Attributes that SUMO calls optional and that our traffic does not know are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.core.clock import HOUR_S
from twin.demand.sumo_routes import SumoDemand
from twin.network.geometry import Projection
from twin.network.graph import F64, I64, Network
from twin.recording.sumo_text import XmlFile, quoted, rows, texts
from twin.traffic.figures import Finished
from twin.traffic.vehicles import VehicleView

WAITING_MPS = 0.1
"""Speed below which a vehicle waits in SUMO."""
HALF_STEP_M = np.float32(0.5)


class EdgeNames(NamedTuple):
    """What links are called in an output.

    Attributes
    ----------
    edge
        (L,) id of the edge.
    entry_m
        (L,) metres at the start of a link that lie before the edge's own start.
    lane_ptr, lane
        (L + 1,), (K,) ids of the lanes of link k, from the kerb, are `lane_ptr[k]:lane_ptr[k + 1]`.
    plane
        Whether positions are written as metres of the plane; else as longitude and latitude.
    """

    edge: pa.Array
    entry_m: F64
    lane_ptr: I64
    lane: pa.Array
    plane: bool

    @staticmethod
    def of(
        edge: list[str], entry_m: F64, lanes: list[tuple[int, ...]], *, plane: bool
    ) -> EdgeNames:
        """Return the names of edges whose lanes have these numbers."""
        ptr = np.concatenate([[0], np.cumsum([len(own) for own in lanes])]).astype(np.int64)
        names = [f"{e}_{k}" for e, own in zip(edge, lanes, strict=True) for k in own]
        return EdgeNames(quoted(edge), entry_m, ptr, quoted(names), plane)

    def lanes_at(self, link: NDArray[np.integer], lane: NDArray[np.integer]) -> pa.Array:
        """Return the ids of lanes of links."""
        return self.lane.take(pa.array(self.lane_ptr[link] + lane))


def free_times(network: Network, demand: SumoDemand, distance_m: F64, trip: I64) -> F64:
    """Return the seconds that trips take at the speed limit and without stops.

    For the planned route; in proportion where another distance was driven.
    """
    trips = demand.trips
    ptr = trips.route_ptr.astype(np.int64)
    length = network.link_length.astype(np.float64)
    seconds = length / network.link_speed
    last = trips.route_link[ptr[1:] - 1]
    rest = length[last] - trips.end_pos_m
    planned = np.add.reduceat(length[trips.route_link], ptr[:-1]) - rest
    free = np.add.reduceat(seconds[trips.route_link], ptr[:-1]) - rest / network.link_speed[last]
    share = distance_m / np.maximum(planned[trip], 1.0)
    out: F64 = free[trip] * np.where(np.abs(share - 1.0) < 1e-3, 1.0, share)
    return out


class TripInfo:
    """Writes `tripinfo`: one element for each trip that ended; call `see` after every tick."""

    def __init__(
        self, path: Path, network: Network, demand: SumoDemand, names: EdgeNames, dt_s: float
    ) -> None:
        self._file = XmlFile(path, "tripinfos")
        self._network, self._demand, self._names = network, demand, names
        self._dt_s = dt_s
        n = len(demand.ids)
        self._id = quoted(demand.ids)
        self._type = quoted([t.id for t in demand.types])
        self._waiting = np.zeros(n)
        self._waits = np.zeros(n, np.int64)
        self._stood = np.zeros(n, np.bool_)
        self._seen = np.zeros(n, np.bool_)
        self._first = np.zeros((n, 3), np.float32)
        self._last = np.zeros((n, 2), np.float32)

    def see(self, view: VehicleView, done: Finished) -> None:
        """Take in who is on the road after a tick, and who ended in it."""
        mine = view.id < len(self._seen)
        trip, speed = view.id[mine], view.speed_mps[mine]
        new = ~self._seen[trip]
        first = trip[new]
        self._seen[first] = True
        self._first[first, 0] = view.lane[mine][new]
        self._first[first, 1] = view.pos_m[mine][new]
        self._first[first, 2] = speed[new]
        self._last[trip, 0] = view.lane[mine]
        self._last[trip, 1] = speed
        stands = speed < WAITING_MPS
        self._waiting[trip] += stands * self._dt_s
        self._waits[trip] += stands & ~self._stood[trip]
        self._stood[trip] = stands
        self._write(done)

    def _write(self, done: Finished) -> None:
        if not len(done.vehicle):
            return
        trip, trips, names = done.vehicle, self._demand.trips, self._names
        duration = done.t_arrive - done.t_depart
        free = free_times(self._network, self._demand, done.distance_m, trip)
        origin, goal = done.origin, done.destination
        lanes = self._network.link_lanes
        lane = self._first[trip, 0].astype(np.int64)
        # Who ended on a link where no tick saw it stands on the lane that is nearest.
        arrived = np.minimum(self._last[trip, 0].astype(np.int64), lanes[goal] - 1)
        pos = np.maximum(self._first[trip, 1] - names.entry_m[origin], 0.0)
        end = np.maximum(trips.end_pos_m[trip] - names.entry_m[goal], 0.0)
        gone = pa.array(np.where(done.reached, "", "vaporizer"))
        fields = {
            "id": self._id.take(pa.array(trip)),
            "depart": texts(done.t_depart),
            "departLane": names.lanes_at(origin, np.minimum(lane, lanes[origin] - 1)),
            "departPos": texts(pos),
            "departSpeed": texts(self._first[trip, 2]),
            "departDelay": texts(done.t_depart - done.t_planned),
            "arrival": texts(done.t_arrive),
            "arrivalLane": names.lanes_at(goal, arrived),
            "arrivalPos": texts(end),
            "arrivalSpeed": texts(self._last[trip, 1]),
            "duration": texts(duration),
            "routeLength": texts(done.distance_m),
            "waitingTime": texts(self._waiting[trip]),
            "waitingCount": texts(self._waits[trip]),
            "stopTime": texts(np.zeros(len(trip))),
            "timeLoss": texts(np.maximum(duration - free / done.speed_factor, 0.0)),
            "rerouteNo": texts(np.zeros(len(trip), np.int64)),
            "devices": pa.array([""] * len(trip)),
            "vType": self._type.take(pa.array(self._demand.type_of[trip])),
            "speedFactor": texts(done.speed_factor, 4),
            "vaporized": gone,
        }
        self._file.write(rows("tripinfo", fields, 4))

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


class Fcd:
    """Writes `fcd`: where every vehicle is after every tick."""

    def __init__(self, path: Path, network: Network, demand: SumoDemand, names: EdgeNames) -> None:
        self._file = XmlFile(path, "fcd-export")
        self._names, self._demand = names, demand
        self._id = quoted(demand.ids)
        self._type = quoted([t.id for t in demand.types])
        self._projection = Projection(network.lon0, network.lat0)

    def see(self, t: float, view: VehicleView) -> None:
        """Write the vehicles at second `t`."""
        mine = np.flatnonzero(view.id < len(self._id))
        trip, link = view.id[mine], view.link[mine]
        lane, pos = view.lane[mine], view.pos_m[mine]
        back = view.geometry.locate(link, np.maximum(pos - HALF_STEP_M, np.float32(0.0)), lane)
        ahead = view.geometry.locate(link, pos + HALF_STEP_M, lane)
        east, north = ahead[0] - back[0], ahead[1] - back[1]
        angle = np.degrees(np.arctan2(east, north)) % 360.0
        x: NDArray[np.floating] = view.x[mine]
        y: NDArray[np.floating] = view.y[mine]
        digits = 2
        if not self._names.plane:
            x, y = self._projection.inverse(x, y)
            digits = 7
        fields = {
            "id": self._id.take(pa.array(trip)),
            "x": texts(x, digits),
            "y": texts(y, digits),
            "angle": texts(angle),
            "type": self._type.take(pa.array(self._demand.type_of[trip])),
            "speed": texts(view.speed_mps[mine]),
            "pos": texts(np.maximum(pos - self._names.entry_m[link], 0.0)),
            "lane": self._names.lanes_at(link, lane),
            "slope": texts(np.zeros(len(trip))),
        }
        head, foot = f'    <timestep time="{t:.2f}">\n', "    </timestep>\n"
        self._file.write(head.encode() + rows("vehicle", fields, 8) + foot.encode())

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


class EdgeData:
    """Writes `edgeData`: what happened on every edge in each interval."""

    def __init__(self, path: Path, network: Network, demand: SumoDemand, names: EdgeNames) -> None:
        self._file = XmlFile(path, "meandata")
        self._network, self._demand, self._names = network, demand, names
        self._running: I64 = np.zeros(0, np.int64)
        self._on_link = np.zeros(network.n_links, np.int64)
        self._departed = np.zeros(network.n_links, np.int64)
        self._arrived = np.zeros(network.n_links, np.int64)
        self._begin = 0.0

    def ended(self, done: Finished) -> None:
        """Take in the trips that ended."""
        n = self._network.n_links
        fresh = done.t_depart >= self._begin
        self._departed += np.bincount(done.origin[fresh], minlength=n)
        self._arrived += np.bincount(done.destination, minlength=n)

    def interval(self, end: float, view: VehicleView, seconds: F64, metres: F64, left: I64) -> None:
        """Write the interval that ends at second `end`.

        Parameters
        ----------
        view
            The vehicles on the road now.
        seconds, metres, left
            As `LinkStats`, in the interval.
        """
        network, n = self._network, self._network.n_links
        trips = self._demand.trips
        mine = view.id < len(trips)
        new = np.setdiff1d(view.id[mine], self._running)
        departed = self._departed + np.bincount(trips.route_link[trips.route_ptr[new]], minlength=n)
        now = np.bincount(view.link[mine], minlength=n)
        entered = np.maximum(now - self._on_link + left - departed, 0)
        some = (seconds > 0.0) | (departed > 0) | (left > 0)
        used, empty = np.flatnonzero(some), np.flatnonzero(~some)
        length, limit = network.link_length[used], network.link_speed[used]
        speed = metres[used] / np.maximum(seconds[used], 1e-9)
        density = seconds[used] / (end - self._begin) / (length / 1000.0)
        fields = {
            "id": self._names.edge.take(pa.array(used)),
            "sampledSeconds": texts(seconds[used]),
            "traveltime": texts(length / np.maximum(speed, 0.01)),
            "density": texts(density),
            "laneDensity": texts(density / network.link_lanes[used]),
            "timeLoss": texts(np.maximum(seconds[used] - metres[used] / limit, 0.0)),
            "speed": texts(speed),
            "speedRelative": texts(speed / limit),
            "departed": texts(departed[used]),
            "arrived": texts(self._arrived[used]),
            "entered": texts(entered[used]),
            "left": texts(np.maximum(left - self._arrived, 0)[used]),
            "flow": texts(density * speed * (HOUR_S / 1000.0)),
        }
        # As SUMO: whoever reads the file finds every edge in every interval.
        nobody = texts(np.zeros(len(empty), np.int64))
        unused = {
            "id": self._names.edge.take(pa.array(empty)),
            "sampledSeconds": texts(np.zeros(len(empty))),
            "departed": nobody,
            "arrived": nobody,
            "entered": nobody,
            "left": nobody,
        }
        head = f'    <interval begin="{self._begin:.2f}" end="{end:.2f}" id="twin">\n'
        foot = "    </interval>\n"
        body = rows("edge", fields, 8) + rows("edge", unused, 8)
        self._file.write(head.encode() + body + foot.encode())
        self._running, self._on_link, self._begin = view.id[mine], now, end
        self._departed[:] = 0
        self._arrived[:] = 0

    def close(self) -> None:
        """Complete the file."""
        self._file.close()
