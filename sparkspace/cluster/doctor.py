"""``doctor``: from the ground up, check what a job needs, then run one. The first failure names cause and cure."""

from __future__ import annotations

import json
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import conf, launch, sizing, topology
from ..errors import CheckFailed, ConfigError
from . import drivers, ensemble, master, roles

PROBE = Path(__file__).resolve().parent.parent / "code" / "probe.py"
MARK = "sparkspace-probe "  # what begins the probe's one line; Spark may print others
SUM = 100_000 * 100_001 // 2


@dataclass(frozen=True)
class Finding:
    """A check that passed: what was looked at, and what was found."""

    check: str
    found: str


def examine(place: roles.Place, job_timeout_s: float) -> Iterator[Finding]:
    """Check everything in the order in which a job needs it.

    Raises:
        CheckFailed, ConfigError, LaunchError: the first thing that is wrong.
    """
    yield Finding(
        "dyno",
        f"{place.dyno.name} at {place.dyno.private_ip}, {place.capacity.memory_mb} MB, {place.capacity.cores} cores",
    )
    yield check_java(place)
    yield Finding("Python", f"{platform.python_version()}")
    home = launch.spark_home(place.env)
    yield Finding("Spark", f"{launch.spark_version(home)} in {home}")
    yield check_names(place)
    alive = check_master(place)
    yield Finding("master", f"{alive.url} is ALIVE")
    yield check_workers(place, alive)
    report = run_probe(place, job_timeout_s)
    yield Finding("job", f"right answer from {len(report['executors'])} hosts: {hosts(report)}")
    yield check_versions(report, launch.spark_version(home))


def check_java(place: roles.Place) -> Finding:
    """Java is there, and new enough."""
    home = launch.java_home(place.env)
    return Finding("Java", f"{launch.java_version(home) or 'of unknown version'} in {home}")


def check_names(place: roles.Place) -> Finding:
    """Every master's name resolves.

    Raises:
        CheckFailed: one does not.
    """
    found = []
    for host in topology.master_hosts(place.dyno, place.settings):
        try:
            found.append(socket.gethostbyname(host))
        except OSError as error:
            raise CheckFailed(
                f"The name {host} does not resolve: {error.strerror or error}.",
                f"Is there such a dyno? heroku ps   (SPARK_MASTERS is {place.settings.masters}; a new name lags)",
            ) from None
    return Finding("names", ", ".join(found))


def check_master(place: roles.Place) -> master.MasterStatus:
    """A master is ALIVE.

    Raises:
        CheckFailed: none is.
    """
    masters = master.ask_all(topology.master_ui_urls(place.dyno, place.settings))
    leaders = [one.url for one in masters if one.state == "ALIVE"]
    if len(leaders) > 1:
        raise CheckFailed(
            f"{len(leaders)} masters are ALIVE, and each gives out the same workers: {', '.join(leaders)}.",
            "Let ZooKeeper choose one (SPARKSPACE_ZOOKEEPERS), or have one: heroku config:set SPARK_MASTERS=1",
        )
    alive = master.leader(masters)
    if alive:
        return alive
    silent = [host for host in topology.zookeeper_hosts(place.dyno, place.settings) if not ensemble.is_serving(host)]
    if silent:
        raise CheckFailed(
            f"No master is ALIVE, and these ZooKeepers don't serve: {', '.join(silent)}.",
            f"Are there any? heroku ps:scale zookeeper={place.settings.ensemble}; heroku logs --tail --ps zookeeper",
        )
    said = "; ".join(f"{one.url} is {one.state} {one.problem}".strip() for one in masters)
    raise CheckFailed(f"No master is ALIVE: {said}.", "See what it logs: heroku logs --tail --ps master")


