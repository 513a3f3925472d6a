"""``bin/zookeeper``: become a member of the cluster's own ensemble of ZooKeepers."""

from __future__ import annotations

from collections.abc import Mapping

from .. import conf, launch
from ..cluster import ensemble, roles
from ..errors import UsageError
from ..log import event


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Decide everything, write the conf files, and become the ZooKeeper. Does not return.

    Raises:
        SparkspaceError: anything is missing or wrong; nothing was started.
    """
    if args:
        raise UsageError(
            f"{name} takes no arguments, but got {args[0]!r}.", "Config vars set it up: docs/config-vars.md"
        )
    place = roles.Place.from_env(env)
    own, others = ensemble.number(place.dyno, place.settings), ensemble.others(place.dyno, place.settings)
    roles.refuse_missing_jar(env)
    data = ensemble.data(own, others)
    member = roles.zookeeper(place, data)
    command = member.command(conf.write(member.files))
    votes = "at-once" if (data / "initialize").exists() else "when-it-has-caught-up"
    event("exec", dyno=place.dyno.name, program=name, of=place.settings.ensemble, votes=votes)
    launch.become(command)
