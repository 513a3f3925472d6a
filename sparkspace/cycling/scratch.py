"""What executors keep on the dyno's disk, and what those that were killed leave behind.

Spark's Worker removes an executor's blocks when its application ends (``Worker.maybeCleanupApplication``). One that is
killed (no memory, kill -9) can't remove its own before, and a shell's application lasts for days: a dyno's small disk
would fill up. So each executor has folders of its own, named after its process, and they go when that has gone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from .executor import SCRATCH_PREFIX


class Scratch:
    """The folders of all executors of a dyno. ``env`` is its Worker's."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._roots = [Path(root) for root in env.get("SPARK_LOCAL_DIRS", "").split(",") if root]
        self._is_served = serves_shuffles(Path(env.get("SPARK_CONF_DIR", ""), "spark-defaults.conf"))

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


def serves_shuffles(conf: Path) -> bool:
    """Whether the Worker has Spark's shuffle service: it serves blocks of executors that have gone."""
    try:
        found = re.findall(r"^spark\.shuffle\.service\.enabled=\s*(\w+)", conf.read_text(), re.MULTILINE)
    except OSError:
        return False
    return found[-1:] == ["true"]
