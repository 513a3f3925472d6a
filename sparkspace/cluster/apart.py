"""A cluster of its own in this dyno: what its launchers see. Nothing in it is the running cluster's.

It has an address of its own in 127.0.0.0/8, so that its ports are the usual ones, taken by nobody and reached by nobody
else; a secret, a folder and a name of its own; no token, no ZooKeeper and no recovery folder. What decides how a Spark
process starts (memory, flags, the operator's own Spark properties, the bucket) is as it is for all others.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import ports, topology
from ..config import MASTER_HOST, TOKEN, Settings
from ..errors import LaunchError

APP = f"timing.{topology.DOMAIN}"
# What would bind it to the running cluster, or to sizes that only the running cluster's dynos have.
DROPPED = (
    TOKEN,
    "SPARK_MASTERS",
    "SPARK_ZK_ZOOKEEPER_URL",
    "SPARKSPACE_ZOOKEEPERS",
    "SPARKSPACE_RECOVERY_DIR",
    "SPARKSPACE_MASTER_APP",
    "SPARKSPACE_WORKERS_MIN",
    "SPARKSPACE_WORKERS_MAX",
    "SPARKSPACE_IDLE_MINUTES",
    "SPARKSPACE_MAX_DYNO_HOURS_PER_DAY",
    "SPARK_EXECUTOR_MEMORY",
    "SPARK_LOCAL_DIRS",
    "SPARK_WORKER_DIR",
    "LOG_LEVEL",  # the first line of Spark's log, at INFO, tells that it is Spark's turn
)
# Properties that say where another cluster is, or what it remembers. An S3 store's own host and port are none.
_PLACES = re.compile(r"spark\.((master|deploy)(\..+)?|(?!hadoop\.).+\.(port|host|bindAddress))")
_PLACES_IN_OPTIONS = re.compile(r"-Dspark\.(master|deploy)\.\S+")
# It can't have the name of an application of the running cluster, whose event logs lie beside its own. (Spark 4.0 and
# later: SPARK-45756; older ones know no such property.)
_NAME_OF_APPLICATIONS = ("spark.deploy.appIdPattern", "timing-%s-%04d")
TRIES = 20


@dataclass(frozen=True)
class Apart:
    """Where the cluster is, and with which secret."""

    env: Mapping[str, str]  # the dyno's
    folder: Path  # all its files
    address: str
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    def environment(self, process_type: str) -> dict[str, str]:
        """What a launcher sees, as in the first dyno of a process type.

        Raises:
            ConfigError: a config var of the dyno is wrong.
        """
        env = {name: value for name, value in self.env.items() if name not in DROPPED}
        if options := env.get("SPARK_DAEMON_JAVA_OPTS"):
            env["SPARK_DAEMON_JAVA_OPTS"] = _PLACES_IN_OPTIONS.sub("", options)
        return {
            **env,
            "DYNO": f"{process_type}.1",
            "HEROKU_PRIVATE_IP": self.address,
            "HEROKU_DNS_APP_NAME": APP,
            "HEROKU_DNS_FORMATION_NAME": f"{process_type}.{APP}",
            "HEROKU_DNS_DYNO_NAME": f"1.{process_type}.{APP}",
            MASTER_HOST: self.address,
            "SPARKSPACE_SECRET": self.secret,
            "SPARKSPACE_CONF": own_conf(Settings.from_env(self.env)),
            "TMPDIR": str(self.folder),
        }


def own_conf(settings: Settings) -> str:
    """The operator's own Spark properties, but for those that say where things are."""
    kept = [pair for pair in settings.extra_conf if not _PLACES.fullmatch(pair[0])]
    return "".join(f"{key}={value}\n" for key, value in (*kept, _NAME_OF_APPLICATIONS))


def free_address() -> str:
    """An address of this machine at which nobody has a master. A box on loopback has others: box/network.py.

    Raises:
        LaunchError: none can be had, for this machine has no loopback.
    """
    for _ in range(TRIES):
        address = f"127.{240 + secrets.randbelow(15)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        with contextlib.suppress(OSError), socket.create_server((address, ports.MASTER)):
            return address
    raise LaunchError("No address of 127.0.0.0/8 can be listened at: this dyno has no loopback network.")
