"""Graceful cycling with real masters and workers, in one box whose API restarts the dynos."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from .conftest import Box, copy_of_repository, until

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900)]
LEAST_AGE_S = 120
STOP = "pkill -STOP -f deploy.worker.Worker"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A master and two workers, with cycling on."""
    box = copy_of_repository(tmp_path_factory.mktemp("cycling") / "repository")
    config = {"SPARKSPACE_CYCLING": "missing", "SPARKSPACE_CYCLING_WAIT_S": "15",
              "SPARKSPACE_CYCLING_AGE_MINUTES": str(LEAST_AGE_S // 60),
              "SPARKSPACE_DYNO_LIFETIME_HOURS": "off"}  # fmt: skip
    box("up", "--detach", "--masters", "1", "--workers", "2", env=config)
    try:
        box("scale", "web=0")
        box("wait", "--workers", "2", "--timeout", "180")
        yield box
    finally:
        box("down")


def steps(box: Box, since: str = "") -> list[str]:
    """What the supervisors have said, without how long it took."""
    lines = [line.partition("sparkspace at=cycling-")[2] for line in box.log(after=since) if "app[master." in line]
    return [line.partition(" after_s=")[0] for line in lines if line]


def over(box: Box, since: str) -> list[str]:
    """Wait until the supervisor of a new master has done its work; what it said."""
    until(lambda: any(step.startswith("over") for step in steps(box, since)), 240, 1)
    return steps(box, since)


def ids(box: Box, *names: str) -> list[str]:
    return [box.dynos()[name]["id"] for name in names]


def age_s(box: Box, name: str) -> float:
    made = datetime.fromisoformat(box.dynos()[name]["updated_at"].replace("Z", "+00:00"))
    return (datetime.now(timezone.utc) - made).total_seconds()


def test_workers_that_come_back_by_themselves_are_left(box: Box) -> None:
    assert over(box, "") == ["begins workers=missing wait_s=15", "over reason=done workers=2 restarted=0"]
    before, since = ids(box, "worker.1", "worker.2"), box.last()
    box("restart", "master.1")
    assert over(box, since) == ["begins workers=missing wait_s=15", "over reason=done workers=2 restarted=0"]
    assert ids(box, "worker.1", "worker.2") == before


def test_deaf_worker_is_restarted_alone_and_is_back(box: Box) -> None:
    until(lambda: age_s(box, "worker.2") > LEAST_AGE_S, 180, 1)
    healthy, deaf, since = ids(box, "worker.1"), ids(box, "worker.2"), box.last()
    box("run:inside", "worker.2", STOP)
    box("restart", "master.1")
    assert over(box, since) == [
        "begins workers=missing wait_s=15",
        "restart dyno=worker.2 reason=did-not-register",
        "back dyno=worker.2",
        "over reason=done workers=2 restarted=1",
    ]
    assert ids(box, "worker.1") == healthy and ids(box, "worker.2") != deaf
    box("wait", "--workers", "2", "--timeout", "60")


def test_master_that_crashes_again_and_again_does_not_take_a_deaf_worker_along(box: Box) -> None:
    """The worker was restarted a moment ago: it is left, although it does not register with any of the masters."""
    box("run:inside", "worker.2", STOP)
    before = ids(box, "worker.1", "worker.2")
    said = []
    for _ in range(3):
        since = box.last()
        box("run:inside", "master.1", "pkill -9 -f deploy.master.Master", code=None)
        said += over(box, since)
        if age_s(box, "worker.2") > LEAST_AGE_S - 20:
            break  # from here on it might be, by right
    assert said[:3] == [
        "begins workers=missing wait_s=15",
        f"left dyno=worker.2 reason=younger-than-{LEAST_AGE_S // 60}-minutes",
        "over reason=done workers=2 restarted=0",
    ]
    assert not [step for step in said if step.startswith("restart")]
    assert ids(box, "worker.1", "worker.2") == before


def test_all_restarts_every_worker_one_by_one(box: Box) -> None:
    box("config:set", "SPARKSPACE_CYCLING=all", "SPARKSPACE_CYCLING_AGE_MINUTES=1")
    until(lambda: {dyno["release"]["version"] for dyno in box.dynos().values()} == {2}, 120, 1)  # type: ignore[index]
    box("wait", "--workers", "2", "--timeout", "180")
    until(lambda: min(age_s(box, "worker.1"), age_s(box, "worker.2")) > 60, 120, 1)
    before, since = ids(box, "worker.1", "worker.2"), box.last()
    box("restart", "master.1")
    assert over(box, since) == [
        "begins workers=all wait_s=15",
        "restart dyno=worker.1 reason=all",
        "back dyno=worker.1",
        "restart dyno=worker.2 reason=all",
        "back dyno=worker.2",
        "over reason=done workers=2 restarted=2",
    ]
    assert not set(ids(box, "worker.1", "worker.2")) & set(before)


def test_wrong_token_is_said_once_and_the_cluster_goes_on(box: Box) -> None:
    since = box.last()
    box("config:set", "SPARK_HEROKU_ACCESS_TOKEN=wrong")
    until(lambda: any(step.startswith("stopped") for step in steps(box, since)), 180, 1)
    box("wait", "--workers", "2", "--timeout", "180")
    text = "\n".join(box.log(after=since))
    assert text.count("sparkspace at=cycling-stopped reason=TokenRefused status=401") == 1
    assert re.search(r"app\[master\.1\]:  !     Set a new one: heroku config:set SPARK_HEROKU_ACCESS_TOKEN=", text)


def test_dyno_reaches_the_api_with_the_token_and_nobody_without(box: Box) -> None:
    ask = f"curl -s -o /dev/null -w %{{http_code}} $HEROKU_HOST/apps/{box.record['app']}/dynos"
    assert box.out("run", ask) == "401"
    assert box.out("run", f"{ask} -H 'Authorization: Bearer {box.record['token']}'") == "200"
