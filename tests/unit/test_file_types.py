"""Vehicle types of route files become types that drive: what is stated, what is usual, too many."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.support.roads import make_trips
from twin.core.errors import InputError
from twin.demand.sumo_routes import SumoDemand
from twin.demand.sumo_types import VehicleType
from twin.demand.trips import VehicleKind
from twin.traffic.file_types import driven
from twin.traffic.kernels.layout import N_KINDS
from twin.traffic.types import Fleet, Kinds


def _demand(types: list[VehicleType]) -> SumoDemand:
    n = len(types)
    trips = make_trips([0.0] * n, [[0]] * n, [50.0] * n)
    return SumoDemand(
        trips, [str(k) for k in range(n)], np.arange(n, dtype=np.int32), types, Counter()
    )


CAR = VehicleType("car", "passenger", VehicleKind.CAR)
LORRY = VehicleType(
    "lorry", "trailer", VehicleKind.TRUCK, headway_s=1.7, gap_m=3.0, speed_mean=0.8, max_speed=22.0
)


def test_what_a_file_states_holds_and_the_rest_is_usual():
    made = driven(_demand([CAR, LORRY]))
    car, lorry = made.types
    assert car.parameters == Kinds().car._replace(top_mps=55.56)
    assert lorry.kind == VehicleKind.TRUCK
    assert lorry.parameters == Kinds().truck._replace(
        length_m=16.5, headway_s=1.7, standstill_m=3.0, speed_mean=0.8, top_mps=22.0
    )
    assert made.trips.kind.tolist() == [N_KINDS, N_KINDS + 1]
    assert made.space_share == pytest.approx((7.0 + 19.5) / 2.0 / 7.0)


def test_krauss_has_the_parameters_of_sumo():
    kind = driven(_demand([CAR]), "krauss").types[0].parameters
    assert (kind.model, kind.accel, kind.brake, kind.headway_s) == ("krauss", 2.6, 4.5, 1.0)
    assert (kind.standstill_m, kind.imperfection, kind.speed_sd) == (2.5, 0.5, 0.1)


def test_a_model_that_a_type_names_is_its_own():
    types = [
        VehicleType("a", "passenger", VehicleKind.CAR, model="Krauss", sigma=0.0),
        VehicleType("b", "passenger", VehicleKind.CAR, model="IDM"),
        VehicleType("c", "passenger", VehicleKind.CAR, model="Wiedemann"),
    ]
    made = driven(_demand(types), "krauss")
    assert [own.parameters.model for own in made.types] == ["krauss", "idm", "krauss"]
    assert made.types[0].parameters.imperfection == 0.0
    assert made.left_out == {"vehicles by carFollowModel Wiedemann": 1}


def test_a_thousand_types_are_rounded_until_there_are_rows_for_them():
    draw = np.random.default_rng(1).normal(1.0, 0.1, 1000)
    types = [
        VehicleType(str(k), "passenger", VehicleKind.CAR, speed_mean=value)
        for k, value in enumerate(draw.tolist())
    ]
    made = driven(_demand(types[:250]))
    table = Fleet(more=made.types).table
    mean = table[made.trips.kind, 6]
    assert len(made.types) < 118
    assert np.abs(mean - draw[:250]).max() <= 0.051
    assert any("digits" in what for what in made.left_out)


def test_types_that_differ_in_everything_are_too_many():
    rng = np.random.default_rng(2)
    types = [
        VehicleType(
            str(k), "passenger", VehicleKind.CAR, length_m=rng.uniform(2, 19),
            accel=rng.uniform(1, 5), brake=rng.uniform(1, 9), headway_s=rng.uniform(0.5, 3),
        )
        for k in range(2000)
    ]  # fmt: skip
    with pytest.raises(InputError, match="there are 127"):
        Fleet(more=driven(_demand(types[:200])).types)
