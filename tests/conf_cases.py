"""``cases/conf/*.json``: an environment, and what Spark must read back from the conf files that it makes.

::

    env                        config vars and facts; a list of [text, times] stands for a long text
    memory_mb                  the dyno's; 2560 unless given
    jars                       jars that Spark has; none unless given
    smallest_worker_mb         the smallest registered worker's; none unless given
    all, driver, daemon, history
                               properties that the role's file has; with "whole" it has no others; "{tmp}" is where
                               temporary files are
    absent, absent_from_driver properties that it has not
    level                      the level of log4j2's root logger
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkspace import conf, sizing
from sparkspace.cluster import roles
from sparkspace.config import SECRET_VARS, Dyno, Settings

from .launchers import FACTS, SECRET, fake_spark

CASES = sorted((Path(__file__).parent / "cases" / "conf").glob("*.json"))
ROLES: tuple[conf.Role, ...] = ("driver", "daemon", "history")


@dataclass(frozen=True)
class Rendered:
    """The files of one case and role, and what they should mean."""

    files: dict[str, str]
    expected: dict[str, str]
    absent: list[str]
    whole: bool
    level: str
    secrets: list[str]


def render(case: Path, role: conf.Role) -> Rendered:
    """Render the files of a case as a launcher does."""
    meant: dict[str, Any] = json.loads(case.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as home:
        fake_spark(Path(home))
        for jar in meant.get("jars", []):
            (Path(home) / "jars" / jar).touch()
        return rendered(meant, role, home)


def rendered(meant: dict[str, Any], role: conf.Role, home: str) -> Rendered:
    """Render what a case means, for the Spark in a folder."""
    changes = {name: long(value) for name, value in meant.get("env", {}).items()}
    env = {**FACTS, "SPARKSPACE_SECRET": SECRET, "SPARK_HOME": home, **changes}
    settings, capacity = Settings.from_env(env), sizing.Capacity(meant.get("memory_mb", 2560), 2)
    place = roles.Place(env, Dyno.from_env(env), settings, capacity)
    smallest = sizing.Capacity(meant["smallest_worker_mb"], 2) if "smallest_worker_mb" in meant else None
    executor = sizing.executor(settings, smallest)
    return Rendered(
        files=roles.driver_conf(place, executor) if role == "driver" else roles.daemon_conf(place, role),
        expected={key: placed(long(value)) for part in ("all", role) for key, value in meant.get(part, {}).items()},
        absent=meant.get("absent", []) + meant.get(f"absent_from_{role}", []),
        whole=meant.get("whole", False),
        level=meant["level"],
        secrets=[env[name] for name in SECRET_VARS if env.get(name)],
    )


def long(value: str | list[tuple[str, int]]) -> str:
    """``[["ab", 2], ["c", 1]]`` is ``"ababc"``."""
    return value if isinstance(value, str) else "".join(text * times for text, times in value)


def placed(value: str) -> str:
    """``{tmp}/x`` is where this machine has it."""
    return value.replace("{tmp}", tempfile.gettempdir())
