"""``bin/zeppelin``: become Apache Zeppelin, whose Spark interpreter runs on the cluster. Arguments go to Zeppelin."""

from __future__ import annotations

from collections.abc import Mapping

from .. import conf, launch, ports
from ..cluster import drivers, handshake, roles
from ..log import event, notice
from ..zeppelin import server, setting


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Decide everything, write the conf files of both, and become Zeppelin. Does not return.

    Raises:
        SparkspaceError: anything is missing or wrong; nothing was started.
    """
    place = setting.elastic(roles.Place.from_env(env))
    executor = drivers.executor(place)
    zeppelin = server.launched(place, executor, args)
    handshake.refuse_other_secret(place.dyno, place.settings)
    drivers.make_event_log_dir(place.settings.event_log_dir)
    if not place.settings.notebooks_dir:
        event("notebooks", kept=zeppelin.env["ZEPPELIN_NOTEBOOK_DIR"], warning="they-go-with-this-dyno")
        notice("Notebooks are on this dyno's own disk, and are gone when it restarts. A bucket keeps them.")
    folders = {
        "SPARK_CONF_DIR": str(conf.write(roles.driver_conf(place, executor))),
        "ZEPPELIN_CONF_DIR": str(conf.write(zeppelin.files)),
    }
    event("exec", dyno=place.dyno.name, program=name, url=f"http://{place.dyno.dns_name}:{ports.ZEPPELIN}")
    launch.become(launch.Command(zeppelin.argv, {**zeppelin.env, **folders}))
