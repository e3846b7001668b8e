"""The `twin` command, one module a verb."""
