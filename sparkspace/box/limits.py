"""Memory limits of dynos: shown to every dyno, and enforced by cgroups where those can be written."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

MB = 1024 * 1024
CGROUPS = Path("/sys/fs/cgroup")
VERSION_1 = CGROUPS / "memory"


class Limits:
    """The box's own cgroup, with one below it for each dyno. Version 1 and 2 differ in names alone."""

    def __init__(self, box: str) -> None:
        self.problem = ""
        self._folder, self._limit, self._events = self._open(box)

    @staticmethod
    def path(box: str) -> Path:
        """Where the cgroup of a box is, if it has one."""
        return (VERSION_1 if VERSION_1.is_dir() else CGROUPS) / box

    def _open(self, box: str) -> tuple[Path | None, str, str]:
        old = VERSION_1.is_dir()
        names = ("memory.limit_in_bytes", "memory.oom_control") if old else ("memory.max", "memory.events")
        folder = self.path(box)
        try:
            folder.mkdir()
            if not old:
                (folder / "cgroup.subtree_control").write_text("+memory")
            return folder, *names
        except OSError as error:
            self.problem = f"{folder}: {error.strerror}"
            self.remove_all(folder)
            return None, *names

    @property
    def folder(self) -> str:
        """Where the box's cgroup is; empty when limits are not enforced."""
        return str(self._folder or "")

    def add(self, dyno: str, memory_mb: int) -> str:
        """Make a dyno's cgroup. Returns the file that a process writes 0 to, to be in it; empty: not enforced."""
        if not self._folder:
            return ""
        folder = self._folder / dyno
        try:
            folder.mkdir()
            (folder / self._limit).write_text(str(memory_mb * MB))
        except OSError as error:
            self.problem = f"{folder}: {error.strerror}"
            return ""
        return str(folder / "cgroup.procs")

    def enter(self, dyno: str, pid: int) -> None:
        """Put a process and its children into a dyno's cgroup: those of a command that is run inside."""
        import psutil

        if not self._folder:
            return
        with contextlib.suppress(OSError, psutil.Error):  # it has ended, or limits are not enforced
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                (self._folder / dyno / "cgroup.procs").write_text(str(process.pid))

    def remove(self, dyno: str) -> int:
        """Remove a dyno's cgroup, whose processes are gone. Returns how many of them were killed for their memory."""
        if not self._folder or not (self._folder / dyno).is_dir():
            return 0
        events: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError):
            lines = (self._folder / dyno / self._events).read_text().splitlines()
            events = dict(line.split(maxsplit=1) for line in lines)
        self.remove_all(self._folder / dyno)
        return int(events.get("oom_kill", "0"))

    @classmethod
    def remove_all(cls, folder: Path) -> None:
        """Remove a cgroup and those below it. One that still has processes stays."""
        if not folder.is_dir():
            return
        for child in folder.iterdir():
            if child.is_dir():
                cls.remove_all(child)
        for _ in range(20):  # the kernel may still be busy with a process that has just ended
            try:
                folder.rmdir()
                return
            except OSError:
                time.sleep(0.02)
