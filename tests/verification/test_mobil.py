"""Free lane changes against MOBIL, worked out anew from what stands around each vehicle.

Kesting, Treiber and Helbing 2007, "General lane-changing model MOBIL for car-following models",
Transportation Research Record 1999: a driver may change where the new follower need not brake
harder than `b_safe` (2), and does where its gain is more than a threshold and the politeness times
what the new follower loses (7, which leaves the old follower out). Accelerations are those of the
intelligent driver model. Who would change does so in half of the ticks in which it looks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tests.support.roads import make_trips, road
from twin.traffic.micro import Kind, Kinds, MicroTraffic
from twin.traffic.vehicles import VehicleView

pytestmark = pytest.mark.verify

LENGTH, LIMIT, SLOW = 5.0, 25.0, 12.0
ACCEL, BRAKE, HEADWAY, STANDSTILL = 1.5, 2.0, 1.2, 2.0
THRESHOLD, SAFE_BRAKE = 0.3, 2.0
ROAD_M, SOLID_M, CLEAR_M = 6000.0, 40.0, 400.0
ROUNDING = 0.005
NEAR_M, REST_TICKS, TRIPS, TRUCK = 250.0, 6, 80, 2


class Seen(NamedTuple):
    """A vehicle at the start of a tick."""

    lane: int
    pos: float
    speed: float
    wish: float


def idm(one: Seen, leader: Seen | None) -> float:
    """Return the acceleration behind a leader (Treiber, Hennecke and Helbing 2000, eq. 3)."""
    free = max(ACCEL * (1.0 - (one.speed / one.wish) ** 4), -BRAKE)
    if leader is None:
        return free
    closing = one.speed * (one.speed - leader.speed) / (2.0 * np.sqrt(ACCEL * BRAKE))
    wanted = STANDSTILL + max(0.0, one.speed * HEADWAY + closing)
    return free - ACCEL * (wanted / (leader.pos - LENGTH - one.pos)) ** 2


def around(seen: dict[int, Seen], one: Seen, lane: int) -> tuple[Seen | None, Seen | None]:
    """Return who would be ahead and who behind in a lane."""
    others = [each for each in seen.values() if each.lane == lane and each is not one]
    ahead = min((o for o in others if o.pos > one.pos), key=lambda o: o.pos, default=None)
    behind = max((o for o in others if o.pos <= one.pos), key=lambda o: o.pos, default=None)
    return ahead, behind


def incentive(seen: dict[int, Seen], one: Seen, politeness: float) -> tuple[float, float]:
    """Return the gain less the politeness's share of the loss, and what the follower must brake."""
    leader, _ = around(seen, one, one.lane)
    ahead, behind = around(seen, one, 1 - one.lane)
    gain = idm(one, ahead) - idm(one, leader)
    if behind is None:
        return gain, 0.0
    behind = behind._replace(wish=LIMIT)
    after = idm(behind, one)
    return gain - politeness * max(0.0, idm(behind, ahead) - after), -after


def has_room(seen: dict[int, Seen], one: Seen) -> bool:
    ahead, behind = around(seen, one, 1 - one.lane)
    free = ahead is None or ahead.pos - LENGTH - one.pos >= 0.6
    return free and (behind is None or one.pos - LENGTH - behind.pos >= 0.6)


class Look(NamedTuple):
    """What a vehicle found around it in a tick in which it may change, and whether it did."""

    gain: float
    impolite: float
    brake: float
    changed: bool


def watched(politeness: float, seed: int) -> list[Look]:
    """Return the looks of fast cars and slow ones on two lanes, near whom nobody else changed."""
    car = Kind(LENGTH, ACCEL, BRAKE, HEADWAY, STANDSTILL, 1.0, 0.0, politeness=politeness)
    kinds = Kinds(car=car, truck=car._replace(top_mps=SLOW))
    rng = np.random.default_rng(seed)
    departs = np.cumsum(rng.uniform(1.0, 5.0, TRIPS)).tolist()
    slow = np.where(rng.random(TRIPS) < 0.4, TRUCK, 0).tolist()
    traffic = MicroTraffic(road([ROAD_M], lanes=2, speed=LIMIT), seed=np.uint64(seed), kinds=kinds)
    traffic.add_trips(make_trips(departs, [[0]] * TRIPS, [ROAD_M - 1.0] * TRIPS, slow))
    looks: list[Look] = []
    before: dict[int, Seen] = {}
    last: dict[int, int] = {}
    for tick in range(300):
        traffic.advance(1)
        now = seen_in(traffic.vehicles)
        both = before.keys() & now.keys()
        changed = {number for number in both if now[number].lane != before[number].lane}
        if tick % 2:
            assert not changed, "a link is worked on every other tick"
        for number in sorted(both) if tick % 2 == 0 else ():
            one = before[number]
            crowd = any(abs(before[other].pos - one.pos) < NEAR_M for other in changed - {number})
            rests = tick - last.get(number, -REST_TICKS) < REST_TICKS
            if crowd or rests or not CLEAR_M < one.pos < ROAD_M - CLEAR_M:
                continue
            if not has_room(before, one):
                assert number not in changed
                continue
            gain, brake = incentive(before, one, politeness)
            impolite, _ = incentive(before, one, 0.0)
            looks.append(Look(gain, impolite, brake, number in changed))
        last |= dict.fromkeys(changed, tick)
        before = now
    return looks


def seen_in(view: VehicleView) -> dict[int, Seen]:
    columns = (view.id, view.lane, view.pos_m, view.speed_mps, view.kind)
    return {
        int(number): Seen(int(lane), float(pos), float(speed), SLOW if kind == TRUCK else LIMIT)
        for number, lane, pos, speed, kind in zip(*columns, strict=True)
    }


@pytest.mark.parametrize("politeness", [0.0, 0.3, 1.0])
def test_who_changes_gains_enough_and_harms_nobody(politeness):
    looks = [look for seed in range(6) for look in watched(politeness, seed)]
    changed = [look for look in looks if look.changed]
    assert len(changed) > 40
    assert min(look.gain for look in changed) > THRESHOLD - ROUNDING
    assert max(look.brake for look in changed) < SAFE_BRAKE + ROUNDING
    # Half of those who would change do, within three standard errors.
    would = [
        look.changed
        for look in looks
        if look.gain > THRESHOLD + ROUNDING and look.brake < SAFE_BRAKE - ROUNDING
    ]
    assert abs(np.mean(would) - 0.5) < 3.0 * 0.5 / np.sqrt(len(would))
    # There were those whom politeness alone kept in their lane.
    kept = [look for look in looks if look.gain < THRESHOLD - ROUNDING < look.impolite]
    polite = sum(look.brake < SAFE_BRAKE for look in kept)
    assert polite > 5 if politeness else polite == 0
