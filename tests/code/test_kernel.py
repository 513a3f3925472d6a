"""The PySpark kernel of ``bin/notebook``: when a session begins, and what a cell then has. By a real kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import nbclient
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from sparkspace.notebook import server

pytest.importorskip("sparkmonitor", reason="scripts/setup dev brings it")
ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Jupyter's own
]
CONTEXT = "__import__('pyspark').SparkContext._active_spark_context"


class Kernel:
    """A kernel that is asked one cell after another."""

    def __init__(self, client: nbclient.NotebookClient) -> None:
        self._client = client

    def run(self, source: str) -> tuple[str, str]:
        """What its last line is, and what else was shown as HTML."""
        cell = new_code_cell(source)
        self._client.nb.cells = [cell]
        self._client.execute_cell(cell, 0)
        results = [each["data"]["text/plain"] for each in cell.outputs if each.output_type == "execute_result"]
        html = [each["data"].get("text/html", "") for each in cell.outputs if "data" in each]
        return "".join(results), "".join(html)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel outside of any dyno, where sessions are local, in a folder with a module."""
    for name in [name for name in os.environ if name.startswith(("SPARK", "PYSPARK", "DYNO"))]:
        monkeypatch.delenv(name)
    (tmp_path / "fares.py").write_text("def rate(x):\n    return x * 10\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "sparkspace" / "code" / "python"))
    monkeypatch.setenv("JUPYTER_PATH", str(server.OURS))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/my rates.ipynb")
    monkeypatch.setenv("SPARK_REVERSE_PROXY_URL", "https://example.com/a/spark")
    client = nbclient.NotebookClient(
        new_notebook(), kernel_name=server.KERNEL, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    )
    with client.setup_kernel():
        yield Kernel(client)


def test_a_session_begins_when_it_is_needed(kernel: Kernel) -> None:
    kernel.run("from fares import rate")
    assert kernel.run(f"x = 'spark'  # sc\n{CONTEXT} is None") == ("True", "")
    kernel.run("%%time\ntotal = sc.parallelize(range(10), 2).map(rate).sum()")
    assert kernel.run("total")[0] == "450"
    shown = kernel.run("spark")[1]
    assert kernel.run("sc.appName")[0] == "'my rates'"
    application = kernel.run("sc.applicationId")[0].strip("'")
    assert f'href="/a/spark/proxy/{application}/jobs/"' in shown
    assert "JupyterSparkMonitorListener" in kernel.run("sc.getConf().get('spark.extraListeners')")[0]

    # An edit of what was imported before the session began is taken over.
    kernel.run("import pathlib; n = pathlib.Path('fares.py').write_text('def rate(x):\\n    return x * 300\\n')")
    assert kernel.run("rate(1), sc.parallelize(range(10), 2).map(rate).sum()")[0] == "(300, 13500)"

    # What was stopped begins again, and it is another one.
    kernel.run("spark.stop()")
    assert kernel.run("sc.parallelize(range(10), 2).map(rate).sum()")[0] == "13500"
    assert kernel.run("sc.applicationId")[0].strip("'") != application


def test_a_session_of_ones_own(kernel: Kernel) -> None:
    kernel.run("from pyspark.sql import SparkSession\nfrom fares import rate")
    begin = "mine = SparkSession.builder.master('local[2]').appName('mine').getOrCreate()"
    assert "Spark UI" in kernel.run(begin)[1]
    assert kernel.run("mine.sparkContext.parallelize(range(10), 2).map(rate).sum()")[0] == "450"
    shipped = "import sparkspace; sparkspace.shipped()"
    assert "fares" in kernel.run(shipped)[0]


def test_names_that_are_taken_stay(kernel: Kernel) -> None:
    assert kernel.run("spark = 'mine'\nspark")[0] == "'mine'"
    assert kernel.run(f"spark, {CONTEXT} is None")[0] == "('mine', True)"
