"""``sparkspace.session()``: a Spark session on this cluster, that ships the user's own code by itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pyspark.sql import SparkSession

from ..errors import UsageError
from ..log import notice
from . import roots
from .deploy import Deployer
from .driver import DRIVER
from .hooks import HOOKS
from .interactive import Lines, ipython, is_interactive
from .place import prepare
from .project import Project
from .pushed import Pushed

LINES = Lines()


class SessionFactory:
    """A project's defaults. Derive from it, set what differs, and call ``session()`` of your class."""

    app_name: ClassVar[str | None] = None
    master: ClassVar[str | None] = None
    conf: ClassVar[Mapping[str, str]] = {}
    source_root: ClassVar[str | Path | None] = None
    ship: ClassVar[Iterable[str]] = ()
    auto: ClassVar[bool | None] = None
    clean: ClassVar[bool] = False

    @classmethod
    def session(cls, **options: Any) -> SparkSession:  # noqa: ANN401  # those of the function below
        """The session, with this class's defaults where ``options`` say nothing (see ``session``)."""
        defaults = {name: getattr(cls, name) for name in SessionFactory.__annotations__}
        return session(**{**defaults, **options})


def session(
    app_name: str | None = None,
    *,
    master: str | None = None,
    conf: Mapping[str, str] | None = None,
    source_root: str | Path | None = None,
    ship: Iterable[str] = (),
    auto: bool | None = None,
    clean: bool = False,
    push: str | None = None,
) -> SparkSession:
    """The Spark session of this process: on the cluster in a dyno (or a box), on ``local[*]`` elsewhere.

    Functions that go to executors bring the packages and modules along that they come from, as they are in the files.

    :param app_name: what the master's page shows; the script's name by default
    :param master: another master than the cluster's
    :param conf: Spark properties; they win over the cluster's
    :param source_root: a folder to import from, besides those that Python knows
    :param ship: packages or modules that no import names (plug-ins that are loaded by their name, for instance)
    :param auto: whether an edit is taken over while this runs; by default in notebooks and shells, and not in scripts
    :param clean: new Python processes for each version, for code that can't be imported twice in one
    :param push: take what a laptop pushes to this name (``bin/sparkspace push --to NAME``); notebooks and shells do so
        before each line, a script before each job

    Raises:
        UsageError: ``source_root`` is no folder, or this process has a session through Spark Connect.
        ConfigError, PlatformError, LaunchError: in a dyno, see ``cluster.drivers.prepare``.
    """
    refuse_connect()
    add_source_root(source_root)
    DRIVER.begin()  # a JVM takes its time, and files may be edited meanwhile
    spark = _started(app_name, master, conf or {})
    _say_what_stays(spark, {"app_name": app_name, "master": master})
    interactive = is_interactive() if auto is None else auto
    deployer = HOOKS.of(spark.sparkContext)
    if deployer is None:
        project = Project(ship, frozen=not interactive, pushed=pushed(push))
        deployer = Deployer(spark.sparkContext, project, DRIVER, names(), clean)
        deployer.renew()
        HOOKS.activate(deployer)
    else:
        _refuse_another_push(deployer.project.pushed, push)
        deployer.clean |= clean
        deployer.project.want(ship)
        deployer.project.frozen = not interactive
        deployer.project.pushed = deployer.project.pushed or pushed(push)
        deployer.refresh()  # a laptop may push as soon as this returns
    LINES.leave()
    if interactive:
        LINES.follow(deployer)
    return spark


def _started(app_name: str | None, master: str | None, conf: Mapping[str, str]) -> SparkSession:
    running = SparkSession.getActiveSession()
    builder = SparkSession.builder
    if running is None:
        prepare(os.environ, master or conf.get("spark.master"))
        if master or "SPARK_CONF_DIR" not in os.environ:
            builder = builder.master(master or "local[*]")
        if app_name or "PYSPARK_GATEWAY_PORT" not in os.environ:  # else bin/spark-submit has named it
            builder = builder.appName(app_name or default_name())
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _say_what_stays(spark: SparkSession, wanted: Mapping[str, str | None]) -> None:
    has = {"app_name": spark.sparkContext.appName, "master": spark.sparkContext.master}
    for name, value in wanted.items():
        if value and value != has[name]:
            notice(f"{name}={value!r} does nothing: the session has begun with {has[name]!r}. Before it: spark.stop()")


def _refuse_another_push(begun: Pushed | None, name: str | None) -> None:
    if begun and name and begun.name != name:
        raise UsageError(
            f"This session takes what is pushed to {begun.name!r}, and can't take {name!r}, too.",
            f"Push to that one: bin/sparkspace push --to {begun.name}. Or begin again: spark.stop()",
        )


def pushed(name: str | None) -> Pushed | None:
    """The session ``name`` of the class server; None without one.

    Raises:
        ConfigError, PlatformError: this is no dyno of a cluster that has a secret.
    """
    return Pushed.from_env(os.environ, name) if name else None


def default_name() -> str:
    """The script's name, as ``bin/spark-submit`` has it."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(main).stem if main else "sparkspace"


def names() -> dict[str, Any]:
    """What the lines of this notebook or shell are run in."""
    shell = ipython()
    return shell.user_ns if shell is not None else vars(sys.modules["__main__"])


def add_source_root(wanted: str | Path | None) -> None:
    """Have the project importable that the script or notebook lies in, where an editable install would have it.

    Raises:
        UsageError: it is no folder.
    """
    if wanted is not None:
        root: Path | None = Path(wanted).expanduser().resolve()
        if root is None or not root.is_dir():
            raise UsageError(f"source_root is {str(wanted)!r}, and there is no such folder.")
    else:
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        root = roots.project(Path(main).resolve().parent if main else Path.cwd())
        if root is None and main and (Path(main).parent / "__init__.py").is_file():
            root = roots.outermost(Path(main))
    if root is not None and str(root) not in sys.path and roots.is_the_users(str(root)):
        sys.path.append(str(root))


def refuse_connect() -> None:
    """Spark Connect has no SparkContext here, and so nothing to hook into.

    Raises:
        UsageError: this process uses it.
    """
    if os.environ.get("SPARK_CONNECT_MODE_ENABLED") or os.environ.get("SPARK_REMOTE"):
        raise UsageError(
            "sparkspace.session() can't ship code through Spark Connect: SPARK_REMOTE is set.",
            "Unset it, and run this on the cluster: heroku run bin/pyspark",
        )
