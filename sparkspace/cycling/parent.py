"""The first process of a dyno that runs Spark: starts it, minds the signals, and ends with it.

``python -I -S parent.py worker|driver PROGRAM ARGUMENT…``. It runs by path, with the standard library alone: it stays
for the dyno's whole life, beside a JVM that wants the memory.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from sparkspace.cycling.driver import Driver  # noqa: E402
from sparkspace.cycling.worker import Worker  # noqa: E402

KINDS: dict[str, type[Worker] | type[Driver]] = {"worker": Worker, "driver": Driver}


if __name__ == "__main__":
    sys.exit(KINDS[sys.argv[1]](sys.argv[2:], os.environ).keep())
