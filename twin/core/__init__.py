"""Clock, random streams, units and errors: what every other package stands on."""
