"""Where pyspark turns a function into bytes: there it gets its envelope. The seams are private: tested per version."""

from __future__ import annotations

from . import broadcasts, caching, frames, functions, rdds, sources
from .active import Hooks

HOOKS = Hooks(functions.install, rdds.install, frames.install, caching.install, broadcasts.install, sources.install)
