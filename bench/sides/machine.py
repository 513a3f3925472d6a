"""What a benchmark runs on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from sparkspace import launch


@dataclass(frozen=True)
class Machine:
    """A machine and its versions; ``load`` is the load average of the minute before."""

    processor: str
    cores: int
    memory_gb: int
    system: str
    load: float
    spark: str
    java: str
    python: str

    @property
    def is_busy(self) -> bool:
        """Whether something else was at work: then only ratios say something, if anything does."""
        return self.load > self.cores / 2

    def __str__(self) -> str:
        load = f"load {self.load:.1f} before" + (", so the machine was busy with other things" if self.is_busy else "")
        where = f"{self.cores} cores ({self.processor}), {self.memory_gb} GB, {self.system}"
        return f"{where}; Spark {self.spark}, Java {self.java}, Python {self.python}; {load}"


def this() -> Machine:
    """This one, now."""
    return Machine(
        processor=processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
        load=round(os.getloadavg()[0], 1),
        spark=version("pyspark"),
        java=java(),
        python=platform.python_version(),
    )


def processor() -> str:
    """As /proc/cpuinfo has it; x86 alone has a name there."""
    found = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return re.sub(r"\s+", " ", found[1]) if found else platform.machine()


def java() -> str:
    """The whole version of the Java that Spark runs on here."""
    program = launch.java_home(os.environ) / "bin" / "java"
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stderr
    found = re.search(r'version "([^"]+)"', said)
    return found[1] if found else "unknown"
