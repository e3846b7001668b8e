"""What came of a run's buses, in a sentence."""

from __future__ import annotations

from apps.report.stored import Buses


def bus_sentence(buses: Buses) -> str:
    """Return how many stops were served, how punctually, how fast, and what was left out."""
    counts = (
        f"Buses: {buses.runs_ended:,} runs ended, {buses.stops_served:,} stops served, "
        f"{buses.stops_missed:,} missed"
    )
    said = [counts]
    if buses.punctual_share is not None and buses.mean_late_s is not None:
        said.append(
            f"{100.0 * buses.punctual_share:.0f}% left from 1 min early to 5 min late, "
            f"{buses.mean_late_s:+.0f} s on average"
        )
    if buses.mean_speed_mps is not None:
        said.append(f"{3.6 * buses.mean_speed_mps:.1f} km/h with stops")
    if buses.left_out:
        what = ", ".join(f"{name}: {n:,}" for name, n in buses.left_out.items())
        said.append(f"left out: {what}")
    return "; ".join(said) + "."
