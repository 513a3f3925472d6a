"""The cookie's seal: what was made elsewhere, or before a change of password, means nothing."""

from __future__ import annotations

import pytest

from sparkspace.config import Backend, User
from sparkspace.proxy.seal import Seal

USERS = (User("spark", "{PLAIN}x"), User("ann", "{PLAIN}y"))
DOMAIN = "myapp.app.localspace"
SEAL = Seal(USERS, DOMAIN)
WORKER = Backend("2.worker.myapp.app.localspace", "myapp", 8081)
JOB = Backend("1.spark-job.reports.app.localspace", "reports", 4040)
TOKEN = SEAL.token(WORKER)


@pytest.mark.parametrize("backend", [WORKER, JOB])
def test_token_of_ours(backend: Backend) -> None:
    name, _, seal = SEAL.token(backend).rpartition("-")
    assert name == str(backend)
    assert len(seal) == 40 and set(seal) <= set("0123456789abcdef")
    assert SEAL.open(SEAL.token(backend)) == backend
    assert Seal(list(USERS), DOMAIN).token(backend) == SEAL.token(backend), "it outlives a restart"


@pytest.mark.parametrize(
    "token",
    [
        "", "-", str(WORKER), f"{WORKER}-", f"{WORKER}-{'0' * 40}", TOKEN[:-1], f"{TOKEN}0", f" {TOKEN}", f"{TOKEN}\n",
        TOKEN.upper(), TOKEN.replace("2.worker", "3.worker"), TOKEN.replace(":8081", ":8080"),
        TOKEN.replace("myapp", "other"), f"{JOB}-{TOKEN.rpartition('-')[2]}", f"é{TOKEN}", f"{TOKEN[:-1]}é",
        f"{TOKEN[:-1]}\udcff", f"localhost:8080-{TOKEN.rpartition('-')[2]}", "default",
    ],
)  # fmt: skip
def test_token_of_somebody_else(token: str) -> None:
    assert SEAL.open(token) is None


@pytest.mark.parametrize(
    "other",
    [
        Seal(USERS, "other.app.localspace"),
        Seal((), DOMAIN),
        Seal(USERS[:1], DOMAIN),
        Seal((User("spark", "{PLAIN}z"), USERS[1]), DOMAIN),
        Seal((User("Spark", "{PLAIN}x"), USERS[1]), DOMAIN),
    ],
)
def test_another_app_or_password_is_another_seal(other: Seal) -> None:
    assert other.open(TOKEN) is None
    assert other.open(other.token(WORKER)) == WORKER
