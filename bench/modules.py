"""How long it takes to decide that nothing has changed, over 100 modules that share 110 helpers.

Each has an input of its own and up to two parents. The first plan in a process reads all sources. The results are one
that was made, and copies of it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sides.command import Command, Size
from sides.result import Row

MODULES = 100
SOURCES = "Reading the sources, and following each module's code through its helpers."
LOOKS = "A look at each of 100 inputs and 100 results, through Spark's file systems."
ROWS = (
    Row("the first plan in a process", "ms", SOURCES),
    Row("the first plan in a process", "CPU ms", SOURCES),
    Row("a plan when nothing has changed", "ms", LOOKS, "≤ 200"),
    Row("a plan when nothing has changed", "CPU ms", LOOKS),
)
INNER = "--inner"


def plant(folder: Path) -> None:
    """Write the modules, their helpers and their inputs."""
    library = folder / "hundred"
    library.mkdir()
    functions = "".join(f"def g{k}(c):\n    return c + {k}\n" for k in range(10))
    (library / "__init__.py").write_text("")
    (library / "shared.py").write_text(f"class K:\n    @staticmethod\n    def go(c):\n        return c\n{functions}")
    for h in range(10):
        text = "from . import shared\nLIMIT = 3\n"
        for k in range(10):
            text += f"def f{k}(c, n=3):\n    return shared.g{k}(c) if n > LIMIT else shared.K.go(c)\n"
        (library / f"h{h}.py").write_text(text)
    text = f"import sparkspace\nfrom hundred import {', '.join(f'h{h}' for h in range(10))}\n"
    for at in range(MODULES):
        (folder / f"{at}.csv").write_text(f"{at}\n")
        parents = sorted({f"m{each}" for each in (at - 7, at - 10) if each >= 0})
        text += f"@sparkspace.module(inputs=[{(folder / f'{at}.csv').as_uri()!r}])\n"
        text += f"def m{at}({', '.join(['spark', *parents])}):\n"
        text += f"    return spark.range(h{at % 10}.f{at // 10}(1) + h{(at + 3) % 10}.f{(at + 1) % 10}(2))\n"
    (folder / "flow.py").write_text(text)


def timed(modules: list[Any]) -> tuple[float, float]:
    """Milliseconds of a plan: wall clock, CPU."""
    import sparkspace

    wall, cpu = time.perf_counter(), time.process_time()
    sparkspace.plan(*modules)
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def make(spark: Any, modules: list[Any]) -> None:  # noqa: ANN401
    """Run the first module, and give all others a copy of its data."""
    from sparkspace.code.memo import decide, execution
    from sparkspace.code.memo.modules import ordered
    from sparkspace.code.memo.step import READ, Step

    decider = decide.Decider(spark)
    steps: dict[str, Step] = {}
    made = None
    for module in ordered(modules):
        parents = [(name, steps[parent.name]) for name, parent in module.parents.items()]
        step = decider.step(module, parents)
        if made is None:
            made = manifest = execution.execute(decider, step, {})
        else:
            manifest = dataclasses.replace(made, name=module.name, key=step.key, leaves=list(step.leaves))
            for file in made.files:
                decider.store.folder.write(f"{manifest.path}/{file}", decider.store.folder.read(f"{made.path}/{file}"))
            decider.store.commit(manifest)
        steps[module.name] = dataclasses.replace(step, state=READ, manifest=manifest)


def inner(folder: Path, rounds: int) -> None:
    """A process of its own: the first of them makes the results, the second measures."""
    sys.path.insert(0, str(folder))
    os.environ["SPARKSPACE_MODULES_DIR"] = (folder / "store").as_uri()
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = (
        builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    )
    import flow  # type: ignore[import-not-found]

    modules = [getattr(flow, f"m{at}") for at in range(MODULES)]
    if not (folder / "store").exists():
        make(spark, modules)
    else:
        print(json.dumps([timed(modules) for _ in range(rounds + 1)]))
    spark.stop()


def main() -> int:
    """Measure. Exit code 1 when the aim is missed."""
    command = Command(__doc__, rounds=Size(30, "plans after the first", quick=5))
    first, *others = plans(command.sizes["rounds"])
    values = [[first[0]], [first[1]], [wall for wall, _ in others], [cpu for _, cpu in others]]
    return command.finish([row.of({"ours": each}) for row, each in zip(ROWS, values, strict=True)])


def plans(rounds: int) -> list[tuple[float, float]]:
    """Milliseconds of each plan, wall clock and CPU; the first of a process is the first."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(Path(scratch))
        command = [sys.executable, __file__, INNER, scratch, str(rounds)]
        subprocess.run(command, check=True, timeout=300)
        run = subprocess.run(command, check=True, timeout=300, stdout=subprocess.PIPE, text=True)
    return [(wall, cpu) for wall, cpu in json.loads(run.stdout)]


if __name__ == "__main__":
    if sys.argv[1:2] == [INNER]:
        inner(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(main())
