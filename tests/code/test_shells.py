"""Where people run code: Python's own shell, a notebook's kernel, scripts with and without spark-submit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from .shell import CONF, REPOSITORY, spark_home
from .test_idioms import write

pytestmark = pytest.mark.spark
MASTER = "local-cluster[1,1,512]"
OPEN = f"spark = sparkspace.session(master={MASTER!r}, conf={CONF!r}); sc = spark.sparkContext; sc.setLogLevel('OFF')"
LIBRARY = "LIMIT = {0}\ndef f(x): return x + LIMIT\n"
SECONDS = 180


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK", "PYSPARK", "PYTHON"))}
    return {
        **clean,
        "SPARK_HOME": str(spark_home(tmp_path / "spark")),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(tmp_path / "local"),
        "TMPDIR": str(tmp_path),
        "TERM": "dumb",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter"),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "project", {"mine/__init__.py": "", "mine/core.py": LIBRARY.format(1)})
    return tmp_path / "project"


def test_pythons_own_shell(env: dict[str, str], folder: Path) -> None:
    shell = pexpect.spawn(
        sys.executable, ["-q"], cwd=str(folder), env=env, encoding="utf-8", timeout=SECONDS, echo=False
    )
    below = []
    try:
        shell.expect(">>> ")
        for line in (
            f"import sys; sys.path.append({str(REPOSITORY)!r}); import sparkspace",
            OPEN,
            "from mine.core import f, LIMIT; import mine.core as m; rdd = sc.parallelize([1], 1)",
        ):
            shell.sendline(line)
            shell.expect(">>> ")
        for value in 1, 20, 300:
            write(folder, {"mine/core.py": LIBRARY.format(value)})
            shell.sendline("print('got', rdd.map(f).collect(), rdd.map(lambda x: m.f(x)).collect(), f(1), LIMIT)")
            shell.expect(r"got \[(\d+)\] \[(\d+)\] (\d+) (\d+)")
            assert [int(each) for each in shell.match.groups()] == [1 + value] * 3 + [value]
            shell.expect(">>> ")
        below = psutil.Process(shell.pid).children(recursive=True)
        shell.sendline("exit()")
        shell.expect(pexpect.EOF)
    finally:
        shell.close(force=True)
        end(below)


def end(processes: list[psutil.Process]) -> None:
    """JVMs end a moment after the Python that started them."""
    _, alive = psutil.wait_procs(processes, 20)
    for each in alive:
        each.kill()


@pytest.fixture
def kernel(env: dict[str, str], folder: Path) -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(env=env, cwd=str(folder), startup_timeout=SECONDS)
    below = psutil.Process(manager.provisioner.pid).children(recursive=True)
    try:
        yield client
    finally:
        below = psutil.Process(manager.provisioner.pid).children(recursive=True)
        client.stop_channels()
        manager.shutdown_kernel(now=False)
        end(below)


def cell(client: BlockingKernelClient, source: str) -> str:
    """What a cell prints."""
    printed: list[str] = []

    def hook(message: dict[str, dict[str, str]]) -> None:
        printed.append(message["content"].get("text", ""))

    reply = client.execute_interactive(source, timeout=SECONDS, output_hook=hook)["content"]
    assert reply["status"] == "ok", reply
    return "".join(printed)


def test_a_notebooks_kernel(kernel: BlockingKernelClient, folder: Path) -> None:
    cell(kernel, f"import sys; sys.path[:0] = [{str(folder)!r}, {str(REPOSITORY)!r}]; import sparkspace\n{OPEN}")
    cell(kernel, "from mine.core import f, LIMIT\nimport mine.core as m\nrdd = sc.parallelize([1], 1)")
    for value in 1, 20, 300:
        write(folder, {"mine/core.py": LIBRARY.format(value)})
        printed = cell(kernel, "print('got', rdd.map(f).collect(), rdd.map(lambda x: m.f(x)).collect(), f(1), LIMIT)")
        assert f"got [{1 + value}] [{1 + value}] {1 + value} {value}" in printed
    write(folder, {"mine/core.py": "def f(x:\n"})
    printed = cell(kernel, "print('got', rdd.map(f).collect())")
    assert "got [301]" in printed and 'core.py", line 1' in printed, "the old one goes on, and the error is in the cell"


SCRIPT = f"""
import sys
sys.path.append({str(REPOSITORY)!r})
from pathlib import Path
import sparkspace
{OPEN}
from mine.core import f
import mine.core
rdd = sc.parallelize([1], 1)
print("got", rdd.map(f).collect())
Path(mine.core.__file__).write_text({LIBRARY.format(20)!r})
print("got", rdd.map(f).collect(), f(1))
print(sparkspace.shipped())
"""


def run(words: list[str], cwd: Path, env: dict[str, str]) -> list[str]:
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def test_spark_submit_of_a_script_inside_a_package(env: dict[str, str], folder: Path) -> None:
    """What is edited during a script changes nothing; the package is found, although the script is in it."""
    write(folder, {"mine/jobs/__init__.py": "", "mine/jobs/run.py": SCRIPT})
    submit = [f"{env['SPARK_HOME']}/bin/spark-submit", "--master", MASTER, str(folder / "mine/jobs/run.py")]
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    lines = run(submit, elsewhere, {**env, "PYSPARK_PYTHON": sys.executable})
    assert [line for line in lines if line.startswith("got")] == ["got [2]", "got [2] 2"]


def test_python_m_in_a_src_layout(env: dict[str, str], tmp_path: Path) -> None:
    project = tmp_path / "layout"
    write(
        project, {"pyproject.toml": "[project]\nname = 'mine'\n", "src/mine/__init__.py": "", "src/mine/job.py": SCRIPT}
    )
    write(project, {"src/mine/core.py": LIBRARY.format(1), "src/beside/__init__.py": "", "tests/test_it.py": ""})
    lines = run([sys.executable, "-m", "mine.job"], project / "src", env)
    assert [line for line in lines if line.startswith("got")] == ["got [2]", "got [2] 2"]
    assert any(line.strip() == f"{project / 'src'}: mine" for line in lines), "nothing is shipped but what is imported"


def test_a_factory_has_a_projects_defaults(env: dict[str, str], tmp_path: Path) -> None:
    """A script far from its library, which loads a part of it by name."""
    library = tmp_path / "library"
    write(library, {"mine/__init__.py": "", "mine/core.py": LIBRARY.format(1), "plug.py": "V = 40"})
    factory = f"""\
import sys; sys.path.append({str(REPOSITORY)!r})
import importlib, sparkspace

class Session(sparkspace.SessionFactory):
    app_name, master, conf = "nightly", {MASTER!r}, {CONF!r}
    source_root, ship = {str(library)!r}, ["plug"]

sc = Session.session(app_name="weekly").sparkContext
from mine.core import f
found = sc.parallelize([1], 1).map(lambda x: importlib.import_module("plug").V + f(x)).collect()
print("got", sc.appName, sc.master, found)
"""
    write(tmp_path, {"jobs/run.py": factory})
    lines = run([sys.executable, "run.py"], tmp_path / "jobs", env)
    assert [line for line in lines if line.startswith("got")] == [f"got weekly {MASTER} [42]"]
