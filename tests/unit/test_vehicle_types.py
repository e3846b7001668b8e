"""Types of vehicles in scenarios: shares, drivers, mistakes, and what the demand makes of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.cities import grid_city
from twin.core.random import Streams
from twin.demand.trips import TripPlan, VehicleKind
from twin.scenarios.spec import Traffic
from twin.traffic.types import Fleet, Kinds, kinds_of, shares_of

DAY = date(2025, 3, 5)


def test_usual_settings_give_the_usual_types_and_shares():
    assert kinds_of(Traffic()) == Kinds()
    assert shares_of(Traffic()) == {VehicleKind.TAXI: 0.19, VehicleKind.CAR: 0.81}
    assert Fleet().space_share(shares_of(Traffic()).items()) == 1.0


def test_what_a_scenario_says_of_a_type_holds_for_it_alone():
    truck = {"length_m": 16.0, "top_kmh": 72.0, "headway_sd_s": 0.2, "model": "krauss"}
    made = kinds_of(Traffic(types={"truck": truck}))
    usual = Kinds().truck
    assert made.truck == usual._replace(
        length_m=16.0, top_mps=pytest.approx(20.0), headway_sd=0.2, model="krauss"
    )
    assert made._replace(truck=usual) == Kinds()


def test_settings_of_all_drivers_are_those_of_trips_unless_a_type_says_otherwise():
    made = kinds_of(
        Traffic(
            car_following="krauss", imperfection=0.5, types={"automated": {"imperfection": 0.0}}
        )
    )
    assert made.car.model == made.automated.model == "krauss"
    assert (made.car.imperfection, made.automated.imperfection) == (0.5, 0.0)
    assert made.ambulance == Kinds().ambulance


def test_cars_and_taxis_have_what_others_leave():
    shares = shares_of(Traffic(types={"truck": {"share": 0.2}, "motorcycle": {"share": 0.1}}))
    assert shares[VehicleKind.TAXI] == pytest.approx(0.7 * 0.19)
    assert shares[VehicleKind.CAR] == pytest.approx(0.7 * 0.81)
    assert sum(shares.values()) == pytest.approx(1.0)
    only = shares_of(Traffic(types={"automated": {"share": 1.0}}))
    assert only[VehicleKind.CAR] == 0.0


def test_the_demand_has_the_shares_and_a_trip_stays_what_it_is():
    city = grid_city()
    usual, mixed = (
        TripPlan(city, Streams(3), DAY, 2.0, shares_of(Traffic(types=types))).between(0, 86_400)
        for types in ({}, {"truck": {"share": 0.1}})
    )
    count = len(mixed)
    assert count == len(usual) > 1000
    kinds = np.bincount(mixed.kind, minlength=4) / count
    for kind, share in ((0, 0.729), (1, 0.171), (2, 0.1)):
        assert kinds[kind] == pytest.approx(share, abs=4.0 * np.sqrt(share / count))
    # Those who are not trucks now are nearly all what they were.
    assert (usual.number == mixed.number).all()
    others = mixed.kind != VehicleKind.TRUCK
    assert (mixed.kind == usual.kind)[others].mean() > 0.97


def test_longer_vehicles_leave_less_room_in_queues():
    shares = {VehicleKind.CAR: 0.5, VehicleKind.TRUCK: 0.5}
    assert Fleet().space_share(shares.items()) == pytest.approx((7.0 + 11.5) / 2.0 / 7.0)


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ({"types": {"truck": {"share": 0.7}, "bus": {"share": 0.4}}}, "add up to 1.1, more than 1"),
        ({"types": {"car": {"share": 0.5}, "taxi": {"share": 0.2}}}, "add up to 0.7"),
        ({"types": {"lorry": {}}}, "Extra inputs"),
        ({"types": {"ambulance": {"share": 0.1}}}, "Extra inputs"),
        ({"types": {"truck": {"length_m": -9.0}}}, "greater than or equal to 1"),
        ({"types": {"truck": {"headway_s": float("nan")}}}, "finite"),
        ({"car_following": "newell"}, "'idm' or 'krauss'"),
        ({"imperfection": 1.5}, "less than or equal to 1"),
        ({"fidelity": "meso", "car_following": "krauss"}, "'krauss' needs fidelity = 'micro'"),
        ({"fidelity": "meso", "reaction_s": 1.0}, "reaction_s needs fidelity = 'micro'"),
        ({"fidelity": "table", "right_on_red": False}, "right_on_red = false needs fidelity"),
        ({"fidelity": "table", "types": {"bus": {"model": "krauss"}}}, r"types\.bus\.model needs"),
        (
            {"fidelity": "meso", "types": {"car": {"politeness": 0.1}}},
            r"types\.car\.politeness nee",
        ),
        ({"fidelity": "meso", "types": {"taxi": {"speed_mean": 1.1}}}, r"types\.taxi\.speed_mean"),
        ({"fidelity": "meso", "types": {"truck": {"brake": 1.1}}}, r"types\.truck\.brake needs"),
        ({"fidelity": "meso", "types": {"truck": {"speed_sd": 0.1}}}, r"types\.truck\.speed_sd"),
        ({"fidelity": "meso", "types": {"ambulance": {"accel": 2}}}, r"types\.ambulance\.accel"),
    ],
)
def test_mistakes_are_named(traffic, said):
    with pytest.raises(ValidationError, match=said):
        Traffic(**traffic)


@pytest.mark.parametrize("fidelity", ["table", "meso"])
def test_what_a_run_stores_of_its_types_can_be_read_again(fidelity):
    traffic = Traffic(fidelity=fidelity)
    assert Traffic(**traffic.model_dump(mode="json")) == traffic
