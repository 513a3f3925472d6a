"""Progress of running jobs below the cell: sparkmonitor, whose listener in the driver's JVM tells the browser."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

CLASS_PATH = "spark.driver.extraClassPath"


def start(shell: Any) -> dict[str, str]:  # noqa: ANN401  # IPython's InteractiveShell
    """Have it listen. Returns the Spark properties of a driver that tells it.

    Its jar goes to the end of the class path (``SPARK_DIST_CLASSPATH``, which Spark's launcher reads): what stands
    first is what an archive of classes was made with.
    """
    from sparkmonitor import kernelextension

    kernelextension.load_ipython_extension(shell)
    if not hasattr(kernelextension, "monitor"):
        return {}  # no kernel of Jupyter's
    kernelextension.logger.setLevel("WARNING")  # else it tells every step, below the cell
    kernelextension.monitor.comm = SimpleNamespace(send=lambda message: None)  # until a browser comes
    shell.user_ns.pop("swan_spark_conf", None)
    found = shell.user_ns.pop("conf")
    listener, jar = found.get("spark.extraListeners"), found.get(CLASS_PATH)
    if not listener or not jar:
        return {}
    others = os.environ.get("SPARK_DIST_CLASSPATH", "")
    os.environ["SPARK_DIST_CLASSPATH"] = os.pathsep.join(filter(None, [others, jar]))
    return {"spark.extraListeners": listener, "spark.ui.showConsoleProgress": "false"}
