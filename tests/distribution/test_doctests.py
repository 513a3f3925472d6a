"""Spark's own doctests, as each of its modules runs them itself: the examples of its documentation. None is excused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import artifacts, doctested, pruned

LIMIT_S = 1800
pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(LIMIT_S + 400)]

# Module → how many statements its doctests have in Spark 4.3.0. Without pandas or pyarrow it runs fewer, in silence.
# sql.dataframe has its doctests run from sql.classic.dataframe, where the class of a session without Connect is.
MODULES = {
    "pyspark.core.rdd": 345,
    "pyspark.ml.feature": 676,
    "pyspark.sql.classic.dataframe": 688,
    "pyspark.sql.functions.builtin": 3579,
}
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
        [sys.executable, doctested.__file__, module],
        env={**pruned.env(tmp_path, artifacts.libraries()), **TESTING},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-3000:]
    [ran] = re.findall(r"^statements that ran: (\d+)$", done.stdout, re.MULTILINE)
    assert int(ran) >= MODULES[module]
