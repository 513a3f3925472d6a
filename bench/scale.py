"""What our own parts cost at 10, 100 and 1,000 workers, beside a cluster that is simulated (``sides/simulated.py``).

One of each: a look of the web process, its start page, a scrape of ``/sparkspace/metrics``, ``status``, a look of
planned cycling, graceful cycling that finds nothing to do, a look of the autoscaler, and what the class server does for
an executor on each worker. CPU seconds are of the process that does it (of the class server's, where that is it);
simulated dynos and Heroku answer from another. Seconds are of one machine and answers of 5 ms; counts are exact.

It prints a table of its own as well, whose last column is the growth: the power of the number of workers, from the last
size but one to the last, with which that of CPU, requests and bytes grows that grows fastest. 1 is linear; more than
1.2 is marked. CPU counts from 20 ms on: below, it is the noise that grows. docs/scale.md has that table, and says what
it means.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import math
import os
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sides.command import Command, Size  # noqa: E402
from sides.result import Row  # noqa: E402
from sides.simulated import CLASSES, SECRET, Scene, Simulated, simulated  # noqa: E402

from sparkspace import ports  # noqa: E402
from sparkspace.cluster.roles import Place  # noqa: E402
from sparkspace.cluster.signature import Key, Request  # noqa: E402
from sparkspace.commands import status  # noqa: E402
from sparkspace.config import Scaling  # noqa: E402
from sparkspace.cycling.autoscaler import Autoscaler  # noqa: E402
from sparkspace.cycling.planner import Planner  # noqa: E402
from sparkspace.cycling.scaling import Scaler  # noqa: E402
from sparkspace.cycling.start import client  # noqa: E402
from sparkspace.cycling.supervisor import Supervisor  # noqa: E402
from sparkspace.cycling.turn import Turns  # noqa: E402
from sparkspace.heroku.listed import ListedDyno  # noqa: E402
from sparkspace.proxy.formation import Formation  # noqa: E402
from sparkspace.proxy.lookout import Lookout  # noqa: E402
from sparkspace.proxy.metrics import Metrics  # noqa: E402
from sparkspace.proxy.pages import Pages  # noqa: E402

FASTER_THAN_LINEAR = 1.2
WORTH_S = 0.02  # of CPU
LIFETIME = timedelta(hours=22)
MOST_WORKERS = 1000
HEAD = ("CPU s", "wall s", "requests", "API", "connections", "names", "KB")
Costs = dict[str, float]
Work = Callable[[], Any]
PAGE = "The master's page, a line for each worker, is read as a whole."
ROWS = {
    kind: Row(kind, "CPU s", limit)
    for kind, limit in {
        "web": f"{PAGE} A scrape parses all pages of Spark.",
        "status": f"{PAGE} Then its table is drawn.",
        "planned cycling": f"{PAGE} So is Heroku's list of dynos.",
        "graceful cycling": f"{PAGE} So is Heroku's list of dynos.",
        "autoscaler": "A page of each driver is read, and with the shuffle service of each idle worker.",
        "class server": "An HTTP request in Python for each class.",
    }.items()
}
GROWTH = Row(
    "the fastest growth of all parts", "power of the number of workers",
    "Python's dictionaries and sockets, which take a little longer in a process that has more.",
    f"≤ {FASTER_THAN_LINEAR}",
)  # fmt: skip


def main() -> int:
    """Measure each part at each size, and print both tables. Exit code 1 when something grows too fast."""
    command = Command(
        __doc__,
        workers=Size(1000, "of the largest cluster; others have a tenth and a hundredth", quick=100),
        runs=Size(3, "of each part, after one that does not count", quick=1),
    )
    most, runs = command.sizes.values()
    found: dict[str, dict[int, list[Costs]]] = {}
    for size in (most // 100, most // 10, most):
        for part, costs in measured(size, runs):
            found.setdefault(part, {})[size] = costs
            print(f"{size:>6} {part:<44} {middle(costs)['CPU s']:.4f} s", file=sys.stderr, flush=True)
    middles = {part: {size: middle(each) for size, each in costs.items()} for part, costs in found.items()}
    growths = {part: growth(costs) for part, costs in middles.items()}
    print(table(middles, growths), end="\n\n")
    fastest = GROWTH.of({"ours": [max(growths.values())]})
    return command.finish([fastest, *(shown(part, costs) for part, costs in found.items())])


def shown(part: str, costs: dict[int, list[Costs]]) -> Row:
    """A part's CPU seconds, the largest cluster's first."""
    sides = {f"{size:,} workers": [each["CPU s"] for each in costs[size]] for size in reversed(costs)}
    return replace(ROWS[part.partition(":")[0]], what=part, sides=sides)


def measured(size: int, runs: int) -> Iterator[tuple[str, list[Costs]]]:
    """What each part costs in a cluster of so many workers."""
    for scene, parts in (
        (
            Scene(size, pushed=True),
            (web, console, of_master("no dyno is due"), graceful, scaler("all at work"), classes),
        ),
        (Scene(size, age_h=21.99), (of_master("all are due, one goes"),)),
        (Scene(size, age_h=21.99, there=0.5), (of_master("all are due, half are away"),)),
        (Scene(size, busy=False), (scaler("all idle"),)),
    ):
        with simulated(scene) as cluster:
            for make in parts:
                for part, work, whose in make(cluster):
                    yield part, costs_of(cluster, work, whose, runs)


def costs_of(cluster: Simulated, work: Work, whose: psutil.Process, runs: int) -> list[Costs]:
    """What it cost in each run. What is logged is not looked at."""
    return [once(cluster, work, whose) for _ in range(runs + 1)][1:]


def once(cluster: Simulated, work: Work, whose: psutil.Process) -> Costs:
    """Seconds and counts."""
    cluster.asked()
    used, begun = cpu_s(whose), time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        size = work()
    wall, cpu = time.perf_counter() - begun, cpu_s(whose) - used
    asked: Counter[str] = cluster.asked()
    requests = sum(asked[who] for who in ("master", "worker", "through master", "api", "class server"))
    values = (cpu, wall, requests, asked["api"], asked["connections"], asked["lookups"],
              (size if isinstance(size, int) else asked["bytes"]) / 1000)  # fmt: skip
    return dict(zip(HEAD, values, strict=True))


def middle(costs: list[Costs]) -> Costs:
    """Medians of seconds, and the counts of the last run."""
    return {
        key: statistics.median(each[key] for each in costs) if key.endswith(" s") else costs[-1][key] for key in HEAD
    }


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds of a process until now: of our own finer than the 10 ms that the kernel tells of others."""
    if process.pid == os.getpid():
        return time.process_time()
    used = process.cpu_times()
    return float(used.user + used.system)


