"""Types of vehicles and their drivers as data, and the table of them that kernels read.

A type has the parameters of the car-following model and how they differ from driver to driver.
Kernels know rows of one table: the types first, then, for a type whose drivers differ, a row for
each of `CLASSES` equally likely classes of drivers. Which one a driver is of is a draw that depends
on nothing but the seed and the number of the trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from twin.core.errors import InputError
from twin.demand.trips import SHARES, VehicleKind
from twin.network.graph import F32, F64, I32, U8
from twin.scenarios.spec import Traffic
from twin.scenarios.vehicle_types import Model
from twin.traffic.kernels.layout import (
    AMBULANCE,
    BIG,
    FIRE_ENGINE,
    IDM,
    KRAUSS,
    LENGTH,
    N_COLUMNS,
    N_KINDS,
    OBSTACLE,
    STANDSTILL,
)

CLASSES = 8
"""Classes of drivers of a type whose drivers differ."""
MOST_ROWS = 127
"""Rows of the table: a vehicle notes its own in a signed byte."""
LONGEST_STANDSTILL_M = 5.0
"""Gap at standstill that a type of a file may ask for at the most."""
LINE_GAP_M = 2.0
"""Nobody keeps more from a line, or he would stand too far from it to look for a gap."""
_MODEL = {"idm": IDM, "krauss": KRAUSS}


class Kind(NamedTuple):
    """Parameters of a type of vehicle and its drivers.

    Attributes
    ----------
    length_m
        Bumper to bumper.
    accel, brake
        Greatest acceleration and comfortable braking, m/s².
    headway_s, standstill_m
        Time headway and gap at standstill that drivers keep.
    speed_mean, speed_sd
        Desired speed as a factor on the free-flow speed: mean and standard deviation of a
        symmetric triangular distribution.
    headway_sd, accel_sd
        Standard deviations among drivers, s and m/s². The one who keeps the shorter headway
        accelerates harder.
    top_mps
        No driver wants to be faster.
    politeness
        Weight of the new follower's loss in a free lane change (MOBIL).
    model
        Car-following model; changes of lane are weighed with the accelerations of `idm` in both.
    imperfection
        Share, 0 to 1, of the acceleration that a driver may fall short of in a tick.
    reaction_s
        Mean seconds, beside the tick, until a driver responds.
    """

    length_m: float
    accel: float
    brake: float
    headway_s: float
    standstill_m: float
    speed_mean: float
    speed_sd: float
    headway_sd: float = 0.0
    accel_sd: float = 0.0
    top_mps: float = float(BIG)
    politeness: float = 0.2
    model: Model = "idm"
    imperfection: float = 0.0
    reaction_s: float = 0.0

    def drivers(self) -> list[Kind]:
        """Return the classes of drivers, one if they do not differ.

        The quantiles of the normal distribution at (i + 1/2) / `CLASSES`, stretched so that mean
        and standard deviation are those of the type to the last digit.
        """
        if self.headway_sd == 0.0 and self.accel_sd == 0.0:
            return [self]
        return [
            self._replace(
                headway_s=max(self.headway_s + z * self.headway_sd, 0.1),
                accel=max(self.accel - z * self.accel_sd, 0.1),
            )
            for z in standard_quantiles()
        ]

    def row(self, number: int) -> tuple[float, ...]:
        """Return the row that kernels read (columns as in `kernels.layout`) of a type's number."""
        noisy = self.imperfection > 0.0 or self.reaction_s > 0.0
        return (
            *self[:3],
            self.headway_s,
            self.standstill_m,
            1.0 / float(np.sqrt(self.accel * self.brake)),
            self.speed_mean,
            self.speed_sd,
            self.top_mps,
            self.politeness,
            float(_MODEL[self.model]),
            self.imperfection,
            self.reaction_s,
            float(noisy or self.model != "idm"),
            float(number in {VehicleKind.BUS, AMBULANCE, FIRE_ENGINE}),
            max(self.standstill_m - LINE_GAP_M, 0.0),
        )


def standard_quantiles() -> F64:
    """Return (CLASSES,) numbers with mean 0 and standard deviation 1, spread as a normal one."""
    share = (np.arange(CLASSES) + 0.5) / CLASSES
    z = np.array([NormalDist().inv_cdf(float(p)) for p in share])
    out: F64 = z / np.sqrt(np.mean(z * z))
    return out


