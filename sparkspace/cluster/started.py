"""A launcher that was started: what is seen of it, and when. At its end nothing of it is left."""

from __future__ import annotations

import collections
import contextlib
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from ..errors import CheckFailed, LaunchError
from .kin import LOOK_EVERY_S, Kin

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "sparkspace-splits "  # what begins the one line of code/splits.py
SPEAKS = re.compile(r"\d\d:\d\d:\d\d [A-Z]+ ")  # conf-templates/log4j2.properties.j2
LAST_LINES = 30
ENDS_WITHIN_S = 10.0
LAST_WORDS_WITHIN_S = 1.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Sign = Callable[[Sequence[str]], bool]  # whether a command is what is waited for


class Started:
    """A launcher of ``bin/``, in a session of its own. ``seen``: what was seen of it, and when (seconds since 1970)."""

    def __init__(
        self, name: str, args: Sequence[str], env: Mapping[str, str], signs: Mapping[str, Sign], end: float
    ) -> None:
        """Start it.

        Args:
            name: of the file in ``bin/``.
            args: what it is given.
            env: all that it sees.
            signs: what to look for among the commands of its session.
            end: when patience ends, by ``time.monotonic``.

        Raises:
            LaunchError: it is missing or can't run.
        """
        self._name, self._signs, self._end = name, signs, end
        self._program = str(ROOT / "bin" / name)
        self._lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self.seen: dict[str, float] = {}
        self.told = ""  # the job's line
        self.begun = time.time()
        try:
            self._process = subprocess.Popen(
                [self._program, *args], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise LaunchError(f"Can't run {self._program}: {error.strerror}.") from error
        self._kin = Kin(self._process.pid)
        streams = (self._process.stdout, self._process.stderr)  # apart: Spark writes into the midst of a job's line
        self._readers = [threading.Thread(target=self._read, args=[stream], daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would break this off
        self._kin.end()
        self._process.wait()
        self._hear_out()

    @property
    def speaks(self) -> bool:
        """Whether Spark's log has begun."""
        return "speaks" in self.seen

    def look(self) -> None:
        """Note what is seen for the first time. ``exec``: the launcher has become another program."""
        there, now = self._kin.look(), time.time()
        if self._program not in there.get(self._process.pid, [self._program]):
            self.seen.setdefault("exec", now)
        for name, sign in self._signs.items():
            if any(map(sign, there.values())):
                self.seen.setdefault(name, now)

    def wait(self, what: str, is_so: Callable[[], bool], *others: Started) -> None:
        """Look, also at ``others``, until it is so, and note when.

        Raises:
            CheckFailed: the launcher has ended, or the time is over.
        """
        while not is_so():
            for each in (self, *others):
                each.look()
            self._refuse_end(is_so)
            if time.monotonic() > self._end:
                raise self._failed("was not ready in time (--timeout)")
            time.sleep(LOOK_EVERY_S)
        self.seen.setdefault(what, time.time())

    def finish(self) -> None:
        """Let it end by itself: an event log is complete only then. Bounded."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS_WITHIN_S)

    def _refuse_end(self, is_so: Callable[[], bool]) -> None:
        """It may have said, as its last word, what is waited for."""
        code = self._process.poll()
        if code is not None:
            self._hear_out()
            if not is_so():
                raise self._failed(f"ended with exit code {code}")

    def _hear_out(self) -> None:
        for reader in self._readers:
            reader.join(LAST_WORDS_WITHIN_S)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                if SPEAKS.match(line):
                    self.seen.setdefault("speaks", time.time())
                if line.startswith(MARK):
                    self.told = line[len(MARK) :]
                self._lines.append(line)

    def _failed(self, how: str) -> CheckFailed:
        return CheckFailed(f"bin/{self._name} {how}. Its last lines:", "".join(self._lines))
