"""Spark's own doctests, as each of its modules runs them itself: the examples of its documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import artifacts, pruned

LIMIT_S = 1800
pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(LIMIT_S + 400)]

# sql.dataframe has its doctests run from sql.classic.dataframe, where the class of a session without Connect is.
MODULES = ("pyspark.sql.functions.builtin", "pyspark.sql.classic.dataframe", "pyspark.ml.feature", "pyspark.core.rdd")
# These ask for what is known after one second, and expect all of it. A busy machine has less.
HURRIED = {f"__main__.RDD.{name}" for name in ("countApprox", "sumApprox", "meanApprox")}
# Spark asks whether it is there, and has the type TIME if so. With "1" the launcher would look for a source tree.
TESTING = {"SPARK_TESTING": ""}
# A file of Spark's source tree, which no distribution has. The examples print no more of it than its 8 parts, 87 bytes.
AGES = ("python/test_support/sql/ages_newlines.csv", ",".join(["ten bytes!"] * 8))


@pytest.mark.parametrize("module", MODULES)
def test_doctests(module: str, tmp_path: Path) -> None:
    ages = tmp_path / AGES[0]
    ages.parent.mkdir(parents=True)
    ages.write_text(AGES[1])
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**pruned.env(tmp_path, artifacts.libraries()), **TESTING},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    failed = set(re.findall(r"^ +\d+ of +\d+ in (\S+)$", done.stdout, re.MULTILINE))
    assert failed <= HURRIED, done.stdout[-10_000:]
    assert failed or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
