"""Making a driver ready: how large an executor the cluster can really give, said in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .. import launch, sizing, topology
from ..config import Settings
from ..errors import LaunchError, MasterUnreachable
from ..log import event
from . import bucket, flags, handshake, master, roles, waiting

FIRST_WORKER_WITHIN_S = 20.0  # after its master: workers come again within seconds, and there may be none at all
ELSEWHERE = {"--master", "--remote", "--help", "-h", "--version", "--kill", "--status", "spark.master", "spark.remote"}
SET = {"set": "SPARK_EXECUTOR_MEMORY"}
SIZED = {"--executor-memory", "spark.executor.memory"}


def prepare(place: roles.Place, name: str, args: list[str]) -> roles.Launch:
    """Spark's client ``name``, with executors that fit the workers registered now.

    Raises:
        ConfigError, LaunchError: see ``roles.client``.
    """
    place = replace(place, settings=usable(place))
    if needs_a_master(place, args):
        await_master(place)
        await_worker(place, args)
    driver = roles.client(place, name, args, executor(place))
    handshake.refuse_other_secret(place.dyno, place.settings)
    reach_bucket(place)
    make_event_log_dir(place.settings.event_log_dir)
    return driver


def needs_a_master(place: roles.Place, args: Sequence[str]) -> bool:
    """Whether a driver with these arguments needs a master of ours: it is told of no other, and not only to talk."""
    return not said(place, args) & ELSEWHERE and not place.env.get("SPARK_REMOTE")


def said(place: roles.Place, args: Sequence[str]) -> set[str]:
    """Names of flags and of properties that a driver is told of by its user or the operator."""
    given, _ = flags.split(args)
    properties = {value.partition("=")[0].strip() for name, value in given if name in ("--conf", "-c")}
    return properties | {name for name, _ in given} | {name for name, _ in place.settings.extra_conf}


def await_master(place: roles.Place) -> None:
    """Wait until a master leads, for as long as ``SPARKSPACE_MASTER_WAIT_S`` says: a dyno that restarts takes its time.

    Afterwards Spark's own client has its turn, for as long again (``jvm/main/Patience.scala``).
    """
    settings = place.settings
    ask = partial(master.ask_all, topology.master_ui_urls(place.dyno, settings))
    if not settings.master_wait_s or master.leader(ask()):
        return
    event("master-awaited", within=f"{settings.master_wait_s}s", reason="none-leads", var="SPARKSPACE_MASTER_WAIT_S")
    try:
        found = waiting.wait_for_workers(ask, 0, settings.master_wait_s)
        event("master-found", url=found.url)
    except MasterUnreachable as error:
        event("master-missing", problem=error.message)


def await_worker(place: roles.Place, args: Sequence[str]) -> None:
    """Wait a moment for the first worker, whose size says how large an executor is: one too large would never start."""
    settings = place.settings
    chosen = _chosen(settings) and not settings.allocation
    needless = settings.scaling or chosen or said(place, args) & SIZED
    if needless or not settings.master_wait_s:
        return
    ask = partial(master.ask_all, topology.master_ui_urls(place.dyno, settings))
    alive = master.leader(ask())
    if not alive or alive.alive_workers:
        return
    within_s = min(FIRST_WORKER_WITHIN_S, settings.master_wait_s)
    event("worker-awaited", within=f"{within_s:g}s", reason="none-registered", var="SPARKSPACE_MASTER_WAIT_S")
    with contextlib.suppress(MasterUnreachable):  # what it takes then is said next
        waiting.wait_for_workers(ask, 1, within_s)


def usable(place: roles.Place) -> Settings:
    """The settings, without an event log in S3 when this Spark has no client for S3: every job would fail for it.

    Raises:
        LaunchError: there is no Spark.
    """
    settings = place.settings
    if settings.s3 and _lacks_s3(place):
        event("s3", warning="this-spark-has-no-hadoop-aws-jar", event_log="off" if _logs_to_s3(settings) else "on")
        return replace(settings, event_log_dir="") if _logs_to_s3(settings) else settings
    return settings


def refuse_missing_s3(place: roles.Place) -> None:
    """A history server whose event logs are in S3 is nothing without a client for S3.

    Raises:
        LaunchError: this Spark has none.
    """
    if _logs_to_s3(place.settings) and _lacks_s3(place):
        raise LaunchError(
            f"The event logs are in {place.settings.event_log_dir}, and this Spark has no client for S3 (hadoop-aws).",
            "Set SPARKSPACE_EVENT_LOG_DIR to a folder that this Spark can read, or scale history to 0.",
        )


def _logs_to_s3(settings: Settings) -> bool:
    return urlsplit(settings.event_log_dir).scheme in ("s3", "s3a", "s3n")


def _lacks_s3(place: roles.Place) -> bool:
    return not launch.has_jar(place.env, "hadoop-aws-*.jar")


def reach_bucket(place: roles.Place) -> None:
    """Refuse keys that are not the bucket's, and make the folder of event logs there: Spark insists that it exists.

    Raises:
        ConfigError: the bucket or its keys are wrong.
        LaunchError: the store does not answer, and event logs are there.
    """
    s3 = place.settings.s3
    if s3 is None or _lacks_s3(place):
        return
    logs = urlsplit(place.settings.event_log_dir)
    try:
        if _logs_to_s3(place.settings) and logs.netloc == s3.bucket:
            bucket.make_folder(s3, unquote(logs.path))
        else:
            bucket.refuse_unusable(s3)
    except LaunchError as error:
        if _logs_to_s3(place.settings):
            raise
        event("s3", warning="no-answer", problem=error.message)


def executor(place: roles.Place) -> sizing.Executor:
    """What an executor takes. Unless the operator chose it, it depends on the smallest registered worker."""
    alive = master.leader(master.ask_all(topology.master_ui_urls(place.dyno, place.settings)))
    smallest = alive.smallest_worker if alive else None
    found = sizing.executor(place.settings, smallest)
    size = {"memory": f"{found.memory_mb}m"} | ({"cores": found.cores} if found.cores else {})
    if smallest is None:
        reason = "no-worker-registered" if alive else "no-master-answers"
        event("executor-memory", **size, reason=reason, **({} if _chosen(place.settings) else SET))
    elif _chosen(place.settings) and found.memory_mb > smallest.memory_mb:
        event("executor-memory", **size, smallest_worker=f"{smallest.memory_mb}m", warning="may-never-start")
    elif not _chosen(place.settings) and found.memory_mb < sizing.DEFAULT_EXECUTOR_MB:
        event("executor-memory", **size, reason="smallest-worker", **SET)
    return found


def _chosen(settings: Settings) -> bool:
    return settings.executor_memory_mb is not None


def make_event_log_dir(url: str) -> None:
    """Spark insists that the folder exists; a dyno's disk is empty at every start, so a local one is made.

    Raises:
        LaunchError: it can't be made.
    """
    parts = urlsplit(url)
    if parts.scheme != "file":
        return
    try:
        Path(unquote(parts.path)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LaunchError(f"Can't make the folder of SPARKSPACE_EVENT_LOG_DIR, {url}: {error.strerror}.") from error
