"""What a Python worker does before it unpickles a function: it becomes the version that the function was made with.

Sent to executors as source, inside the broadcast that has the code, so nothing of ours has to be installed there, and
two versions of sparkspace can share a cluster. Standard library only (and what a worker has loaded of pyspark).
The driver uses ``modules``, too: both import a project's modules in the same way.

Never ``importlib.invalidate_caches()`` here: it reads the directory of Spark's core jar anew, which is on every
worker's path, for 40 ms and more. Folders named after their content need no invalidation.
"""

from __future__ import annotations

from pathlib import Path

SENT = ("tasks", "modules", "codes", "homes", "broadcasts", "worker")  # each needs none but those before it


def sources() -> dict[str, str]:
    """Module → its source, in the order in which a worker has to run them."""
    here = Path(__file__).parent
    return {name: (here / f"{name}.py").read_text(encoding="utf-8") for name in SENT}
