"""Units: ambulances, engines, their crews and shifts, what keeps them from calls."""
