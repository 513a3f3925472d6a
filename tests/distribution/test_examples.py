"""Spark's own examples, each with a line that says it came to the right end."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from . import artifacts, pruned

pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900)]

HERE = "examples/src/main/python"
RESOURCES = "examples/src/main/resources"
# What is typed → what it must print, as a pattern.
EXAMPLES = {
    "pi.py 4": r"Pi is roughly 3\.1\d",
    f"wordcount.py {RESOURCES}/people.txt": r"^Justin,: 1$",
    "pagerank.py data/mllib/pagerank_data.txt 3": r"^1 has rank: 2\.483\d+\.$",
    "als.py 20 40 5 2": r"^RMSE: 0\.\d{4}$",
    "kmeans.py data/mllib/kmeans_data.txt 2 0.1": r"^Final centers: \[array\(\[[09]\.[12]",
    "sql/basic.py": r"^Name: Justin$",
    "sql/hive.py": r"^Key: 9, Value: val_9$",
    "sql/arrow.py": r"^\|\s*9\|\s*$",
    "sql/udtf.py": r"Running Python UDTF table argument with partitioning example",
    "ml/pipeline_example.py": r"^\(6, spark hadoop spark\) --> .*prediction=1\.0",
    "ml/als_example.py": r"^Root-mean-square error = [12]\.\d+",
    "ml/random_forest_classifier_example.py": r"^Test Error = 0(\.[01]\d*)?$",
    "ml/kmeans_example.py": r"^Silhouette with squared euclidean distance = 0\.9997",
    "ml/fpgrowth_example.py": r"^\|\s+\[5\]\|\s+\[1\]\|\s*1\.0\|",
    "ml/word2vec_example.py": r"^Vector: \[-?\d",
    "ml/lda_example.py": r"^The upper bound on perplexity: \d",
    "mllib/svd_example.py": r"^Singular values are: \[",
    "streaming/queue_stream.py": r"^\(9, 100\)$",
}
# Of sql/datasource.py all but three functions: they need a database, a file of 2050, a folder not yet there.
DATASOURCE = f"""\
import runpy
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
found = runpy.run_path("{HERE}/sql/datasource.py")
names = [name for name in found if name.endswith("_example") and name[:4] not in ("jdbc", "gene", "text")]
for name in names:
    found[name](spark)
print("ran", len(names))
"""


def submit(folder: Path, *words: str) -> list[str]:
    return [
        str(pruned.HOME / "bin" / "spark-submit"),
        "--master",
        "local[2]",
        "--conf",
        "spark.ui.enabled=false",
        *words,
    ]


@pytest.mark.parametrize("typed", EXAMPLES)
def test_example(typed: str, folder: Path) -> None:
    done = pruned.run(*submit(folder, *f"{HERE}/{typed}".split()), folder=folder, libraries=(artifacts.libraries(),))
    assert re.search(EXAMPLES[typed], done.stdout, re.MULTILINE), done.stdout[-4000:]


def test_data_sources(folder: Path) -> None:
    (folder / "sources.py").write_text(DATASOURCE)
    done = pruned.run(*submit(folder, "sources.py"), folder=folder, libraries=(artifacts.libraries(),))
    assert "ran 6" in done.stdout.splitlines(), done.stdout[-3000:]
    assert (folder / "users_with_options.orc" / "_SUCCESS").exists()


def test_stream_from_a_socket(folder: Path) -> None:
    """The example never ends: a batch with the words is all that is waited for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        words = ["127.0.0.1", str(server.getsockname()[1])]
        command = submit(folder, f"{HERE}/sql/streaming/structured_network_wordcount.py", *words)
        environment = pruned.env(folder, artifacts.libraries())
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            running = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=err)
        try:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"heave ho heave\n")
                pruned.wait_until(lambda: re.search(r"\|\s*heave\|\s*2\|", (folder / "out").read_text()) is not None)
        finally:
            running.terminate()
            running.wait(60)