class Kinds(NamedTuple):
    """The types in order of their number: `VehicleKind`, those of units, and an obstacle.

    Cars: accelerations, headways and gaps lie in the ranges of Treiber and Kesting 2013, "Traffic
    Flow Dynamics", table 11.2 (city traffic); the saturation flow of a queue that they give is near
    1,800 veh/h and lane. Trucks and buses: the same table's longer headways and half the
    acceleration; top speeds by the speed limiters that vehicles must have (Korea, Rules on the
    Performance of Motor Vehicles, article 54: trucks 90 km/h, buses 110 km/h). Motorcycles: length
    of SUMO's class of that name. Automated cars keep the shortest setting of the adaptive cruise
    controls that Milanes and Shladover 2014 measured ("Modeling cooperative and autonomous adaptive
    cruise control", Transp. Res. C 48), 1.1 s, the speed limit, and no driver's differences. Fire
    engines: top speed of NFPA 1901 (2016), 4.15, 109 km/h.
    """

    car: Kind = Kind(5.0, 2.0, 2.0, 1.0, 2.0, 1.0, 0.1)
    taxi: Kind = Kind(5.0, 2.2, 2.2, 1.0, 2.0, 1.05, 0.1)
    truck: Kind = Kind(9.0, 1.2, 1.8, 1.3, 2.5, 0.9, 0.05, top_mps=25.0)
    bus: Kind = Kind(12.0, 1.2, 1.8, 1.3, 2.5, 0.9, 0.05, top_mps=30.6)
    ambulance: Kind = Kind(6.0, 2.5, 3.0, 1.0, 2.0, 1.0, 0.0)
    fire_engine: Kind = Kind(8.5, 1.5, 2.5, 1.2, 2.5, 1.0, 0.0, top_mps=30.3)
    obstacle: Kind = Kind(1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 0.0)
    motorcycle: Kind = Kind(2.2, 3.0, 2.5, 0.9, 1.5, 1.05, 0.1)
    automated: Kind = Kind(5.0, 1.5, 2.0, 1.1, 2.0, 1.0, 0.0, politeness=0.5)


def kinds_of(settings: Traffic) -> Kinds:
    """Return the types as a scenario has them."""
    made = {}
    for name, part in settings.types:
        said = {field: value for field, value in part if value is not None and field != "share"}
        if name in settings.types.of_trips:
            said.setdefault("model", settings.car_following)
            said.setdefault("imperfection", settings.imperfection)
            said.setdefault("reaction_s", settings.reaction_s)
        if "headway_sd_s" in said:
            said["headway_sd"] = said.pop("headway_sd_s")
        if "top_kmh" in said:
            said["top_mps"] = said.pop("top_kmh") / 3.6
        made[name] = getattr(Kinds(), name)._replace(**said)
    return Kinds(**made)


def shares_of(settings: Traffic) -> dict[VehicleKind, float]:
    """Return the shares of trips by what makes them; cars and taxis have what others leave."""
    given = {
        VehicleKind[name.upper()]: part.share
        for name, part in settings.types.of_trips.items()
        if part.share is not None
    }
    rest = {kind: share for kind, share in SHARES.items() if kind not in given}
    left = 1.0 - sum(given.values())
    scale = sum(rest.values())
    return given | {kind: left * share / scale for kind, share in rest.items()}


class FileType(NamedTuple):
    """A type that a route file states; trips have it as number `N_KINDS` + its place."""

    kind: VehicleKind
    parameters: Kind


class Fleet:
    """The types of a run with their rows.

    Parameters
    ----------
    kinds
        The usual types.
    more
        Types of a file.

    Attributes
    ----------
    table
        (rows, N_COLUMNS) what kernels read.
    kind
        (rows,) `VehicleKind` of a row, or the number of a unit's or an obstacle's.
    first, classes
        (types,) first row of a type's drivers, and how many rows they have.

    Raises
    ------
    InputError
        If the types need more rows than there are.
    """

    def __init__(self, kinds: Kinds | None = None, more: Sequence[FileType] = ()) -> None:
        kinds = kinds or Kinds()
        types = [*kinds, *(own.parameters for own in more)]
        base = [*range(N_KINDS), *(int(own.kind) for own in more)]
        rows = [kind.row(number) for kind, number in zip(types, base, strict=True)]
        owner = list(base)
        first, classes = [], []
        for number, kind in enumerate(types):
            drivers = kind.drivers()
            own = number if len(drivers) == 1 or number == OBSTACLE else len(rows)
            first.append(own)
            classes.append(1 if own == number else len(drivers))
            if own != number:
                rows += [driver.row(base[number]) for driver in drivers]
                owner += [base[number]] * len(drivers)
        if len(rows) > MOST_ROWS:
            raise InputError(
                f"{len(types)} types of vehicles need {len(rows)} rows; there are {MOST_ROWS}",
                hint="use fewer types, or give fewer of them drivers who differ",
            )
        self.table: F32 = np.array(rows, np.float32).reshape(-1, N_COLUMNS)
        self.kind: U8 = np.array(owner, np.uint8)
        self.first: I32 = np.array(first, np.int32)
        self.classes: I32 = np.array(classes, np.int32)

    def space_share(self, shares: Iterable[tuple[int, float]]) -> float:
        """Return what a standing vehicle takes of a lane on average, over what a car takes.

        Parameters
        ----------
        shares
            Types by number with their shares of the trips.
        """
        row = self.table[: len(self.first)].astype(np.float64)
        space = row[:, LENGTH] + row[:, STANDSTILL]
        return sum(share * float(space[number]) for number, share in shares) / float(space[0])

    def rows(self, number: U8, draw: F64) -> U8:
        """Return the rows of drivers of types `number` from draws in [0, 1).

        Raises
        ------
        InputError
            If a number is no type's.
        """
        if len(number) and int(number.max()) >= len(self.first):
            raise InputError(
                f"vehicle type {int(number.max())} is not one of the {len(self.first)} there are",
                field="kind",
            )
        step = (draw * self.classes[number]).astype(np.int32)
        out: U8 = (self.first[number] + np.minimum(step, self.classes[number] - 1)).astype(np.uint8)
        return out
