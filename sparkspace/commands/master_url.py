"""``bin/master-url``: print the master URL of this cluster, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import Dyno, Settings
from ..errors import UsageError
from ..topology import master_url


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print ``spark://1.master.…:7077[,…]``.

    Raises:
        UsageError: it takes no arguments.
    """
    if args in (["--help"], ["-h"]):
        print("Usage: bin/master-url\n\nPrint the URL of the cluster's masters (SPARK_MASTERS of them).")
        return 0
    if args:
        raise UsageError(f"bin/master-url takes no arguments, but got {args[0]!r}.")
    print(master_url(Dyno.from_env(env), Settings.from_env(env)))
    return 0
