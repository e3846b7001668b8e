"""Merging in turns: where lanes become fewer, and where one joins an expressway.

Each driver who comes first in a lane sees who is to enter the same lane before him and follows that
one as if he drove ahead in the own lane, so the gap is open when they meet and nobody stops. Who
goes first is told by one number for each lane: both sides read it alike, so nobody waits for one
who waits for him. In slow streams drivers take turns (Cassidy and Ahn 2005, "Driver turn-taking
behavior in congested freeway merges", Transp. Res. Rec. 1934); a free stream has the right of way.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.junctions import STUCK_TICKS, entry_lane
from twin.traffic.kernels.layout import AT_STOP, BIG, LENGTH, Net, Records, State

JOINS = 2
"""`merges` of a turn that joins an expressway; 1 for another road."""
FREE_GAP_S = np.float32(2.0)
"""Gap before a free stream that a joining driver takes at once: the headway of a car that follows
and half a second (assumption)."""
SHORT_GAP_S = np.float32(0.8)
"""The same when he has waited at the line for `PATIENT_TICKS`."""
PATIENT_TICKS = 3
TAPER = np.float32(0.4)
"""Metres that the gap may still lack for each metre to the line."""
FREE_SHARE = np.float32(0.8)
"""Share of the free-flow speed above which a stream is free."""
TURN_S = np.float32(1.0)
"""Seconds by which a lane stands back that the last one came from."""
ZIP_S = np.float32(10.0)
"""Seconds before the end of a link from which on drivers see each other."""
ZIP_SPEED = np.float32(4.0)
"""Least speed, m/s, at which a coming vehicle is thought to arrive."""


@inlined
def note_zip(x: int, i: int, k: int, net: Net, st: State, R: Records) -> None:
    """Show when and where record `i`, first in lane `x` of link `k`, is about to merge."""
    t = int(R[i].turn)
    v = R[i].vel
    dist = net.link[k].length - R[i].pos
    due = dist / max(v, ZIP_SPEED)
    # Who waits but not for a place (at a stop, in a wrong lane, at a closed link) is not coming.
    waits = int(R[i].wait) > STUCK_TICKS and st.lane[x].aim < 0
    if due > ZIP_S or waits or R[i].marks & AT_STOP:
        return
    own = x - int(net.link[k].lane0)
    aim = int(net.turn[t].lane0) + entry_lane(net, t, own, int(R[i].nlo), int(R[i].nhi))
    if net.turn[t].merges == JOINS:
        if int(R[i].wait) >= PATIENT_TICKS:
            due -= FREE_GAP_S - SHORT_GAP_S
    elif v > FREE_SHARE * net.link[k].speed:
        due -= FREE_GAP_S
    if st.lane[aim].last == x:
        due += TURN_S
    st.lane[x].asks = aim
    st.lane[x].due = due
    st.lane[x].behind = dist + net.kinds[R[i].kind, LENGTH]
    st.lane[x].pace = v


@inner
def zip_leader(
    x: int, k: int, dist: np.float32, net: Net, st: State
) -> tuple[np.float32, np.float32, int]:
    """Return (gap, speed) of who enters the lane that the first of lane `x` enters just before it.

    The gap is negative when they are side by side, and `BIG` when there is nobody. The third value
    is how many go before it where three or more are to enter that lane, else 0.
    """
    gap = BIG
    speed = BIG
    before = 0
    others = 0
    aim = int(st.lane[x].asks)
    due = st.lane[x].due
    node = net.link[k].node
    for m in range(net.node[node].in0, net.node[node].in1):
        other = int(net.in_link[m])
        first = int(net.link[other].lane0)
        for y in range(first, first + int(net.link[other].lanes)):
            if st.lane[y].asks != aim or y == x:
                continue
            others += 1
            if st.lane[y].due < due or (st.lane[y].due == due and y < x):
                before += 1
                ahead = dist * TAPER + dist - st.lane[y].behind
                if ahead < gap:
                    gap = ahead
                    speed = st.lane[y].pace
    return gap, speed, before if others > 1 else 0
