"""Dispatch, queue, hospital and move-up rules, each chosen by its name in the scenario."""

from twin.agents.policies import dispatch, hospital, moveup, queue
from twin.agents.policies.registry import (
    check_policies,
    find,
    known,
    make,
    over,
    register,
    rule_groups,
)

__all__ = [
    "check_policies",
    "dispatch",
    "find",
    "hospital",
    "known",
    "make",
    "moveup",
    "over",
    "queue",
    "register",
    "rule_groups",
]
