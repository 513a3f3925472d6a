"""What the PySpark kernel of ``bin/notebook`` has besides IPython: ``spark`` and ``sc``, begun when a cell names them.

An IPython extension: ``load_ipython_extension`` is called when the kernel starts, and by then nothing asks the cluster.
"""

from __future__ import annotations

import ast
import html
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyspark import SparkContext
from pyspark.sql import SparkSession

from .. import launch
from ..cluster import mirror
from ..config import Settings
from ..errors import SparkspaceError
from ..log import notice
from . import monitor
from .driver import DRIVER
from .hooks import HOOKS
from .interactive import imported_by_cell
from .place import prepare
from .session import session

GIVEN = frozenset({"spark", "sc"})
PYSPARKS = frozenset({"SparkSession", "SparkContext"})


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401  # IPython's InteractiveShell
    """Begin."""
    Kernel(shell, Settings.from_env(os.environ)).start()


class Kernel:
    """The kernel of one notebook."""

    def __init__(self, shell: Any, settings: Settings) -> None:  # noqa: ANN401
        self._shell = shell
        self._prefix = urlsplit(settings.reverse_proxy_url).path.rstrip("/")
        self._names: dict[str, Any] = {}  # what cells were given
        self._conf: dict[str, str] = {}
        folder = os.environ.get(mirror.FOLDER)
        self._mirror = mirror.of(settings, Path(folder)) if folder else None
        self._away = False

    def start(self) -> None:
        """Look before each cell from now on."""
        if self._mirror:  # s3contents does not know where a notebook's folder is on the disk, and Jupyter does
            os.chdir(os.path.dirname(os.environ.get("JPY_SESSION_NAME", "")) or ".")
        sys.path.append(os.environ.get("HOME", ""))  # the app's own library, after what lies beside the notebook
        os.environ["SPARK_HOME"] = str(launch.spark_home(os.environ))
        self._conf = monitor.start(self._shell)
        DRIVER.begin()
        self._shell.events.register("pre_run_cell", self.before_cell)
        self._shell.events.register("post_run_cell", self.after_cell)
        formatter = self._shell.display_formatter.formatters["text/html"]
        formatter.for_type(SparkSession, lambda spark: self.page(spark.sparkContext))
        formatter.for_type(SparkContext, self.page)

    def before_cell(self, info: Any = None) -> None:  # noqa: ANN401  # IPython's ExecutionInfo
        """Bring what lies beside the notebook, and begin a session for the first cell that needs one."""
        self._renew()
        DRIVER.imported.update(imported_by_cell(self._shell, info))
        try:
            wanted = set(names(self._shell, info.raw_cell))
            if wanted & GIVEN and self._may_begin():
                self._begin()
            elif wanted & PYSPARKS:
                prepare(os.environ)  # the cell begins one by itself: on the cluster
        except SparkspaceError as error:
            notice(*error.lines())

    def after_cell(self, result: Any = None) -> None:  # noqa: ANN401
        """A session that a cell has begun by itself gets what ours has."""
        context = SparkContext._active_spark_context
        if context is not None and HOOKS.of(context) is None:
            try:
                session()
                self._shell.display_pub.publish({"text/html": self.page(context), "text/plain": self._path(context)})
            except SparkspaceError as error:
                notice(*error.lines())

    def _may_begin(self) -> bool:
        """Whether there is none, and nobody else has taken the names."""
        own = self._shell.user_ns
        taken = any(name in own and own[name] is not self._names.get(name) for name in GIVEN)
        return not taken and SparkContext._active_spark_context is None

    def _begin(self) -> None:
        prepare(os.environ)
        name = Path(os.environ.get("JPY_SESSION_NAME", "notebook")).stem
        spark = session(app_name=name, conf=self._conf)
        self._names = {"spark": spark, "sc": spark.sparkContext}
        self._shell.user_ns.update(self._names)
        context = spark.sparkContext
        self._shell.display_pub.publish({"text/html": self.page(context), "text/plain": self._path(context)})

    def _renew(self) -> None:
        """What can't be read is told once, until it can be read again. Cells that need nothing of it run."""
        if self._mirror is None:
            return
        try:
            self._mirror.renew()
            self._away = False
        except SparkspaceError as error:
            if not self._away:
                notice(*error.lines(), "What lies beside the notebook is what it was.")
            self._away = True

    def page(self, context: SparkContext) -> str:
        """HTML that links to Spark's page of an application, through the master and the web process."""
        name, path = html.escape(str(context.appName)), html.escape(self._path(context))
        return f'Spark application <b>{name}</b>: <a href="{path}" target="_blank">Spark UI</a>'

    def _path(self, context: SparkContext) -> str:
        return f"{self._prefix}/proxy/{context.applicationId}/jobs/"


def names(shell: Any, cell: str) -> Iterator[str]:  # noqa: ANN401
    """The names that a cell needs, also below a magic (``%%time``), and does not set itself before."""
    try:
        lines = ast.parse(shell.transform_cell(cell)).body
    except (SyntaxError, ValueError):
        return  # IPython says what is wrong
    own: set[str] = set()
    for line in lines:
        yield from (name for name in _read(shell, line) if name not in own)
        own |= set(_set(line))


def _read(shell: Any, line: ast.stmt) -> Iterator[str]:  # noqa: ANN401
    for node in ast.walk(line):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MAGICS:
            last = node.args[-1]
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                yield from names(shell, last.value)


def _set(line: ast.stmt) -> Iterator[str]:
    for node in ast.walk(line):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


_MAGICS = ("run_cell_magic", "run_line_magic")
