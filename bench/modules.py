"""How long it takes to decide that nothing has changed, over 100 modules that share 110 helpers.

    .venv/bin/python3 bench/modules.py

Each has an input of its own and up to two parents. Prints milliseconds of wall clock and of this process's CPU: of the
first plan in a process (it reads all sources), and the least, median and 95th percentile of 30 more. The results are
one that was made, and copies of it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MODULES, ROUNDS = 100, 30


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

    decider = decide.Decider(spark)
    steps: dict[str, decide.Step] = {}
    made = None
    for module in decide.ordered(modules):
        parents = [(name, steps[parent.name]) for name, parent in module.parents.items()]
        step = decider.step(module, parents)
        if made is None:
            made = manifest = execution.execute(decider, step, {})
        else:
            manifest = dataclasses.replace(made, name=module.name, key=step.key, leaves=list(step.leaves))
            for file in made.files:
                decider.store.folder.write(f"{manifest.path}/{file}", decider.store.folder.read(f"{made.path}/{file}"))
            decider.store.commit(manifest)
        steps[module.name] = dataclasses.replace(step, state=decide.READ, manifest=manifest)


def inner(folder: Path) -> None:
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
        print(json.dumps([timed(modules) for _ in range(ROUNDS + 1)]))
    spark.stop()


def main() -> None:
    """Measure, print."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(Path(scratch))
        command = [sys.executable, __file__, scratch]
        subprocess.run(command, check=True, timeout=300)
        run = subprocess.run(command, check=True, timeout=300, stdout=subprocess.PIPE, text=True)
    first, *others = json.loads(run.stdout)
    print(f"first plan of a process: {first[0]:6.0f} ms, {first[1]:.0f} ms of CPU")
    for at, what in enumerate(("wall clock", "CPU")):
        times = sorted(each[at] for each in others)
        p95 = times[int(len(times) * 0.95)]
        spread = f"{times[0]:6.0f} to {statistics.median(times):.0f} (median) to {p95:.0f} ms (95 %)"
        print(f"{what:>10}, {ROUNDS} more: {spread}")


if __name__ == "__main__":
    inner(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
