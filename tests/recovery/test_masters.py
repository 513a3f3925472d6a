"""Real masters of one name: an application goes on whatever becomes of them, and never two of them lead."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from . import masters
from .masters import Cluster, Driver, Master, black_hole, until

pytestmark = pytest.mark.spark
FENCED = r"claim-\d+-\w+ is a newer master's, so this one ends"
TEMPORARY_FAILURE = 75
FORMATION = "1 master, folder"


@dataclass
class Running:
    """An application on one worker, and the master that leads now."""

    cluster: Cluster
    master: Master
    driver: Driver
    application: str

    def states(self) -> list[str]:
        return sorted(path.name for path in self.cluster.kept.iterdir() if path.name.startswith("state-"))

    def is_known(self) -> None:
        """The master has the application, whose jobs go on."""
        assert self.application in self.master.applications()
        self.driver.begin()
        self.driver.answers()

    def is_served(self) -> None:
        """Also, it gets an executor when it has none."""
        self.cluster.kill_executor(self.application)
        self.is_known()
        assert f"Launching executor {self.application}/" in self.master.text()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A master, a worker and a driver."""
    with masters.opened(tmp_path_factory.mktemp("recovery")) as cluster:
        master = cluster.alive()
        cluster.worker()
        driver = cluster.driver()
        yield Running(cluster, master, driver, driver.ready())


@pytest.mark.fault(FORMATION, "kill -9 of the master, which returns at another address", "the job goes on")
def test_job_goes_on_when_its_master_is_killed_and_returns_elsewhere(running: Running) -> None:
    running.driver.begin()
    until(lambda: running.cluster.executors(running.application))
    time.sleep(masters.TASK_S)
    running.master.kill()
    before, running.master = running.master, running.cluster.alive()
    assert running.master.address != before.address
    running.driver.answers()
    running.is_served()


@pytest.mark.fault(FORMATION, "a master killed in the middle of a write", "the last whole state is used")
def test_killed_in_the_middle_of_a_write(running: Running) -> None:
    """What that leaves in a folder: a file that is cut off, beside the last whole one."""
    running.master.kill()
    last = running.cluster.kept / running.states()[-1]
    number = int(last.name[-10:])
    half = last.with_name(f"{last.name[:-10]}{number + 1:010d}")
    half.write_bytes(last.read_bytes()[:1000])
    running.master = running.cluster.alive()
    running.master.says(f"{half.name} is not used. It is cut off")
    running.master.says(f"the state of the master before is {last.name}")
    running.is_known()


@pytest.mark.fault(FORMATION, "the store is gone for a while", "the job goes on, nothing new begins")
def test_store_that_is_gone_for_a_while(running: Running) -> None:
    """A job goes on. A new application has to wait, and is accepted when the store is back."""
    running.driver.begin()
    away = running.cluster.state.with_name("away")
    before = running.master.text()
    running.cluster.state.rename(away)
    running.cluster.state.write_text("no folder")
    running.master.says("the claim can't be confirmed", 20)
    late = running.cluster.driver()
    try:
        running.master.says("the state can't be written, so nothing new begins")
        assert "StandaloneSchedulerBackend: Connected" not in late.text()
        assert "Launching executor" not in running.master.text().removeprefix(before)
    finally:
        running.cluster.state.unlink()
        away.rename(running.cluster.state)
    running.driver.answers()
    application = late.ready()
    assert application in running.master.applications()
    late.close()
    until(lambda: application not in running.master.applications())


@pytest.mark.fault(FORMATION, "the folder is emptied", "it is written again")
def test_emptied_folder_is_filled_again(running: Running) -> None:
    for path in running.cluster.kept.iterdir():
        path.unlink(missing_ok=True)  # the master removes what it has replaced
    running.master.says("had been removed. It is written again, and the state", 20)
    running.master.kill()
    running.master = running.cluster.alive()
    running.is_known()


