"""``status`` as people and programs read it."""

from __future__ import annotations

import json

from sparkspace.cluster import report
from sparkspace.cluster.class_server import Push
from sparkspace.cluster.master import Application, MasterStatus, Worker

WORKERS = (
    Worker("worker-1", "10.1.1.2", "ALIVE", 4, 3, 11915, 4096, "http://1.worker.myapp.app.localspace:8081"),
    Worker("worker-3", "10.1.1.14", "UNKNOWN", 4, 0, 1536, 0, "http://10.1.1.14:8081"),
    Worker("worker-2", "10.1.1.13", "DEAD", 4, 0, 1536, 0),
)
APPLICATIONS = (Application("app-20261121043103-0000", "a job", "root", "RUNNING", 3, 4096, 61.5),)
MASTERS = [
    MasterStatus("http://1.master.myapp.app.localspace:8080", "STANDBY"),
    MasterStatus("http://2.master.myapp.app.localspace:8080", "ALIVE", WORKERS, APPLICATIONS),
    MasterStatus("http://3.master.myapp.app.localspace:8080", "DOWN", problem="connection refused"),
]
TEXT = """\
MASTER                                     STATE    PROBLEM
http://1.master.myapp.app.localspace:8080  STANDBY
http://2.master.myapp.app.localspace:8080  ALIVE
http://3.master.myapp.app.localspace:8080  DOWN     connection refused

WORKER    ADDRESS    STATE    CORES USED  MEMORY USED
worker.1  10.1.1.2   ALIVE    3 of 4      4096 of 11915 MB
?         10.1.1.14  UNKNOWN  0 of 4      0 of 1536 MB
DEAD, as the master remembers for a while: 10.1.1.13

APPLICATION              NAME   STATE    CORES  EXECUTOR MEMORY  RUNNING FOR
app-20261121043103-0000  a job  RUNNING  3      4096 MB          62 s"""
NOBODY = """\
MASTER    STATE  PROBLEM
http://a  DOWN   its name does not resolve

WORKER  ADDRESS  STATE  CORES USED  MEMORY USED
(none)

APPLICATION  NAME  STATE  CORES  EXECUTOR MEMORY  RUNNING FOR
(none)"""


def test_text() -> None:
    assert report.as_text(MASTERS) == TEXT
    assert report.as_text([MasterStatus("http://a", "DOWN", problem="its name does not resolve")]) == NOBODY


def test_json() -> None:
    found = json.loads(report.as_json(MASTERS))
    assert list(found) == ["masters", "workers", "applications", "pushed", "dynos"]
    assert found["masters"][2] == {"url": MASTERS[2].url, "state": "DOWN", "problem": "connection refused"}
    assert found["workers"][0] == {
        "id": "worker-1", "host": "10.1.1.2", "state": "ALIVE", "cores": 4, "cores_used": 3, "memory_mb": 11915,
        "memory_used_mb": 4096, "page": "http://1.worker.myapp.app.localspace:8081",
    }  # fmt: skip
    assert found["applications"][0] == {
        "id": "app-20261121043103-0000", "name": "a job", "user": "root", "state": "RUNNING", "cores": 3,
        "memory_per_executor_mb": 4096, "duration_s": 61.5,
    }  # fmt: skip


def test_json_without_a_leader_has_no_workers() -> None:
    found = json.loads(report.as_json([MasterStatus("http://a", "STANDBY", WORKERS, APPLICATIONS)]))
    assert (found["workers"], found["applications"]) == ([], [])


def test_what_was_pushed_is_shown() -> None:
    drivers = (("notebook.1/7", "1a2b3c4d5e"), ("run.12/9", ""))
    pushes = [Push("ann", "1a2b3c4d5e", 34, "spark", 1_800_000_000.5, drivers), Push("bob", "", 0, "", 0, ())]
    lines = report.as_text([], pushes).split("\n\n")[-1].splitlines()
    assert [line.split("  ")[0] for line in lines] == ["PUSHED TO", "ann", "bob"]
    assert lines[1].split() == [
        *("ann", "1a2b3c4", "34", "spark", "2027-01-15", "08:00:00", "UTC"),
        *("notebook.1/7", "1a2b3c4,", "run.12/9", "the", "release"),
    ]
    assert "nothing yet" in lines[2]
    assert json.loads(report.as_json([], pushes))["pushed"][0]["drivers"] == [list(driver) for driver in drivers]
    assert "PUSHED" not in report.as_text([])


def test_what_dynos_cost() -> None:
    dynos = [
        report.Dynos("master", 1, "private-m", 450, 1, 1),
        report.Dynos("worker", 2, "private-l", 900, 1, 4),
        report.Dynos("odd", 1, "eco", None, 1, 1),
    ]
    assert report.as_text([], dynos=dynos).split("\n\n")[-1] == (
        "DYNOS   QUANTITY    SIZE       $ A MONTH\n"
        "master  1           private-m  450\n"
        "worker  2 (1 to 4)  private-l  1,800 (900 to 3,600)\n"
        "odd     1           eco        ?\n"
        "all     4                      2,250 and ?"
    )
    assert json.loads(report.as_json([], dynos=dynos))["dynos"][1]["dollars_a_month"] == 900
