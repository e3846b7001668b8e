"""Trips and calls: when and where they start, drawn before the run."""
