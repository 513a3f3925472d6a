"""Memory: what a dyno is measured to have, and what each Spark process gets of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sparkspace import sizing
from sparkspace.box.sizes import MEMORY_MB
from sparkspace.config import LEAST_MEMORY_MB, Settings
from sparkspace.errors import ConfigError, LaunchError
from sparkspace.sizing import MB, Capacity, Executor

V1, V2 = sizing.CGROUP_LIMITS
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MB
GB = 1024 * MB
SIZES = sorted({*MEMORY_MB.values(), 1536, 1900, 2000, 3000, 4096, 200 * 1024, 1024 * 1024})


@pytest.mark.parametrize(
    ("files", "ram", "memory_mb"),
    [
        ({}, "", MACHINE),
        ({V1: f"{GB}\n"}, "", 1024),
        ({V2: f"{GB}\n"}, "", 1024),
        ({V2: "max\n"}, "", MACHINE),
        ({V1: "9223372036854771712\n"}, "", MACHINE),
        ({V1: "9223372036854771712\n", V2: f"{GB}"}, "", 1024),
        ({V1: "-1\n"}, "", MACHINE),
        ({V1: "0"}, "", MACHINE),
        ({V1: ""}, "", MACHINE),
        ({V1: "much"}, "", MACHINE),
        ({V1: str(1 << 50)}, "", MACHINE),
        ({}, "512", 512),
        ({V1: str(GB)}, "512", 512),
        ({V1: str(GB)}, "2048", 1024),
        ({V2: "max"}, "1024", 1024),
        ({}, "0", MACHINE),
        ({}, "1 GB", MACHINE),
        ({}, "²", MACHINE),
        ({}, "9" * 5000, MACHINE),
    ],
)
def test_memory_is_the_least_that_is_told(tmp_path: Path, files: dict[str, str], ram: str, memory_mb: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = sizing.capacity({"DYNO_RAM": ram}, tmp_path)
    assert found == Capacity(min(memory_mb, MACHINE), len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("memory_mb", SIZES)
def test_worker_and_its_executors_fit(memory_mb: int) -> None:
    """One executor with all of it, or many of the least size: with their overhead and the daemon, at most 95 %."""
    if memory_mb < 1536:
        with pytest.raises(LaunchError):
            sizing.worker_memory_mb(Capacity(memory_mb, 2))
        return
    offer = sizing.worker_memory_mb(Capacity(memory_mb, 2))
    assert offer >= LEAST_MEMORY_MB
    assert offer + max(offer * 0.1, 384) + sizing.DAEMON_MB <= 0.95 * memory_mb
    assert offer >= 0.5 * memory_mb or memory_mb < 2560, "too careful: memory that is paid for lies idle"


@pytest.mark.parametrize("memory_mb", SIZES)
def test_driver_fits(memory_mb: int) -> None:
    heap = sizing.driver_memory_mb(Settings.from_env({}), Capacity(memory_mb, 2))
    assert heap + max(heap * 0.1, 384) <= 0.95 * memory_mb
    assert LEAST_MEMORY_MB <= heap <= 2048
    assert heap == 2048 or memory_mb < 2560


@pytest.mark.parametrize(
    ("size", "worker_mb", "driver_mb"),
    [
        ("Private-S", None, 588),
        ("Private-M", 1536, 2048),
        ("Private-L", 11915, 2048),
        ("Private-L-RAM", 26065, 2048),
        ("Private-XL", 54364, 2048),
        ("Private-2XL", 110963, 2048),
    ],
)
def test_sizes_of_a_private_space(size: str, worker_mb: int | None, driver_mb: int) -> None:
    capacity = Capacity(MEMORY_MB[size], 2)
    assert sizing.driver_memory_mb(Settings.from_env({}), capacity) == driver_mb
    if worker_mb:
        assert sizing.worker_memory_mb(capacity) == worker_mb
    else:
        with pytest.raises(LaunchError) as caught:
            sizing.worker_memory_mb(capacity)
        assert caught.value.message == "A dyno of 1024 MB can't hold a Spark worker and an executor."


@pytest.mark.parametrize(
    ("asked", "memory_mb", "given"),
    [("512m", 1024, 512), ("1g", 1024, 1024), ("12g", 14336, 12288), ("3g", 2560, None), ("1025m", 1024, None)],
)
def test_operators_driver_is_taken_or_refused(asked: str, memory_mb: int, given: int | None) -> None:
    settings = Settings.from_env({"SPARK_DRIVER_MEMORY": asked})
    if given:
        assert sizing.driver_memory_mb(settings, Capacity(memory_mb, 2)) == given
        return
    with pytest.raises(ConfigError) as caught:
        sizing.driver_memory_mb(settings, Capacity(memory_mb, 2))
    assert caught.value.message.startswith(f"SPARK_DRIVER_MEMORY must fit into this dyno of {memory_mb} MB, but it is")


@pytest.mark.parametrize(
    ("asked", "smallest_worker_mb", "given"),
    [
        ("", None, 12288),
        ("", 1536, 1536),
        ("", 26065, 12288),
        ("", 100, LEAST_MEMORY_MB),
        ("600m", None, 600),
        ("600m", 26065, 600),
        ("40g", 1536, 40960),
    ],
)
def test_executor(asked: str, smallest_worker_mb: int | None, given: int) -> None:
    settings = Settings.from_env({"SPARK_EXECUTOR_MEMORY": asked})
    smallest = Capacity(smallest_worker_mb, 8) if smallest_worker_mb else None
    assert sizing.executor(settings, smallest) == Executor(given, None)


@pytest.mark.parametrize(
    ("asked", "smallest", "given"),
    [
        ("", None, Executor(1024, 1)),
        ("", Capacity(1536, 1), Executor(1536, 1)),
        ("", Capacity(1536, 2), Executor(1536, 2)),
        ("", Capacity(1536, 8), Executor(512, 2)),
        ("", Capacity(11915, 4), Executor(5957, 2)),
        ("", Capacity(26065, 8), Executor(6516, 2)),
        ("", Capacity(200_000, 2), Executor(12288, 2)),
        ("600m", None, Executor(600, 1)),
        ("600m", Capacity(11915, 8), Executor(600, 1)),
        ("3g", Capacity(11915, 8), Executor(3072, 2)),
        ("11g", Capacity(11915, 8), Executor(11264, 7)),
        ("40g", Capacity(11915, 8), Executor(40960, 8)),
    ],
)
def test_elastic_executor_has_as_large_a_part_of_the_memory_as_of_the_cores(
    asked: str, smallest: Capacity | None, given: Executor
) -> None:
    settings = Settings.from_env({"SPARK_EXECUTOR_MEMORY": asked, "SPARKSPACE_DYNAMIC_ALLOCATION": "true"})
    assert sizing.executor(settings, smallest) == given


def test_operations_tell_what_sizes_give() -> None:
    """The table of docs/operations.md, against the formula."""
    text = (Path(__file__).resolve().parent.parent / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| (private-\S+) \| (\d+) MB \| (\S+)(?: MB)? \| (\d+) MB \|", text, re.MULTILINE)
    assert [(name.lower(), str(mb)) for name, mb in MEMORY_MB.items()] == [row[:2] for row in rows]
    for _, memory, offer, driver in rows:
        size = Capacity(int(memory), 2)
        assert sizing.driver_memory_mb(Settings.from_env({}), size) == int(driver)
        if offer == "–":
            with pytest.raises(LaunchError):
                sizing.worker_memory_mb(size)
        else:
            assert sizing.worker_memory_mb(size) == int(offer)
