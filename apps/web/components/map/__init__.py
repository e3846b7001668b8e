"""The stage of the page: the map and all that is linked with its clock.

`src/` holds the sources, `twin-map.bundle.js` what browsers load, `build.py` makes one of the other.
"""

from apps.web.components.map.component import TwinMap

__all__ = ["TwinMap"]
