"""Rules of dispatch, queue, reassignment, hospital and move-up, each chosen by its name."""

from twin.agents.policies import (
    beats,
    by_cover,
    dispatch,
    hospital,
    moveup,
    moveup_double,
    moveup_tables,
    queue,
    reassign,
    recorded,
    soonest,
)
from twin.agents.policies.registry import (
    check_policies,
    find,
    known,
    make,
    meant,
    over,
    policy_faults,
    register,
    rule_groups,
)

__all__ = [
    "beats",
    "by_cover",
    "check_policies",
    "dispatch",
    "find",
    "hospital",
    "known",
    "make",
    "meant",
    "moveup",
    "moveup_double",
    "moveup_tables",
    "over",
    "policy_faults",
    "queue",
    "reassign",
    "recorded",
    "register",
    "rule_groups",
    "soonest",
]
