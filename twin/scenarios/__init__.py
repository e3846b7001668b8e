"""Scenarios: one schema, a catalogue, and timed changes."""