# The parts: a name, the work, and whose CPU it takes


Part = tuple[str, Work, psutil.Process]
OWN = psutil.Process()


def web(cluster: Simulated) -> Iterator[Part]:
    """The web process."""
    env = cluster.env("web.1")
    place = Place.from_env(env)
    with loop() as run:
        lookout = Lookout(place.dyno, place.settings, lambda view: None)
        pages = Pages(place.dyno.app_name, "")
        yield "web: a look (every 2 s)", lambda: run(lookout.look()), OWN
        yield "web: the start page (every 3 s and browser)", lambda: len(pages.start(lookout.view, "").encode()), OWN
        yield "web: a scrape of /sparkspace/metrics", lambda: run(scrape(lookout, place, env)), OWN


async def scrape(lookout: Lookout, place: Place, env: dict[str, str]) -> int:
    """The size of the answer."""
    reply = await Metrics(lookout, SECRET, Formation(place.dyno, env)).page(None)  # type: ignore[arg-type]
    assert isinstance(reply.body, bytes)
    return len(reply.body)


def console(cluster: Simulated) -> Iterator[Part]:
    """A command."""

    def work() -> int:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status.run("status", [], cluster.env("run.1"))
        return len(said.getvalue())

    yield "status", work, OWN


class Standing(Turns):
    """Nobody really goes: what a turn waits for is not what it costs."""

    def worker(self, dyno: ListedDyno, patience_s: float) -> bool:
        """See ``Turns``."""
        return True


def of_master(what: str) -> Callable[[Simulated], Iterator[Part]]:
    """A look of planned cycling."""

    def parts(cluster: Simulated) -> Iterator[Part]:
        turns = turns_of(cluster)
        yield f"planned cycling: a look, {what}", lambda: Planner(turns, LIFETIME).look(), OWN

    return parts


