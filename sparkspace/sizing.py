"""How much memory and how many cores each Spark process gets on a dyno.

A dyno of a Private Space is killed at 1.0 × its quota, without the grace of the Common Runtime
(devcenter.heroku.com/articles/dyno-memory-behavior), so nothing is planned above 95 % of it::

    dyno        worker offers   how: (0.95 × dyno − 512 MB for the Worker itself) ÷ 1.1 for what an executor
    1 GB        -                    takes outside its heap, at least 384 MB (as spark.executor.memoryOverhead)
    2.5 GB      1536 MB
    14 GB       11915 MB
    30 GB       26065 MB
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .config import LEAST_MEMORY_MB, Settings
from .errors import ConfigError, LaunchError

MB = 1024 * 1024
DAEMON_MB = 512  # a Worker or Master: 256 MB of heap took 220 MB resident in all, plus room for a busy day
DAEMON_HEAP = "384m"
OVERHEAD = 1.1
LEAST_OVERHEAD_MB = 384
DEFAULT_EXECUTOR_MB = 12 * 1024
DEFAULT_DRIVER_MB = 2 * 1024
# With dynamic allocation. Fewer cores each are more heaps, copies of broadcasts and fetches; more come and go in lumps.
ELASTIC_CORES = 2
ELASTIC_EXECUTOR_MB = 1024  # spark.executor.memory of Spark itself

CGROUP_LIMITS = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Capacity:
    """What a dyno can give."""

    memory_mb: int
    cores: int


def capacity(env: Mapping[str, str], root: Path = Path("/")) -> Capacity:
    """Measure this dyno: its memory limit and the cores that it may run on.

    The limit is the least of those that are told: cgroup v1's (a Cedar dyno's), v2's (newer systems'), ``DYNO_RAM``
    (MB; exported by Heroku's Python buildpack), and what the machine has.
    """
    limits = [*(_cgroup_mb(root / path) for path in CGROUP_LIMITS), _whole(env.get("DYNO_RAM", "")), _machine_mb()]
    return Capacity(min(mb for mb in limits if mb), len(os.sched_getaffinity(0)))


def _cgroup_mb(path: Path) -> int:
    """The limit in MB; 0 when none is told. No limit is "max" in v2, and in v1 more than any machine has."""
    try:
        return _whole(path.read_text().strip()) // MB
    except OSError:
        return 0


def _whole(text: str) -> int:
    """The whole number that ``text`` is; 0 when it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,19}", text) else 0


def _machine_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MB


def worker_memory_mb(capacity: Capacity) -> int:
    """What a Spark worker can offer to executors, as heap.

    Raises:
        LaunchError: the dyno is too small for a Worker and one executor.
    """
    usable = int(capacity.memory_mb * 0.95) - DAEMON_MB
    offer = min(int(usable / OVERHEAD), usable - LEAST_OVERHEAD_MB)
    if offer < LEAST_MEMORY_MB:
        raise LaunchError(
            f"A dyno of {capacity.memory_mb} MB can't hold a Spark worker and an executor.",
            "Choose a larger size: heroku ps:type worker=Private-M   (a box: bin/sparkspace scale worker=2:Private-M)",
        )
    return offer


def driver_memory_mb(settings: Settings, capacity: Capacity) -> int:
    """The driver's heap: the operator's value, else 2 GB or what the dyno can hold.

    Raises:
        ConfigError: the operator asked for more than the dyno has; it would be killed, not slowed.
    """
    usable = int(capacity.memory_mb * 0.95)
    most = max(min(int(usable / OVERHEAD), usable - LEAST_OVERHEAD_MB), LEAST_MEMORY_MB)
    if settings.driver_memory_mb is None:
        return min(DEFAULT_DRIVER_MB, most)
    if settings.driver_memory_mb > capacity.memory_mb:
        raise ConfigError(
            "SPARK_DRIVER_MEMORY",
            f"must fit into this dyno of {capacity.memory_mb} MB",
            f"{settings.driver_memory_mb}m",
            f"{most}m",
        )
    return settings.driver_memory_mb


@dataclass(frozen=True)
class Executor:
    """What each executor of an application takes of its worker."""

    memory_mb: int  # its heap
    cores: int | None = None  # None: all that its worker has free


def executor(settings: Settings, smallest: Capacity | None) -> Executor:
    """An executor's share of the smallest registered worker; of one that is not known yet when ``smallest`` is None.

    Usually one executor takes a worker: the operator's memory, else 12 GB or all that it offers. With dynamic
    allocation it has a fixed number of cores (SPARK-30299: without one, Spark asks for far too many executors), and the
    same part of the memory.
    """
    if settings.allocation:
        return _share(settings.executor_memory_mb, smallest)
    if settings.executor_memory_mb is not None:
        return Executor(settings.executor_memory_mb)
    if smallest is None and settings.scaling:  # the first worker comes for it, and has to have room for it
        return Executor(ELASTIC_EXECUTOR_MB)
    most = smallest.memory_mb if smallest else DEFAULT_EXECUTOR_MB
    return Executor(max(min(DEFAULT_EXECUTOR_MB, most), LEAST_MEMORY_MB))


def _share(chosen_mb: int | None, smallest: Capacity | None) -> Executor:
    """Two cores and their memory, or the operator's memory and its cores. Of an unknown worker, what any has."""
    if smallest is None:
        return Executor(chosen_mb or ELASTIC_EXECUTOR_MB, 1)
    if chosen_mb:
        return Executor(chosen_mb, max(1, min(smallest.cores, smallest.cores * chosen_mb // smallest.memory_mb)))
    cores = min(ELASTIC_CORES, smallest.cores)
    memory_mb = min(DEFAULT_EXECUTOR_MB, smallest.memory_mb * cores // smallest.cores)
    return Executor(max(memory_mb, LEAST_MEMORY_MB), cores)
