"""Names and URLs of the masters."""

from __future__ import annotations

import pytest

from sparkspace import topology
from sparkspace.config import Dyno, Settings

from .launchers import FACTS


@pytest.mark.parametrize(
    ("env", "url", "pages"),
    [
        ({}, "spark://1.master.myapp.app.localspace:7077", ["http://1.master.myapp.app.localspace:8080"]),
        (
            {"SPARK_MASTERS": "3"},
            "spark://1.master.myapp.app.localspace:7077,2.master.myapp.app.localspace:7077,"
            "3.master.myapp.app.localspace:7077",
            [f"http://{number}.master.myapp.app.localspace:8080" for number in (1, 2, 3)],
        ),
        (
            {"SPARKSPACE_MASTER_APP": "cluster", "SPARK_MASTERS": "2"},
            "spark://1.master.cluster.app.localspace:7077,2.master.cluster.app.localspace:7077",
            ["http://1.master.cluster.app.localspace:8080", "http://2.master.cluster.app.localspace:8080"],
        ),
    ],
)
def test_masters(env: dict[str, str], url: str, pages: list[str]) -> None:
    dyno, settings = Dyno.from_env(FACTS), Settings.from_env(env)
    assert topology.master_url(dyno, settings) == url
    assert topology.master_ui_urls(dyno, settings) == pages


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({}, ""),
        ({"SPARK_ZK_ZOOKEEPER_URL": "zookeeper://10.1.1.1"}, "10.1.1.1:2181"),
        (
            {"SPARKSPACE_ZOOKEEPERS": "3"},
            "1.zookeeper.myapp.app.localspace:2181,2.zookeeper.myapp.app.localspace:2181,"
            "3.zookeeper.myapp.app.localspace:2181",
        ),
    ],
)
def test_zookeepers(env: dict[str, str], url: str) -> None:
    assert topology.zookeeper_url(Dyno.from_env(FACTS), Settings.from_env(env)) == url
