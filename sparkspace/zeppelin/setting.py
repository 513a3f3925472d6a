"""What Zeppelin's Spark interpreter is told: what a driver's conf file has here, and where Spark is.

Zeppelin hands each ``spark.…`` of the setting to spark-submit as ``--conf``, all in one text with ``|`` between
(``SparkInterpreterLauncher``), and names in capitals as environment variables (``RemoteInterpreterUtils.isEnvString``).
Whoever may open Zeppelin's page of interpreters can read them, and they are on its disk: no secret is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import conf, redaction
from ..cluster import roles
from ..config import Settings
from ..config.allocation import KINDS
from ..config.allocation import VAR as ALLOCATION
from ..sizing import Executor
from .versions import CHECK

Json = dict[str, Any]
SPARK_HOME = "SPARK_HOME"
PYTHON = "PYSPARK_PYTHON"
KEPT = ("dependencies", "option")
MEMORY = "spark.driver.memory"
# About the dyno that the file was rendered for: its address, archives of classes on its disk, classes of its Spark.
OF_A_DYNO = (
    "spark.driver.host",
    "spark.driver.bindAddress",
    "spark.driver.extraClassPath",
    "spark.executor.extraClassPath",
    "spark.driver.defaultJavaOptions",
    "spark.executor.defaultJavaOptions",
    "spark.plugins.defaultList",
    "spark.sparkspace.masterWait",
)


@dataclass(frozen=True)
class Wanted:
    """Properties to have, and the names of those that can't be had: secrets, and what Zeppelin would cut in two."""

    properties: Mapping[str, str]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One property; ``old`` is None where there was none."""

    name: str
    old: str | None
    new: str

    def row(self) -> tuple[str, str, str]:
        """For a person: what looks secret is masked."""
        return self.name, "–" if self.old is None else self._shown(self.old), self._shown(self.new)

    def _shown(self, value: str) -> str:
        return redaction.masked(f"{self.name}={value}").partition("=")[2] or '""'


def elastic(place: roles.Place) -> roles.Place:
    """With dynamic allocation, as ``tracking`` if nobody said which: an interpreter lives for weeks, mostly idle."""
    return place if place.settings.allocation else allocated(place, "tracking")


def allocated(place: roles.Place, kind: str) -> roles.Place:
    """With this kind of dynamic allocation."""
    env = {**place.env, ALLOCATION: kind}
    return replace(place, env=env, settings=Settings.from_env(env))


def wanted(place: roles.Place, executor: Executor) -> Wanted:
    """What every driver of this cluster is told, as far as it is true on any machine.

    Raises:
        ConfigError: see ``roles.driver_conf``.
    """
    ours = rendered(place, executor)
    told = {name: value for name, value in ours.items() if name not in OF_A_DYNO}
    left_out = tuple(name for name, value in told.items() if is_secret(name, value) or "|" in value)
    own = {
        "spark.submit.deployMode": "client",
        "spark.executor.instances": "",  # 2 in Zeppelin, and then dynamic allocation would begin with as many
    }
    if python := place.env.get(PYTHON):  # else it stays "python", which on the workers is the slug's
        own[PYTHON] = python
    # What the other kind of dynamic allocation may have left there: to Zeppelin a blank property is none.
    others = {name: "" for kind in KINDS[1:] for name in rendered(allocated(place, kind), executor) if name not in ours}
    return Wanted({**others, **own, **{name: told[name] for name in told if name not in left_out}}, left_out)


def rendered(place: roles.Place, executor: Executor) -> dict[str, str]:
    """The properties of a driver's conf file."""
    return conf.properties(roles.driver_conf(place, executor)["spark-defaults.conf"])


def is_secret(name: str, value: str) -> bool:
    """Whether a property looks so."""
    line = f"{name}={value}"
    return redaction.masked(line) != line


def changes(setting: Json, properties: Mapping[str, str]) -> list[Change]:
    """What would have to be changed, by name."""
    found = {name: as_text(each) for name, each in setting["properties"].items()}
    return [
        Change(name, found.get(name), new) for name, new in sorted(properties.items()) if differs(found.get(name), new)
    ]


def differs(old: str | None, new: str) -> bool:
    """Whether Spark would see another value: to Zeppelin a blank property is none."""
    return (old or "").strip() != new.strip()


def as_text(entry: object) -> str:
    """The value of an entry, ``{"name", "value", "type"}``; of a Zeppelin before 0.8 the text itself."""
    value = entry.get("value") if isinstance(entry, dict) else entry
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def changed(setting: Json, some: list[Change]) -> Json:
    """What to send: all of the setting as it is but for these properties (``UpdateInterpreterSettingRequest``)."""
    properties = dict(setting["properties"])
    for each in some:
        known = properties.get(each.name)
        entry = known if isinstance(known, dict) else {"name": each.name, "type": "string"}
        properties[each.name] = {**entry, "value": each.new}
    return {"properties": properties} | {name: setting[name] for name in KEPT if name in setting}


def checks_version(setting: Json) -> bool:
    """Whether the interpreter refuses a Spark that it does not know."""
    return as_text(setting["properties"].get(CHECK)) != "false"


def home(setting: Json, given: str, ours: str) -> str:
    """``SPARK_HOME``: what was said, else what Zeppelin has, else that of this slug."""
    return given or as_text(setting["properties"].get(SPARK_HOME)) or ours