def check_workers(place: roles.Place, alive: master.MasterStatus) -> Finding:
    """There are workers, and one can hold an executor of the size that a driver would ask for.

    Raises:
        CheckFailed: no worker is registered.
        ConfigError: ``SPARK_EXECUTOR_MEMORY`` is more than any worker has.
    """
    workers = alive.alive_workers
    if not workers:
        raise CheckFailed("No worker is registered.", "Are there any? heroku ps; heroku logs --tail --ps worker")
    largest = max(worker.memory_mb for worker in workers)
    wanted = sizing.executor(place.settings, alive.smallest_worker).memory_mb
    if wanted > largest:
        raise ConfigError(
            "SPARK_EXECUTOR_MEMORY",
            f"must be at most {largest}m, which is all a worker offers",
            f"{wanted}m",
            f"{largest}m",
        )
    free = sum(worker.cores - worker.cores_used for worker in workers)
    if not free:
        names = ", ".join(application.name for application in alive.applications)
        raise CheckFailed(
            f"All cores of all {len(workers)} workers are taken, by: {names}.", "Wait, or add: heroku scale worker+1"
        )
    return Finding("workers", f"{len(workers)}, {free} cores free, executors of {wanted} MB")


def run_probe(place: roles.Place, timeout_s: float) -> dict[str, Any]:
    """Run the probe through ``spark-submit``, as a user would. Returns its report.

    Raises:
        CheckFailed: it failed, took too long, or added up wrong.
    """
    driver = drivers.prepare(place, "spark-submit", [str(PROBE)])
    outcome = launch.run(driver.command(conf.write(driver.files)), timeout_s, lambda: why_it_hangs(place))
    lines = [line for line in outcome.stdout.splitlines() if line.startswith(MARK)]
    if outcome.code is None:
        raise CheckFailed(f"The job had no result after {timeout_s:g} s. {outcome.late}", last_lines(outcome.stderr))
    if outcome.code or not lines:
        raise CheckFailed(
            f"The job failed with exit code {outcome.code}. {why_it_failed(outcome.stderr)}", last_lines(outcome.stderr)
        )
    report: dict[str, Any] = json.loads(lines[-1][len(MARK) :])
    if report["sum"] != SUM:
        raise CheckFailed(f"The job added up to {report['sum']}, but {SUM} is right.")
    return report


def why_it_failed(stderr: str) -> str:
    """The cause, by the signs that Spark gives of it."""
    for sign, cause in (
        ("uthentication", "This dyno's SPARKSPACE_SECRET is not the master's: give both apps the same."),
        ("All masters are unresponsive", "No master took it in: its log tells why (heroku logs --ps master)."),
        ("serialVersionUID", "This dyno's Spark is of another version than the cluster's: deploy the same release."),
        ("PYTHON_VERSION_MISMATCH", "The executors' Python is another than the driver's: deploy the same release."),
        ("must be at least", "The memory of the driver or of an executor is set too low."),
    ):
        if sign in stderr:
            return cause
    return "Its last lines:"


def why_it_hangs(place: roles.Place) -> str:
    """Whether executors came at all tells the two causes apart."""
    alive = master.leader(master.ask_all(topology.master_ui_urls(place.dyno, place.settings)))
    used = sum(worker.cores_used for worker in alive.alive_workers) if alive else 0
    if used:
        return f"Executors started, but did not reach the driver at {place.dyno.private_ip}: see the workers' logs."
    return "No executor was started for it: the master refused it, or the workers are full."


def last_lines(text: str, count: int = 30) -> str:
    """The end of a log."""
    return "\n".join(text.splitlines()[-count:])


def hosts(report: dict[str, Any]) -> str:
    """``10.1.1.2 (4 tasks), …``."""
    return ", ".join(f"{executor['host']} ({executor['tasks']} tasks)" for executor in report["executors"])


def check_versions(report: dict[str, Any], spark: str) -> Finding:
    """Driver and executors have the same Python, and the driver the Spark that is installed.

    Raises:
        CheckFailed: they differ.
    """
    pythons = {executor["python"] for executor in report["executors"]} | {report["python"]}
    if len(pythons) > 1:
        raise CheckFailed(
            f"Driver and executors have different Pythons: {', '.join(sorted(pythons))}.", "Deploy one release to all."
        )
    if report["spark"] != spark:
        raise CheckFailed(
            f"The driver runs Spark {report['spark']}, but {spark} is installed.", "Unset SPARK_HOME, or mend it."
        )
    return Finding("versions", f"Python {report['python']} and Spark {spark} on driver and executors")
