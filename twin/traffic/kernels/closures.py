"""Closed links: who may enter one."""

from __future__ import annotations

from twin.traffic.kernels.jit import inlined
from twin.traffic.kernels.layout import Records


@inlined
def is_barred(link: Records, k: int, to: int) -> bool:
    """Return whether nobody may pass from link `k` on to link `to`, which is closed.

    Who is on a closed street drives on over its further links until he is out of it: on a closed
    bridge there is no other way. Links that were closed at another time are not his.
    """
    return bool(link[to].closed != 0 and link[to].closed != link[k].closed)
