"""``sparkspace zeppelin configure``: tell the Spark interpreter of a running Zeppelin what drivers here are told."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping

from .. import launch
from ..cluster import drivers, roles
from ..cluster.report import table
from ..errors import UsageError
from ..log import event, notice
from ..zeppelin import server, setting, versions
from ..zeppelin.rest import Zeppelin
from . import everywhere
from .arguments import Parser

PASSWORD = "ZEPPELIN_PASSWORD"
DESCRIPTION = """\
Set the properties of the Spark interpreter of a running Zeppelin: this cluster's master, its encryption and its event
log, and dynamic allocation, so that an interpreter which nobody uses has no executors. What the interpreter has besides
stays as it is. It is restarted, if anything has changed; a paragraph that runs is cut off.

Secrets are not sent. Zeppelin's own environment must have the cluster's, in its conf/zeppelin-env.sh:
  export _SPARK_AUTH_SECRET="$(heroku config:get SPARKSPACE_SECRET -a APP)"
and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, if there is a bucket. (bin/zeppelin has them from its dyno.)"""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Ask Zeppelin, show what changes, send it, and see that the interpreter is ready again."""
    parser = Parser("zeppelin", DESCRIPTION)
    parser.add_argument("configure", choices=["configure"], help="what there is to do")
    parser.add_argument("--url", required=True, help="where Zeppelin's page is, seen from a dyno")
    parser.add_argument("--user", default="", help=f"who logs in; the password is asked for, or in {PASSWORD}")
    parser.add_argument("--interpreter", default="spark", metavar="NAME", help="default: spark")
    parser.add_argument("--spark-home", default="", help="where Spark is on Zeppelin's machine (default: what it has)")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    options = parser.parse_args(args)
    zeppelin = Zeppelin(options.url)  # a URL that is none needs no dyno
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args)
    place = setting.elastic(roles.Place.from_env(env))
    version = zeppelin.version()
    if user := credentials(zeppelin, place, options.user, env):
        zeppelin.login(*user)
    found = zeppelin.setting(options.interpreter)
    if setting.checks_version(found):
        versions.refuse_other(version, launch.spark_version(launch.spark_home(env)))
    wanted = setting.wanted(place, drivers.executor(place))
    properties = dict(wanted.properties)
    if place.settings.driver_memory_mb is None:
        properties.pop(setting.MEMORY)  # it was measured on this dyno, and Zeppelin may be on another
    properties[setting.SPARK_HOME] = setting.home(found, options.spark_home, str(launch.spark_home(env)))
    some = setting.changes(found, properties)
    show(zeppelin, version, some, wanted.left_out)
    if some and not options.dry_run:
        zeppelin.update(str(found["id"]), setting.changed(found, some))
        zeppelin.restart(str(found["id"]))
        zeppelin.wait_for_ready(options.interpreter)
        event("zeppelin", interpreter=options.interpreter, changed=len(some), status="READY")
    return 0


def show(zeppelin: Zeppelin, version: str, some: list[setting.Change], left_out: tuple[str, ...]) -> None:
    """What changes, on stdout; what can't be sent, beside it."""
    event("zeppelin", url=zeppelin.url, version=version, changes=len(some))
    print(table(("PROPERTY", "OLD", "NEW"), [each.row() for each in some]) if some else "Nothing to change.")
    if left_out:
        notice(f"Not sent, because secret or with a '|' in it, at which Zeppelin would cut it: {', '.join(left_out)}.")


def credentials(zeppelin: Zeppelin, place: roles.Place, user: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    """Who logs in: who was named, or at a Zeppelin of this app (``bin/zeppelin``) a user of Spark's pages.

    Raises:
        UsageError: nobody is there to ask.
    """
    if not user and zeppelin.host.endswith(f".{place.dyno.app_domain}"):
        known = server.known(place.settings.proxy_users)
        return next(iter(known.items()), None)
    return (user, password(user, env)) if user else None


def password(user: str, env: Mapping[str, str]) -> str:
    """Never an argument: every user of a machine sees those.

    Raises:
        UsageError: nobody is there to ask.
    """
    if found := env.get(PASSWORD):
        return found
    if not sys.stdin.isatty():
        raise UsageError(f"What is the password of {user!r}?", f"Set it for this command: export {PASSWORD}=…")
    return getpass.getpass(f"Zeppelin's password of {user}: ")
