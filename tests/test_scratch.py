"""What killed executors leave on a dyno's disk is removed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkspace.cycling.executor import service_options
from sparkspace.cycling.scratch import Scratch

LIVING = {7}


def folder(root: Path, *names: str) -> Path:
    made = root.joinpath(*names)
    made.mkdir(parents=True)
    (made / "shuffle_0_0_0.data").write_text("blocks")
    return made


def scratch(tmp_path: Path, conf: str = "") -> Scratch:
    (tmp_path / "spark-defaults.conf").write_text(conf)
    roots = f"{tmp_path / 'one'},{tmp_path / 'two'}"
    return Scratch({"SPARK_LOCAL_DIRS": roots, "SPARK_CONF_DIR": str(tmp_path)})


def test_folders_of_dead_executors_go(tmp_path: Path) -> None:
    dead = [folder(tmp_path, root, "spark-a", "executor-b", "of-6") for root in ("one", "two")]
    kept = [
        folder(tmp_path, "one", "spark-a", "executor-b", "of-7"),
        folder(tmp_path, "one", "spark-a", "executor-b", "blockmgr-c"),
        folder(tmp_path, "one", "blockmgr-d"),
    ]
    found = scratch(tmp_path)
    assert found.sweep(LIVING) == 2
    assert not any(each.exists() for each in dead)
    assert all((each / "shuffle_0_0_0.data").exists() for each in kept)
    assert found.sweep(LIVING) == 0


@pytest.mark.parametrize(("conf", "removed"), [("true", 0), ("true\nspark.shuffle.service.enabled=false", 1)])
def test_blocks_that_a_shuffle_service_serves_stay(tmp_path: Path, conf: str, removed: int) -> None:
    folder(tmp_path, "one", "spark-a", "executor-b", "of-6")
    assert scratch(tmp_path, f"spark.shuffle.service.enabled={conf}\n").sweep(LIVING) == removed


def test_worker_without_folders_is_no_error() -> None:
    assert Scratch({}).sweep(LIVING) == 0


@pytest.mark.parametrize(
    ("conf", "options"),
    [
        ("", []),
        ("spark.shuffle.service.enabled=true\n", []),
        (
            "spark.shuffle.service.port=7337\nspark.shuffle.service.port= 7338 \nspark.shuffle.service.ports=1\n",
            ["-Dspark.shuffle.service.port=7338", "-Dspark.decommission.enabled=true"],
        ),
    ],
)
def test_executors_know_the_service_of_their_worker(tmp_path: Path, conf: str, options: list[str]) -> None:
    (tmp_path / "spark-defaults.conf").write_text(conf)
    assert service_options({"SPARK_CONF_DIR": str(tmp_path)}) == options


def test_worker_without_a_conf_has_no_service(tmp_path: Path) -> None:
    assert service_options({}) == service_options({"SPARK_CONF_DIR": str(tmp_path)}) == []
