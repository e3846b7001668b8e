"""Dispatch, queue and hospital rules, each chosen by its name in the scenario."""

from twin.agents.policies import dispatch, hospital, queue
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
    "over",
    "queue",
    "register",
    "rule_groups",
]
