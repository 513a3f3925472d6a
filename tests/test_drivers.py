"""Drivers and workers that begin while no master leads: they wait, and say so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sparkspace import ports, sizing, topology
from sparkspace.cluster import drivers, roles, waiting

from .cluster_page import Page, showing
from .launchers import FACTS, SECRET


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Of the only master, which does not lead yet."""
    with showing(Page("RECOVERING")) as page:
        monkeypatch.setattr(topology, "master_ui_urls", lambda *_: [f"http://{page.ip}:{ports.MASTER_UI}"])
        yield page


def place(wait_s: int) -> roles.Place:
    found = roles.Place.from_env({**FACTS, "SPARKSPACE_SECRET": SECRET})
    return replace(found, settings=replace(found.settings, master_wait_s=wait_s))


def test_it_is_waited_for(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    later = threading.Timer(1.0, lambda: setattr(page, "state", "ALIVE"))
    later.start()
    drivers.await_master(place(60))
    assert page.state == "ALIVE"
    first, last = capsys.readouterr().err.splitlines()
    assert "at=master-awaited within=60s reason=none-leads var=SPARKSPACE_MASTER_WAIT_S" in first
    assert f"at=master-found url=http://{page.ip}" in last
    later.join()


def test_not_for_ever(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    drivers.await_master(place(1))
    said = capsys.readouterr().err
    assert "at=master-missing" in said and "No master is ALIVE after 1 s" in said and "is RECOVERING" in said


@pytest.mark.parametrize(("wait_s", "state"), [(0, "RECOVERING"), (60, "ALIVE")], ids=["not-wanted", "it-leads"])
def test_nothing_to_wait_for(page: Page, capsys: pytest.CaptureFixture[str], wait_s: int, state: str) -> None:
    page.state = state
    drivers.await_master(place(wait_s))
    assert capsys.readouterr() == ("", "")


def test_the_first_worker_is_waited_for(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    """Or its executors might be larger than any worker, and never start."""
    page.state = "ALIVE"
    later = threading.Timer(1.0, page.register, ["worker.1"])
    later.start()
    drivers.await_worker(place(60), [])
    assert list(page.workers) == ["worker.1"]
    assert "at=worker-awaited within=20s reason=none-registered" in capsys.readouterr().err
    drivers.await_worker(place(60), [])
    assert capsys.readouterr() == ("", "")
    later.join()


def test_a_cluster_without_workers_is_not_waited_for_long(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    page.state = "ALIVE"
    drivers.await_worker(place(1), [])
    assert "at=worker-awaited within=1s" in capsys.readouterr().err
    assert drivers.executor(place(1)).memory_mb == sizing.DEFAULT_EXECUTOR_MB
    assert "reason=no-worker-registered set=SPARK_EXECUTOR_MEMORY" in capsys.readouterr().err


SCALED = {"SPARKSPACE_WORKERS_MIN": "0", "SPARKSPACE_WORKERS_MAX": "2", "HEROKU_API_KEY": "k"}


@pytest.mark.parametrize("env", [{"SPARK_EXECUTOR_MEMORY": "1g"}, {"SPARKSPACE_MASTER_WAIT_S": "0"}, SCALED])
def test_no_worker_is_waited_for(page: Page, capsys: pytest.CaptureFixture[str], env: dict[str, str]) -> None:
    """Its size is not asked for, nobody wants to wait, or the first comes when an application is there."""
    page.state = "ALIVE"
    drivers.await_worker(roles.Place.from_env({**FACTS, "SPARKSPACE_SECRET": SECRET, **env}), [])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("args", ["--executor-memory 1g job.py", "--conf spark.executor.memory=1g job.py"])
def test_no_worker_is_waited_for_by_who_says_how_large(
    page: Page, capsys: pytest.CaptureFixture[str], args: str
) -> None:
    page.state = "ALIVE"
    drivers.await_worker(place(60), args.split())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ("job.py --flag", True),
        ("--conf spark.cores.max=1 job.py", True),
        ("--master local[2] job.py", False),
        ("--master=local job.py", False),
        ("--conf spark.master=local job.py", False),
        ("--conf=spark.master=local job.py", False),
        ("-c spark.remote=sc://a", False),
        ("--conf spark.app.name=spark.master=a job.py", True),
        ("job.py --master local -h db --version 3", True),  # its own
        ("--remote sc://a", False),
        ("--version", False),
        ("--help", False),
    ],
)
def test_who_needs_a_master(args: str, wanted: bool) -> None:
    assert drivers.needs_a_master(place(60), args.split()) is wanted


@pytest.mark.parametrize("env", [{"SPARKSPACE_CONF": "spark.master=local[*]"}, {"SPARK_REMOTE": "sc://elsewhere"}])
def test_a_master_elsewhere_is_not_waited_for(env: dict[str, str]) -> None:
    found = roles.Place.from_env({**FACTS, "SPARKSPACE_SECRET": SECRET, **env})
    assert not drivers.needs_a_master(found, ["job.py"])


@pytest.mark.parametrize("state", ["ALIVE", "RECOVERING"])
def test_a_worker_waits_until_it_is_taken(page: Page, capsys: pytest.CaptureFixture[str], state: str) -> None:
    """Before, Spark's master would put it off, and it would try again after some seconds."""
    page.state = "STANDBY"
    later = threading.Timer(0.5, lambda: setattr(page, "state", state))
    later.start()
    waiting.for_a_master([f"http://{page.ip}:{ports.MASTER_UI}"], 60)
    assert page.state == state
    assert capsys.readouterr().err.count("at=master-awaited within=60s") == 1
    waiting.for_a_master([f"http://{page.ip}:{ports.MASTER_UI}"], 60)
    assert capsys.readouterr().err == ""
    later.join()


def test_a_worker_begins_without_a_master(capsys: pytest.CaptureFixture[str]) -> None:
    """One address refuses, one is no HTTP, and one has no name."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        urls = [f"http://127.0.0.1:{port}" for port in (1, silent.getsockname()[1])]
        waiting.for_a_master([*urls, "http://no-such-host.invalid:8080"], 1)
    assert "at=master-missing" in capsys.readouterr().err
