"""A city: network, places, zones, demand and service times, saved as one bundle."""
