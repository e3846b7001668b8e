"""The built-in city: Seoul synthesised from public single facts."""

from twin.city.seoul.build import build_seoul

__all__ = ["build_seoul"]
