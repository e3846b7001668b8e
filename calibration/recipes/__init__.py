"""Cities built from public files, one module a city."""
