"""What a Python worker unpickles first. It goes by value, so it is small, and imports nothing of ours."""

from __future__ import annotations

from typing import Any


def start(parcels: Any, digest: str, inner: bytes, ran: Any) -> Any:  # noqa: ANN401  # Broadcasts, and what was pickled
    """Unpickle a function with version ``digest`` of the user's code: ``boot.Worker.enter``."""
    import sys
    import types

    boot = sys.modules.get("_sparkspace_boot")
    if boot is None:
        boot = types.ModuleType("_sparkspace_boot")
        sys.modules[boot.__name__] = boot
        exec(compile(parcels[0].value["boot"], "sparkspace/code/boot.py", "exec"), boot.__dict__)
    return boot.WORKER.enter(digest, parcels, inner, ran)


def running(_: int) -> tuple[str, str]:
    """Which executor this is, and the version that it runs. Takes a while: one executor shall not have all tasks."""
    import sys
    import time

    time.sleep(0.02)
    boot = sys.modules["_sparkspace_boot"]
    return boot.where(), boot.WORKER.digest
