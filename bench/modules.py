"""How long it takes to decide that nothing has changed, over 100 modules that share 110 helpers.

Each has an input of its own and up to two parents. Prints milliseconds of wall clock and of this process's CPU: of the
first plan in a process (it reads all sources), and the least, median and 95th percentile of 30 more. The results are
one that was made, and copies of it. Usage: .venv/bin/python3 bench/modules.py [--json FILE]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MODULES, ROUNDS = 100, 30
TARGET_MS = 200  # median, wall clock
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


def main() -> int:
    """Measure, and print the table. Exit code 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "modules.json")
    options = parser.parse_args()
    result = summary(measured())
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    return int(result["wall"]["median"] > TARGET_MS)


def measured() -> list[tuple[float, float]]:
    """Milliseconds of each plan, wall clock and CPU; the first of a process is the first."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(Path(scratch))
        command = [sys.executable, __file__, INNER, scratch]
        subprocess.run(command, check=True, timeout=300)
        run = subprocess.run(command, check=True, timeout=300, stdout=subprocess.PIPE, text=True)
    return [(wall, cpu) for wall, cpu in json.loads(run.stdout)]


def summary(found: list[tuple[float, float]]) -> dict[str, Any]:
    """What is kept of it."""
    first, *others = found
    result = {"spark": version("pyspark"), "python": platform.python_version(), "modules": MODULES,
              "rounds": len(others), "target": TARGET_MS}  # fmt: skip
    for at, what in enumerate(("wall", "cpu")):
        times = sorted(each[at] for each in others)
        spread = {"first": first[at], "least": times[0], "median": statistics.median(times),
                  "p95": times[int(len(times) * 0.95)]}  # fmt: skip
        result[what] = {name: round(ms, 1) for name, ms in spread.items()}
    return result


def table(result: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{'ms':<6}" + "".join(f"{name:>8}" for name in result["wall"]) + f"   target: {TARGET_MS} (median)"]
    for what in ("wall", "cpu"):
        lines.append(f"{what:<6}" + "".join(f"{ms:>8.0f}" for ms in result[what].values()))
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == [INNER]:
        inner(Path(sys.argv[2]))
    else:
        raise SystemExit(main())
