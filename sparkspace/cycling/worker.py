"""A Spark worker's dyno: what Spark wants ended is ended, and at SIGTERM the Worker is drained before it dies."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from ..log import event, listen
from . import processes
from .scratch import Scratch
from .teller import Teller
from .words import Words

# Heroku sends SIGKILL 30 s after SIGTERM: devcenter.heroku.com/articles/dyno-shutdown-behavior
DRAIN_WITHIN_S = 26.0
GONE_WITHIN_S = 27.5
TOLD_WITHIN_S = 1.0
LOOK_EVERY_S = 0.5
HOOKS_WITHIN_S = 3.0  # of an executor that Spark ends; its own patience is 10 s
SWEEP_EVERY_S = 5.0
DECOMMISSION_TAKES_S = 1.0  # an executor may just be starting
REPEAT_EVERY_S = 2.0
MASTER_WITHIN_S = 12.0  # most failovers are shorter; later, too little of the 26 s would be left for the blocks
# Threads of an executor, by the 15 characters that Linux keeps: of one that its driver knows (``Executor``,
# executor-heartbeater), and of one that knows that it is to go (``CoarseGrainedExecutorBackend.decommissionSelf``,
# wait-for-blocks-to-migrate). From Java 26 on HotSpot leaves out the middle of a longer name (JDK-8368124).
KNOWN = {"executor-heartb", "executo..beater"}
LEAVING = {"wait-for-blocks", "wait-fo..igrate"}
WAITED_FOR = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}


class Worker:
    """Spark's Worker as a child of this process, with its executors."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._words = Words(env)
        self._scratch = Scratch(env)
        self._master_url = command[-1]
        self._secret, self._dyno = env.get("_SPARK_AUTH_SECRET", ""), env.get("DYNO", "")
        self._swept_at = time.monotonic()
        self._unwanted: dict[int, float] = {}  # executors, and since when they are known to be
        self._asked_at = 0.0  # when Spark's Worker was last told to have itself decommissioned
        self._known: set[int] = set()  # executors that their drivers knew then
        self._unaware: dict[int, float] = {}  # executors that have heard nothing of that, and since when
        self._told: set[int] = set()  # those that have been told by us
        signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)  # here they are waited for, and interrupt nothing
        self._process = subprocess.Popen(command, env=dict(env), preexec_fn=stay)

    def keep(self) -> int:
        """Be with the Worker until its end. Returns the exit code for the dyno: 0 when it was drained."""
        while self._process.poll() is None:
            told = signal.sigtimedwait(WAITED_FOR, LOOK_EVERY_S)
            if told and told.si_signo == signal.SIGTERM:
                return self._drain()
            if told and told.si_signo in (signal.SIGINT, signal.SIGHUP):
                return self._end(GONE_WITHIN_S - DRAIN_WITHIN_S)
            self._end_unwanted()
            self._sweep()
        self._words.tell(closing=True)
        return code(self._process.returncode)

    @property
    def _executors(self) -> set[int]:
        """The JVMs that the Worker has started: executors, and drivers submitted to the cluster."""
        return processes.children(self._process.pid)

    def _end_unwanted(self) -> None:
        """End executors that the Worker has sent a SIGTERM. Not at first sight: it may be Heroku's, to all."""
        now = time.monotonic()
        held = {pid for pid in self._executors if processes.is_held(pid, signal.SIGTERM)}
        known = {pid: since for pid, since in self._unwanted.items() if pid in held}
        processes.send(signal.SIGINT, known)
        processes.send(signal.SIGKILL, [pid for pid, since in known.items() if now - since > HOOKS_WITHIN_S])
        self._unwanted = {**dict.fromkeys(held, now), **known}

    def _sweep(self) -> None:
        """Make room: what killed executors have left is of no use to anybody."""
        if time.monotonic() - self._swept_at < SWEEP_EVERY_S:
            return
        if left := self._scratch.sweep(processes.parents().keys()):
            event("swept", executors=left)
        self._swept_at = time.monotonic()

    def _drain(self) -> int:
        """Have the executors finish, and hand on what they have. Bounded."""
        began, teller = time.monotonic(), self._teller()
        event("draining", executors=len(self._executors), within=f"{DRAIN_WITHIN_S:g}s")
        self._words.follow(self._executors)
        self._words.tell()
        self._known = {pid for pid in self._executors if processes.threads(pid) & KNOWN}
        self._decommission()
        while not self._is_drained(time.monotonic() - began) and time.monotonic() - began < DRAIN_WITHIN_S:
            told = signal.sigtimedwait({signal.SIGINT, signal.SIGCHLD}, LOOK_EVERY_S)
            self._tell_unaware(time.monotonic() - began)
            self._words.follow(self._executors)
            self._words.tell()
            if told and told.si_signo == signal.SIGINT:
                break
        left = len(self._executors)
        event("drained" if not left else "cut-off", seconds=f"{time.monotonic() - began:.1f}", executors_left=left)
        ended = self._end(GONE_WITHIN_S - DRAIN_WITHIN_S)
        teller.close(TOLD_WITHIN_S)
        return ended if left else 0

    def _decommission(self) -> None:
        """Have Spark's Worker ask for it. That goes to the master, the driver, and from there to the executors."""
        if not self._asked_at or processes.is_caught(self._process.pid, signal.SIGPWR):  # it would end by a second
            self._process.send_signal(signal.SIGPWR)  # spark.worker.decommission.signal
        self._asked_at = time.monotonic()

    def _tell_unaware(self, after_s: float) -> None:
        """See to executors that have heard nothing of it.

        No master led just then, or it is another since: the Worker is told again, and again, for only through it the
        driver learns that the whole host goes. When that takes too long, they get the signal themselves, and tell their
        drivers. So do those that were just starting, of which their drivers knew nothing then
        (``CoarseGrainedSchedulerBackend.decommissionExecutors``). Once: Spark's handler is not there while it handles
        one (``SignalUtils``), so a second would end them at once. And each way has a moment for itself: an executor
        that is told by its driver as well takes the signal for an error.
        """
        now = time.monotonic()
        self._unaware = {pid: self._unaware.get(pid, now) for pid in self._executors if is_unaware(pid)}
        waiting = {pid for pid, since in self._unaware.items() if now - max(since, self._asked_at) >= REPEAT_EVERY_S}
        now_told = {pid for pid in waiting if after_s > MASTER_WITHIN_S or pid not in self._known} - self._told
        if now_told:
            event("executors-told", executors=len(now_told), reason="have-heard-nothing")
            processes.send(signal.SIGPWR, now_told)  # spark.executor.decommission.signal
            self._told |= now_told
        elif waiting - self._told:
            self._decommission()

    def _teller(self) -> Teller:
        """From now on the masters are told how it goes: what this dyno would count goes with it."""
        teller = Teller(self._master_url, self._secret, self._dyno)
        listen(teller.hear)
        return teller

    def _is_drained(self, after_s: float) -> bool:
        return self._process.poll() is not None or (after_s > DECOMMISSION_TAKES_S and not self._executors)

    def _end(self, within_s: float) -> int:
        """End the Worker and what is left of its executors, and tell what they say. SIGINT runs the JVM's hooks too."""
        everybody = {self._process.pid, *self._executors}
        self._words.follow(everybody - {self._process.pid})
        processes.send(signal.SIGINT, everybody)
        end = time.monotonic() + within_s
        while time.monotonic() < end and (self._process.poll() is None or everybody & processes.parents().keys()):
            time.sleep(0.05)
        self._words.tell(closing=True)
        processes.send(signal.SIGKILL, everybody & processes.parents().keys())
        return code(self._process.wait())


def is_unaware(pid: int) -> bool:
    """Whether this is an executor that its driver gives work to, and that would leave if it was told.

    One that still fetches its application's jars looks the same, for it hears nothing meanwhile. It has no tasks yet.
    """
    threads = processes.threads(pid)
    return bool(threads & KNOWN) and not threads & LEAVING and processes.is_caught(pid, signal.SIGPWR)


def stay() -> None:
    """In the child, before it becomes the Worker: SIGTERM does nothing to it (HotSpot then sets no handler either)."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs come with it ignored
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED_FOR)


def code(status: int) -> int:
    """An exit code as a shell has it: 128 and the signal's number for an end by signal."""
    return 128 - status if status < 0 else status
