"""What a Python worker unpickles first. It goes by value, so it is small, and imports nothing of ours."""

from __future__ import annotations

from typing import Any


def start(parcels: Any, digest: str, inner: bytes, ran: Any) -> Any:  # noqa: ANN401  # Broadcasts, and what was pickled
    """Unpickle a function with version ``digest`` of the user's code: ``boot.worker.Worker.enter``."""
    import sys
    import types

    package = "_sparkspace_boot"
    if f"{package}.worker" not in sys.modules:
        sys.modules[package] = types.ModuleType(package)
        for name, source in parcels[0].value["boot"].items():
            module = types.ModuleType(f"{package}.{name}")
            module.__package__ = package
            sys.modules[module.__name__] = module
            exec(compile(source, f"sparkspace/code/boot/{name}.py", "exec"), module.__dict__)
    return sys.modules[f"{package}.worker"].WORKER.enter(digest, parcels, inner, ran)


def running(_: int) -> tuple[str, str]:
    """Which executor this is, and the version that it runs. Takes a while: one executor shall not have all tasks."""
    import sys
    import time

    time.sleep(0.02)
    worker = sys.modules["_sparkspace_boot.worker"]
    return worker.where(), worker.WORKER.digest
