"""Dispatch, queue and hospital rules, each chosen by its name in the scenario."""
