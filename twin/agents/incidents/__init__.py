"""Incidents: calls, fires, collisions, disasters; what they ask for; what becomes of people."""