def graceful(cluster: Simulated) -> Iterator[Part]:
    """Graceful cycling."""
    turns = turns_of(cluster)
    dyno, settings = turns.place.dyno, turns.place.settings
    assert settings.cycling
    supervisor = Supervisor(dyno, settings, settings.cycling, turns.client, datetime.now(timezone.utc))
    yield "graceful cycling: all have come", supervisor.cycle, OWN


def scaler(what: str) -> Callable[[Simulated], Iterator[Part]]:
    """A look of the autoscaler, up to its decision."""

    def parts(cluster: Simulated) -> Iterator[Part]:
        turns, rule = turns_of(cluster), Scaling(1, MOST_WORKERS, 10, None)
        eyes, one, moments = Autoscaler(turns, rule, threading.Lock()), Scaler(rule), iter(range(0, 10**6, 1000))

        def look() -> None:
            page = turns.page()
            assert page
            one.decide(replace(eyes.scene(page), at_s=float(next(moments))))

        yield f"autoscaler: a look, {what}", look, OWN

    return parts


def classes(cluster: Simulated) -> Iterator[Part]:
    """The class server: what it pays for an executor on each worker, and for a driver of each session."""
    key, server = Key(SECRET), psutil.Process(cluster.pid)
    sessions = cluster.sessions

    def load() -> None:
        for number in range(cluster.size):
            _, version = sessions[number % len(sessions)]
            below = f"/read/{key.capability(f'pushed/{version}')}/pushed/{version}/classes"
            with contextlib.closing(http.client.HTTPConnection(cluster.ip, ports.CLASS_SERVER)) as connection:
                assert sum(get(connection, f"{below}/C{each}.class", {}) for each in range(CLASSES)) == 200 * CLASSES

    def look() -> None:
        for number, (id, version) in enumerate(sessions):
            path = f"/sessions/session{number}?dyno=run.{number}&id={id}&runs={version}"
            with contextlib.closing(http.client.HTTPConnection(cluster.ip, ports.CLASS_SERVER)) as connection:
                sent = {**key.headers(Request("GET", path)), "If-None-Match": f'"{version}"'}
                assert get(connection, path, sent) == 304

    yield "class server: 10 classes to each executor", load, server
    yield "class server: nothing new, each driver", look, server


def get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    """The status of an answer that was read."""
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    reply.read()
    return reply.status


def turns_of(cluster: Simulated) -> Turns:
    """What takes turns, as the master's dyno has it."""
    env = cluster.env()
    place = Place.from_env(env)
    return Standing(place, client(place, env["SPARK_HEROKU_ACCESS_TOKEN"]))


@contextlib.contextmanager
def loop() -> Iterator[Callable[[Any], Any]]:
    """What runs a coroutine: all in one loop, as those of one process are."""
    with contextlib.closing(asyncio.new_event_loop()) as found:
        yield found.run_until_complete
        found.run_until_complete(found.shutdown_default_executor())


# What is printed


def growth(rows: dict[int, Costs]) -> float:
    """The power with which it grows between the two largest sizes."""
    *_, (small, before), (large, after) = sorted(rows.items())
    keys = ["requests", "API", "KB", *(["CPU s"] if after["CPU s"] >= WORTH_S else [])]
    pairs = [(before[key], after[key]) for key in keys if before[key] and after[key]]
    return max((math.log(b / a) / math.log(large / small) for a, b in pairs), default=0.0)


def table(found: dict[str, dict[int, Costs]], growths: dict[str, float]) -> str:
    """Markdown: a row for each part, in which each cell has a value for each size."""
    sizes = [f"{size:,}" for size in next(iter(found.values()))]
    lines = [f"| at {' / '.join(sizes)} workers | {' | '.join(HEAD)} | growth |", "|---|" + "--:|" * (len(HEAD) + 1)]
    for part, rows in found.items():
        form = {key: ".3f" if key.endswith(" s") else ",.0f" for key in HEAD}
        cells = [" / ".join(format(values[key], form[key]) for values in rows.values()) for key in HEAD]
        mark = " faster than linear" if growths[part] > FASTER_THAN_LINEAR else ""
        lines.append(f"| {part} | {' | '.join(cells)} | {growths[part]:.2f}{mark} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
