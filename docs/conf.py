"""Sphinx settings; `make docs` builds with every warning an error."""

from __future__ import annotations

import sys
from pathlib import Path

project = "Twin"
author = "The Twin authors"
project_copyright = "2026, the Twin authors"

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

extensions = ["declared", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Twin"
html_static_path = ["_static"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
