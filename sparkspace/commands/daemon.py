"""``bin/spark-master``, ``bin/spark-worker``, ``bin/spark-history``: become a daemon. Arguments go to Spark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from .. import conf, launch, topology
from ..cluster import handshake, roles, waiting
from ..cycling import companion, launching
from ..log import event

ROLES = {
    "spark-master": roles.master,
    "spark-master-with-graceful-cycling": roles.master,
    "spark-worker": roles.worker,
    "spark-history": roles.history,
}


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Decide everything, write the conf files, and become the daemon. Does not return.

    Raises:
        SparkspaceError: anything is missing or wrong; nothing was started.
    """
    place = roles.Place.from_env(env)
    daemon = ROLES[name](place, args)
    if place.settings.masters > 1 and not place.settings.has_zookeeper:
        event(
            "masters",
            count=place.settings.masters,
            warning="each-is-a-cluster-of-its-own",
            set="SPARKSPACE_ZOOKEEPERS",
        )
    if place.settings.masters == 1 and place.settings.ensemble:
        event("masters", count=1, hint="a-second-could-take-over", set="SPARK_MASTERS")
    if ROLES[name] is roles.master and place.settings.ensemble:
        roles.refuse_missing_jar(env)
    if ROLES[name] is roles.master:
        say_what_is_kept(place)
    if name == "spark-worker":
        urls = topology.master_ui_urls(place.dyno, place.settings)
        waiting.for_a_master(urls, place.settings.master_wait_s)
        handshake.refuse_other_secret(place.dyno, place.settings)
    if name == "spark-history":
        from ..cluster import drivers  # with a client of HTTP, a fifth of the launcher's time

        drivers.refuse_missing_s3(place)
        drivers.reach_bucket(place)
        drivers.make_event_log_dir(place.settings.event_log_dir)
    command = daemon.command(conf.write(daemon.files))
    event(
        "exec", dyno=place.dyno.name, program=name, memory=f"{place.capacity.memory_mb}MB", cores=place.capacity.cores
    )
    if ROLES[name] is roles.master:
        since = datetime.now(timezone.utc)
        companion.beside(lambda: beside_master(place, since))
    launch.become(launching.worker(command) if name == "spark-worker" else command)


def say_what_is_kept(place: roles.Place) -> None:
    """Where this master's state is: whether an application that runs outlives it."""
    folder, lack = roles.recovery_dir(place), roles.lack_of_recovery(place)
    if folder or place.settings.has_zookeeper:
        event("recovery", state=folder or "zookeeper")
    else:
        event("recovery", state="none", reason=lack, warning="running-applications-end-with-this-master")


def beside_master(place: roles.Place, since: datetime) -> None:
    """What goes on beside a master. It is imported there: a master does not wait for a client and a server of HTTP."""
    from ..cycling import start

    start.beside_master(place, since)