@pytest.mark.fault(FORMATION, "no master as an application begins", "it is accepted as soon as one leads")
def test_application_that_begins_without_a_master(running: Running) -> None:
    """Spark's own client asks three times, and has given up before a fourth. And whom it dials does not even answer."""
    running.master.kill()
    with black_hole(running.master.address):
        late = running.cluster.driver()
        until(lambda: late.text().count("Connecting to master") == 4, 120)
        running.master = running.cluster.alive()
        application = late.ready()
    assert "10000 ms" in late.text(), "nobody was given up after 10 s"
    assert application in running.master.applications()
    late.begin()
    late.answers()
    late.close()
    until(lambda: application not in running.master.applications())


@pytest.mark.fault(FORMATION, "two masters of one name", "the older one ends")
def test_older_of_two_masters_ends(running: Running) -> None:
    older, running.master = running.master, running.cluster.alive()
    older.says(FENCED, 20)
    assert older.process.wait(5) == TEMPORARY_FAILURE
    running.is_known()


@pytest.mark.fault(FORMATION, "a master wakes up beside its successor", "it schedules nothing, and ends")
def test_master_that_wakes_up_beside_its_successor_does_nothing_more(running: Running) -> None:
    older = running.master
    older.signal(signal.SIGSTOP)
    before = older.text()
    running.master = running.cluster.alive()
    running.is_served()
    older.signal(signal.SIGCONT)
    older.says(FENCED, 20)
    assert older.process.wait(5) == TEMPORARY_FAILURE
    done = older.text().removeprefix(before)
    assert not re.search("Launching executor|Registering app", done), done
    running.is_known()


def test_other_secret_is_refused_with_a_line(running: Running) -> None:
    """Last, for the folder is that master's then. What it can't read, it can't do harm with."""
    running.master.kill()
    other = running.cluster.alive(SPARKSPACE_SECRET="another-secret-of-another-cluster")
    other.says("is not used. It is cut off, was changed, or is sealed by another secret than this cluster's")
    other.says("there is no state of a master before")
    assert other.applications() == []
    other.kill()
    running.master = running.cluster.alive()
    running.is_known()


@pytest.mark.long
@pytest.mark.fault(FORMATION, "the store is gone for a minute", "the master ends, the next one waits, the job goes on")
def test_master_that_is_cut_off_ends_and_the_next_one_waits_for_the_store(running: Running) -> None:
    running.driver.begin()
    away = running.cluster.state.with_name("away")
    running.cluster.state.rename(away)
    running.cluster.state.write_text("no folder")
    running.master.says(r"for \d+ s nobody could say whether this master still leads, so it ends", 60)
    assert running.master.process.wait(5) == TEMPORARY_FAILURE
    running.master = running.cluster.master()
    running.master.says("can't be used yet, so this master waits")
    assert running.master.page()["status"] == "STANDBY"
    running.cluster.state.unlink()
    away.rename(running.cluster.state)
    until(running.master.is_alive)
    running.driver.answers()
    running.is_served()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.fault(FORMATION, "kill -9 of the master, 20 times, also as it recovers", "every answer right")
def test_killed_twenty_times_while_applications_come_and_go(running: Running) -> None:
    """The times are random, and so now and then it is killed as it recovers. Every answer is right."""
    dice = random.Random(7)
    kills = 20
    come = [running.cluster.driver()]
    gone = 0
    while kills:
        running.driver.begin()
        for _ in range(2):
            time.sleep(dice.uniform(0, 5))
            running.master.kill()
            running.master = running.cluster.master()
            kills -= 1
        until(running.master.is_alive, 120)
        running.driver.answers()
        come[-1].ready()
        come.append(running.cluster.driver())
        come[-2].begin()
        come[-2].answers()
        come[-2].close()
        gone += 1
    assert gone == 10
    come[-1].ready()
    come[-1].close()
    until(lambda: running.master.applications() == [running.application], 120)
    running.is_served()
    assert len(running.states()) <= 5
