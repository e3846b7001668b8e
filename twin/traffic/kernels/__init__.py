"""Compiled loops: arrays in, arrays out. Nothing here knows what an agent is."""
