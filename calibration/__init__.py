"""From a city's feeds to a city that behaves like the real one."""
