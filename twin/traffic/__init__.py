"""Movement: vehicles, routes, control, and the one call that agents make of it."""
