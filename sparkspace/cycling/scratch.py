"""What executors keep on the dyno's disk, and what those that were killed leave behind.

Spark's Worker removes an executor's blocks when its application ends (``Worker.maybeCleanupApplication``). One that is
killed (no memory, kill -9) can't remove its own before, and a shell's application lasts for days: a dyno's small disk
would fill up. So each executor has folders of its own, named after its process, and they go when that has gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from .executor import SCRATCH_PREFIX, of_worker


class Scratch:
    """The folders of all executors of a dyno. ``env`` is its Worker's."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._roots = [Path(root) for root in env.get("SPARK_LOCAL_DIRS", "").split(",") if root]
        # Spark's shuffle service serves the blocks of executors that have gone.
        self._is_served = of_worker(env, "spark.shuffle.service.enabled") == "true"

    def sweep(self, living: Collection[int]) -> int:
        """Remove the folders of processes that are not ``living``. Returns how many there were."""
        if self._is_served:
            return 0
        left = [
            folder
            for root in self._roots
            for folder in root.glob(f"spark-*/executor-*/{SCRATCH_PREFIX}*")
            if int(folder.name.removeprefix(SCRATCH_PREFIX)) not in living
        ]
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return len(left)
