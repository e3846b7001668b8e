"""Car-following models by type: steady state, the form of Krauss, noise that can be zero."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.support.kernels import from_python
from tests.support.roads import Link, Turn, make_network, make_trips, random_trips
from tests.support.traffic_checks import check_now, digest
from twin.core.errors import InputError
from twin.demand.trips import Trips, VehicleKind
from twin.network.generate import grid
from twin.traffic.kernels import carfollowing
from twin.traffic.kernels.layout import BIG, N_KINDS
from twin.traffic.micro import Kinds, MicroTraffic
from twin.traffic.types import FileType, Fleet, Kind

driven_speed, next_speed, stopping_speed = (
    from_python(kernel)
    for kernel in (carfollowing.driven_speed, carfollowing.next_speed, carfollowing.stopping_speed)
)

F = np.float32
CAR = Kinds().car
KEY = np.uint64(5)
TRIP_TYPES = [kind.name.lower() for kind in VehicleKind]


def _settled_gap(kind: Kind, speed: float, dt: float = 0.1) -> float:
    """Let one vehicle follow a leader that keeps a speed, and return the gap in the end."""
    table = Fleet(Kinds(car=kind)).table
    v, gap = F(speed), F(2.0 * speed + 20.0)
    with np.errstate(over="ignore"):
        for tick in range(round(300.0 / dt)):
            v = driven_speed(v, F(33.3), gap, F(speed), F(dt), table, 0, KEY, 0, tick)
            gap = F(gap + (F(speed) - v) * F(dt))
    return float(gap)


@pytest.mark.parametrize("name", TRIP_TYPES)
@pytest.mark.parametrize("speed", [5.0, 12.0, 20.0])
def test_headway_of_every_type_is_that_of_the_equations(name, speed):
    kind = getattr(Kinds(), name)
    known = (kind.standstill_m + speed * kind.headway_s) / math.sqrt(1.0 - (speed / 33.3) ** 4)
    assert _settled_gap(kind, speed) == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize("name", TRIP_TYPES)
def test_krauss_keeps_the_headway_and_the_gap_of_its_type(name):
    kind = getattr(Kinds(), name)._replace(model="krauss")
    known = kind.standstill_m + 12.0 * kind.headway_s
    assert _settled_gap(kind, 12.0) == pytest.approx(known, rel=0.02)


@pytest.mark.parametrize("speed", [8.33, 13.89, 16.66, 20.0, 27.78])
def test_krauss_capacity_is_that_of_the_tables_of_sumo(speed):
    # sumo.dlr.de/docs/Simulation/RoadCapacity: 3600 / ((length + gap) / v + tau).
    kind = Kind(5.0, 2.6, 4.5, 1.0, 2.5, 1.0, 0.0, model="krauss")
    flow = 3600.0 * speed / (5.0 + _settled_gap(kind, speed, dt=1.0))
    assert flow == pytest.approx(3600.0 / (7.5 / speed + 1.0), rel=0.001)


@pytest.mark.parametrize("gap", [0.0, 0.4, 3.0, 17.0, 60.0, 400.0])
@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_the_stopping_speed_just_stops_within_the_gap(gap, dt):
    brake, tau = 4.5, 1.0
    v = float(stopping_speed(F(gap), F(brake), F(tau), F(dt)))
    way, speed = v * tau, v
    while speed > 1e-6:
        speed = max(0.0, speed - brake * dt)
        way += speed * dt
    assert way == pytest.approx(gap, rel=0.002, abs=0.01)


def test_a_driver_without_noise_is_a_plain_one():
    table = Fleet().table
    for v, gap, lead in ((0.0, 3.0, 0.0), (8.0, 12.0, 6.0), (14.0, float(BIG), 14.0)):
        values = (F(v), F(15.0), F(gap), F(lead), F(1.0), table, 0)
        assert driven_speed(*values, KEY, 3, 4) == next_speed(*values)


def test_imperfection_takes_its_share_of_the_acceleration():
    # The loss is uniform from 0 to sigma a dt: on average the half of it (Krauss 1998).
    table = Fleet(Kinds(car=CAR._replace(imperfection=0.4))).table
    values = (F(10.0), F(30.0), BIG, F(10.0), F(1.0), table, 0)
    whole = float(next_speed(*values))
    with np.errstate(over="ignore"):
        lost = [whole - float(driven_speed(*values, KEY, 1, tick)) for tick in range(4000)]
    assert np.mean(lost) == pytest.approx(0.5 * 0.4 * CAR.accel, rel=0.03)
    assert min(lost) >= 0.0
    assert max(lost) <= 0.4 * CAR.accel + 1e-5


@pytest.mark.parametrize("reaction", [0.5, 1.0, 2.0])
def test_a_driver_starts_after_the_reaction_time_on_average(reaction):
    table = Fleet(Kinds(car=CAR._replace(reaction_s=reaction))).table
    waits = []
    with np.errstate(over="ignore"):
        for vehicle in range(3000):
            tick = 0
            while driven_speed(F(0), F(15), BIG, F(0), F(1), table, 0, KEY, vehicle, tick) == 0.0:
                tick += 1
            waits.append(tick)
    assert np.mean(waits) == pytest.approx(reaction, rel=0.06)


def test_who_must_brake_hard_does_not_wait_to_look():
    table = Fleet(Kinds(car=CAR._replace(reaction_s=5.0))).table
    values = (F(14.0), F(15.0), F(15.0), F(0.0), F(1.0), table, 0)
    with np.errstate(over="ignore"):
        assert {float(driven_speed(*values, KEY, n, n)) for n in range(50)} == {
            float(next_speed(*values))
        }


def test_no_truck_is_faster_than_its_top_speed():
    network = make_network([Link(0, 1, 3000.0, 1, 33.3)], [])
    trips = make_trips([0.0], [[0]], [2990.0], [VehicleKind.TRUCK])
    traffic = MicroTraffic(network, seed=KEY)
    traffic.add_trips(trips)
    traffic.advance(80)
    assert traffic.vehicles.speed_mps[0] == pytest.approx(Kinds().truck.top_mps, rel=0.01)


def test_classes_have_mean_and_deviation_of_the_type():
    kind = CAR._replace(headway_s=1.4, headway_sd=0.3, accel_sd=0.2)
    drivers = kind.drivers()
    headway, accel = [d.headway_s for d in drivers], [d.accel for d in drivers]
    assert np.mean(headway) == pytest.approx(1.4)
    assert np.std(headway) == pytest.approx(0.3)
    assert np.mean(accel) == pytest.approx(CAR.accel)
    assert np.std(accel) == pytest.approx(0.2)
    # A short headway goes with a hard acceleration.
    assert np.corrcoef(headway, accel)[0, 1] == pytest.approx(-1.0)


def test_drivers_of_a_run_have_the_distribution_and_keep_it():
    network = make_network([Link(0, 1, 500.0, 2), Link(1, 2, 500.0, 2)], [Turn(0, 1, hi=1)])
    kinds = Kinds(car=CAR._replace(headway_s=1.4, headway_sd=0.3))
    count = 4000
    trips = make_trips([0.0] * count, [[0, 1]] * count, [400.0] * count)

    def headways(part: Trips) -> np.ndarray:
        traffic = MicroTraffic(network, seed=KEY, kinds=kinds)
        ids = traffic.add_trips(part)
        row = traffic._state.vehicle
        row = row[np.isin(row["id"], ids) & (row["state"] > 0)]
        return traffic._net.kinds[row["kind"][np.argsort(row["id"])], 3]

    numbered = replace(trips, number=np.arange(count))
    drawn = headways(numbered)
    assert drawn.mean() == pytest.approx(1.4, rel=0.01)
    assert drawn.std() == pytest.approx(0.3, rel=0.05)
    # Whoever does not drive takes nobody's character along.
    assert (headways(numbered.part(1000, count)) == drawn[1000:]).all()


EVERYTHING = Kinds(
    car=CAR._replace(headway_sd=0.2, accel_sd=0.2, imperfection=0.2, reaction_s=0.5),
    truck=Kinds().truck._replace(model="krauss", imperfection=0.5),
)
OWN = (FileType(VehicleKind.BUS, Kinds().bus._replace(length_m=18.0, model="krauss")),)


def _mixed(threads: int = 1) -> MicroTraffic:
    network = grid(4, 4, 150.0, 2, 13.9)
    trips = random_trips(network, 700, 120.0, 7)
    number = np.array([*(int(kind) for kind in VehicleKind), N_KINDS], np.uint8)
    trips = replace(trips, kind=number[np.arange(len(trips)) % len(number)])
    traffic = MicroTraffic(network, seed=KEY, threads=threads, kinds=EVERYTHING, file_types=OWN)
    traffic.add_trips(trips)
    return traffic


def test_all_types_and_noise_drive_without_touching():
    traffic = _mixed()
    for _ in range(150):
        traffic.advance(1)
        check_now(traffic)
    seen = set(traffic.vehicles.kind.tolist()) | set(traffic.finished().kind.tolist())
    # The type of the file is a bus to whoever looks.
    assert seen == {int(kind) for kind in VehicleKind}


def test_nobody_wants_to_drive_backwards_however_much_drivers_differ():
    """A route file may state `speedDev="1"`: SUMO, too, cuts the factor off at 0.2."""
    network = make_network([Link(0, 1, 500.0, 1)], [])
    kind = CAR._replace(speed_sd=1.0, model="krauss")
    traffic = MicroTraffic(network, seed=KEY, kinds=Kinds(car=kind))
    ids = traffic.add_trips(make_trips([0.0] * 400, [[0]] * 400, [400.0] * 400))
    row = traffic._state.vehicle
    factor = row["fac"][np.isin(row["id"], ids) & (row["state"] > 0)]
    assert factor.min() == pytest.approx(0.2)
    assert (factor > 0.2).mean() > 0.5
    for _ in range(60):
        traffic.advance(1)
        assert traffic.vehicles.speed_mps.min(initial=0.0) >= 0.0


def test_threads_and_a_checkpoint_change_no_bit_of_noise():
    traffic = _mixed()
    traffic.advance(60)
    other = _mixed(threads=2)
    other.restore(traffic.checkpoint())
    traffic.advance(80)
    other.advance(80)
    assert digest(traffic) == digest(other)


def test_a_type_that_does_not_exist_is_refused():
    network = make_network([Link(0, 1)], [])
    traffic = MicroTraffic(network, seed=KEY)
    with pytest.raises(InputError, match="vehicle type 9 is not one of the 9"):
        traffic.add_trips(make_trips([0.0], [[0]], [100.0], [N_KINDS]))


def test_more_types_than_rows_are_refused():
    own = [FileType(VehicleKind.CAR, CAR._replace(headway_sd=0.1))] * 14
    with pytest.raises(InputError, match="there are 127"):
        Fleet(more=own)
