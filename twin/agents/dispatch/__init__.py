"""Who is sent: the dispatcher, the free units, forecasts of those at work."""
