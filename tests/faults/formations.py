"""The formations that faults are tried on, and how their dynos are cycled."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from ..box.conftest import Box, copy_of_repository, until
from ..box.cycled import PROCFILE, Job, Run, alive, has_executor, run_throughout
from ..box.inside import MASTER, ZOOKEEPERS, all_serve, goes_on, jvm, lead_after, leading, now, seen
from .table import Row

FOLDER = "1 master, folder"
OWN = "3 masters, 3 own ZooKeepers"
EXTERNAL = "3 masters, external ZooKeepers"
STOCK = "stock: 1 master without recovery, plain SIGTERM"
CYCLED = "every dyno restarted once, in turn"
NOTHING_LOST = "right answer, no failed job, nothing lost"
GOES_ON = "the job goes on, a new application is accepted"
# Three servers as somebody else would run them: with ZooKeeper's own main program and time-outs, and without a login.
OTHERS = """\
zk: mkdir -p $HOME/data && echo ${DYNO#zk.} > $HOME/data/myid && \
D=$HEROKU_DNS_FORMATION_NAME && \
printf "tickTime=2000\\ninitLimit=10\\nsyncLimit=5\\nclientPort=2181\\nadmin.enableServer=false\\ndataDir=$HOME/data\\n\
4lw.commands.whitelist=srvr\\nclientPortAddress=$HEROKU_PRIVATE_IP\\nquorumListenOnAllIPs=false\\n\
server.1=1.$D:2888:3888\\nserver.2=2.$D:2888:3888\\nserver.3=3.$D:2888:3888\\n" \
| sed "s/=${DYNO#zk.}.$D/=$HEROKU_PRIVATE_IP/" > $HOME/zoo.cfg && \
exec java -Xmx128m -cp "$(echo .venv/lib/python3*/site-packages/pyspark/jars)/*" \
org.apache.zookeeper.server.quorum.QuorumPeerMain $HOME/zoo.cfg
"""
URL = ",".join(f"zookeeper://{number}.zk.sparkspace.app.localspace:2181" for number in (1, 2, 3))


def open_three(folder: Path, kind: str, workers: int = 2) -> Box:
    """A box on loopback with three masters, and three ZooKeepers, our own (``zookeeper``) or another's (``zk``)."""
    box = copy_of_repository(folder)
    (folder / "Procfile").write_text(f"{PROCFILE}zookeeper: bin/zookeeper\n{OTHERS}")
    quantities = {"master": 3, "worker": workers, "plain": 0, "zookeeper": 0, "zk": 0, kind: 3}
    formation = {each: {"quantity": quantity} for each, quantity in quantities.items()}
    (folder / "app.json").write_text(json.dumps({"formation": formation}))
    config = {"SPARKSPACE_ZOOKEEPERS": "3"} if kind == "zookeeper" else {"SPARK_ZK_ZOOKEEPER_URL": URL}
    box("up", "--detach", "--network", "loopback", env={"SPARK_MASTERS": "3", **config})
    box("wait", "--workers", str(workers), "--timeout", "240")
    until(lambda: all_masters(box), 120, 1)
    return box


def all_masters(box: Box) -> bool:
    """Whether one leads and all others stand by."""
    states = sorted(str(master["state"]) for master in seen(box).get("masters", []))
    return states == ["ALIVE"] + ["STANDBY"] * (len(states) - 1)


def cycle_worker(box: Box, dyno: str) -> None:
    """Restart it, and wait until its successor is there, and it is not, and all others are."""
    workers = sum(name.partition(".")[0] in ("worker", "plain") for name in box.dynos())
    gone = box.address(dyno)
    box("restart", dyno)
    until(lambda: gone not in alive(box) and len(alive(box)) == workers, 180, 1)


def cycle_master(box: Box, dyno: str) -> float | None:
    """Restart it, and wait until one leads and all stand by. Seconds that nobody led, if it was the one that did."""
    led, old, since = leading(box) == dyno, jvm(box, dyno, MASTER), now()
    box("restart", dyno)
    until(lambda: not old.is_running(), 60)
    if led:
        until(lambda: lead_after(box, since), 120)
    until(lambda: jvm(box, dyno, MASTER) and all_masters(box), 120, 1)
    return lead_after(box, since) if led else None


def cycle_zookeeper(box: Box, dyno: str) -> None:
    """Restart it, and wait until all serve."""
    old = jvm(box, dyno)
    box("restart", dyno)
    until(lambda: not old.is_running(), 60)
    until(lambda: all_serve(box), 120, 1)


def cycle_all(box: Box) -> list[float]:
    """Every dyno of the cluster, one after the other. Seconds that nobody led, for each time that the leader went."""
    dynos = sorted(box.dynos())
    for dyno in ZOOKEEPERS:
        if dyno in dynos:
            cycle_zookeeper(box, dyno)
    led = [cycle_master(box, dyno) for dyno in dynos if dyno.startswith("master.")]
    for dyno in dynos:
        if dyno.startswith("worker."):
            cycle_worker(box, dyno)
            until(partial(has_executor, box, box.address(dyno)), 60, 0.5)  # the next hands its blocks to it
    return [seconds for seconds in led if seconds is not None]


def cycled(box: Box, row: Row) -> Run:
    """Restart all under a job with checked answers, and say so in the row."""
    led: list[float] = []
    done = run_throughout(box, lambda: led.extend(cycle_all(box)))
    row.ran(done)
    row.master_s = max(led)
    assert (done.told.failed_jobs, done.told.failed, done.told.lost) == (0, 0, 0)
    return done


def kill_leader(box: Box, stream: Job) -> float:
    """Kill the leading master. Seconds until another leads, or the same again, with the application, which goes on."""
    before, since = jvm(box, leading(box), MASTER), now()
    before.kill()
    until(lambda: lead_after(box, since), 180)
    goes_on(stream)
    assert "stream" in box.out("status")
    return lead_after(box, since) or 0
