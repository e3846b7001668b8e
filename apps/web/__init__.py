"""The web page: `twin serve` shows recorded runs and follows running ones."""

from apps.web.server import serve

__all__ = ["serve"]
