"""Twin: a city that can be run. Traffic, ambulance and fire dispatch, and incidents."""
