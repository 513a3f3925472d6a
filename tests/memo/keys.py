"""Prints the leaves of a module for each project that stdin names, in a process of its own each.

Lines of stdin: ``{"id": …, "folder": …, "env": {…}, "argv": […], "conf": {…}, "spark": …}``. Of stdout: ``{"id": …,
"leaves": […]}`` or ``{"id": …, "error": …}``. There is no Spark: code, files and variables need none.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

sys.dont_write_bytecode = True  # files change within the second, and so do not tell by their time

from sparkspace.code.memo import code, conditions, inputs, leaf  # noqa: E402


def leaves(folder: str, conf: dict[str, str], spark: str) -> list[leaf.Leaf]:
    """The leaves of ``flow.daily`` of the project in ``folder``."""
    sys.path[:0] = [folder, os.path.join(folder, "site-packages")]
    import flow  # type: ignore[import-not-found]

    daily = flow.daily
    found = [*code.look(daily, {}).leaves, *conditions.declared(daily.conf, conf, daily.env, os.environ)]
    found += conditions.of_session(spark, conf)
    for name in daily.inputs:
        seen = inputs.look(None, name.replace("DATA", f"{folder}/data"))  # type: ignore[arg-type]
        found.append(seen.leaf._replace(name=name))
    return found


def child(line: dict[str, object]) -> None:
    """Print what one project has."""
    os.environ.update(line["env"])  # type: ignore[arg-type]
    os.environ.setdefault("MODE", "fast")
    sys.argv = ["program", *line["argv"]]  # type: ignore[misc]
    try:
        answer: dict[str, object] = {"leaves": leaves(str(line["folder"]), line["conf"], str(line["spark"]))}  # type: ignore[arg-type]
    except Exception:
        answer = {"error": traceback.format_exc()}
    print(json.dumps({"id": line["id"], **answer}), flush=True)


for text in sys.stdin:
    pid = os.fork()
    if not pid:
        child(json.loads(text))
        os._exit(0)
    os.waitpid(pid, 0)
