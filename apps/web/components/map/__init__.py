"""The stage of the page: the map and all that is linked with its clock.

`src/` holds the sources and `twin-map.bundle.js` what browsers load; `build.py` makes the second
from the first.
"""

from apps.web.components.map.component import TwinMap

__all__ = ["TwinMap"]
