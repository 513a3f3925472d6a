"""Become an executor's JVM to which SIGTERM does nothing, and in which it can be seen from outside.

Heroku sends SIGTERM to every process of a dyno, and an executor must outlive it to hand on what it has. But Spark's
Worker ends an executor by the same signal (``Utils.terminateProcess``, SIGKILL after 10 s). So it is ignored *and*
blocked: HotSpot leaves an ignored signal as it is, and Linux keeps a blocked one pending (``ShdPnd`` in proc(5)). There
``parent.py`` sees whom Spark wants to end, and ends it. Here and not in the Worker, because Java unblocks all signals
for its children.

Python's tasks get a daemon that stays too (``code/python``). It is named by a system property, so that a driver's own
choice wins, and found behind whatever ``spark.executorEnv.PYTHONPATH`` says.

Each executor keeps its blocks in folders of its own, so that ``scratch.py`` can tell what is left of one that died. And
of a Worker that serves shuffle files it knows at which port: in a box on one address that is another for each.

It runs by path, as ``JAVA_HOME/bin/java`` of the Worker's environment, with the standard library alone. bin/spark-class
comes by here too, finds the real Java in ``JAVA_HOME``, and so starts the Worker itself on that.
"""

import os
import signal
import sys
from collections.abc import Mapping

EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
DAEMON = "sparkspace_daemon"
SCRATCH_VAR = "SPARK_EXECUTOR_DIRS"  # the folders of an application that the Worker hands to its executors
SCRATCH_PREFIX = "of-"  # and a process: the folder of one of them
DAEMON_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "code", "python")


def main() -> None:
    """Become the real java, with the same arguments."""
    arguments = sys.argv[1:]
    os.environ["JAVA_HOME"] = os.environ.pop("_SPARKSPACE_JAVA_HOME")
    if EXECUTOR in arguments:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        arguments[:0] = [f"-Dspark.python.daemon.module={DAEMON}", *service_options(os.environ)]
        path = [*filter(None, [os.environ.get("PYTHONPATH")]), DAEMON_FOLDER]
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
        if os.environ.get(SCRATCH_VAR):
            os.environ[SCRATCH_VAR] = own_scratch(os.environ[SCRATCH_VAR])
    program = os.path.join(os.environ["JAVA_HOME"], "bin", "java")
    os.execv(program, [program, *arguments])


def service_options(env: Mapping[str, str]) -> list[str]:
    """What the executor of a Worker with our kind of shuffle service has to know. ``env`` is the Worker's.

    A driver that says nothing of decommissioning does without it when it lets idle executors go
    (``ExecutorAllocationManager``). They still have to know it, for the end of their worker.
    """
    port = of_worker(env, "spark.shuffle.service.port")
    return [f"-Dspark.shuffle.service.port={port}", "-Dspark.decommission.enabled=true"] if port else []


def of_worker(env: Mapping[str, str], key: str) -> str:
    """A property of the Worker's; empty: it has none. Of two lines the last counts, as in Spark."""
    try:
        with open(os.path.join(env.get("SPARK_CONF_DIR", ""), "spark-defaults.conf"), encoding="utf-8") as conf:
            pairs = [line.partition("=") for line in conf]
    except OSError:
        return ""
    return next((value.strip() for name, _, value in reversed(pairs) if name == key), "")


def own_scratch(dirs: str) -> str:
    """This process's folders, below those of its application. It keeps its number when it becomes the JVM."""
    folders = [os.path.join(folder, f"{SCRATCH_PREFIX}{os.getpid()}") for folder in dirs.split(os.pathsep)]
    for folder in folders:
        os.makedirs(folder, 0o700, exist_ok=True)
    return os.pathsep.join(folders)


if __name__ == "__main__":
    main()
