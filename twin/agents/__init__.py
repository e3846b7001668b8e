"""Mesa agents with SimPy lives: incident, ambulance, fire engine, station, hospital, dispatcher."""
