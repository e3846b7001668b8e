"""The road graph as column tables, its readers, its clean-up and its signals."""
