"""The web page that `twin serve` shows."""
