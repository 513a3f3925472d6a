"""Idioms of Python projects, on two executors: right after an edit, or refused with the reason."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sysconfig
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from .idioms import IDIOMS, Idiom
from .shell import Failed, Shell

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("shell"))
    try:
        shell.open()
        yield shell
    finally:
        shell.close()


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


class Lab:
    """A project of its own, in the shell that all share."""

    def __init__(self, shell: Shell, folder: Path, name: str, places: tuple[str, ...] = ("",)) -> None:
        self.shell, self.folder, self.name = shell, folder, name
        shell.run(f"import sys; sys.path[1:1] = {[str(folder / place) for place in places]!r}")
        shell.said()

    def write(self, files: Mapping[str, str | None]) -> None:
        write(self.folder, {self._(path): self._(text) for path, text in files.items()})

    def run(self, source: str) -> object:
        return self.shell.run(self._(source))

    def _(self, text: str | None) -> str | None:
        return text if text is None else textwrap.dedent(text).replace("PKG", self.name)


@pytest.fixture
def lab(shell: Shell, tmp_path: Path, request: pytest.FixtureRequest) -> Lab:
    return Lab(shell, tmp_path, request.node.name.removeprefix("test_"))


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_an_edit_is_seen_everywhere(shell: Shell, tmp_path: Path, idiom: Idiom) -> None:
    lab = Lab(shell, tmp_path, f"idiom_{idiom.name}", idiom.places)
    lab.write(idiom.files)
    lab.run(idiom.begin)
    assert lab.run(idiom.ask) == idiom.gives
    lab.write(idiom.edit)
    assert lab.run(idiom.ask) == idiom.then
    lab.write({name: idiom.files.get(name) for name in idiom.edit})
    assert lab.run(idiom.ask) == idiom.gives, "and back again"


def test_what_was_built_before_an_edit_is_renewed_or_refused(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(x): return (x % 2, 1)"})
    lab.run(
        """
        import PKG
        from pyspark.sql.functions import udf
        frame = spark.range(0, 2, 1, 2).select(udf(lambda x: PKG.f(x)[0], "int")("id").alias("x"))
        grouped = frame.groupBy("x").count()
        shuffled = sc.parallelize(range(4), 2).map(PKG.f).reduceByKey(lambda a, b: a + b)
        """
    )
    ask = "[sorted(r.x for r in f.collect()) for f in (frame, grouped)] + [sorted(shuffled.collect())]"
    assert lab.run(ask) == [[0, 1]] * 2 + [[(0, 2), (1, 2)]]
    lab.write({"PKG.py": "def f(x): return (x % 2 + 10, 1)"})
    assert lab.run("[sorted(r.x for r in f.collect()) for f in (frame, grouped)]") == [[10, 11]] * 2
    with pytest.raises(Failed, match="was built with version .* and you have edited it since.* Build it again"):
        lab.run("shuffled.collect()")
    lab.write({"PKG.py": "def f(x): return (x % 2, 1)"})
    assert lab.run(ask) == [[0, 1]] * 2 + [[(0, 2), (1, 2)]], "what is as it was then is not stale"


def test_what_is_cached_stays_and_what_is_built_upon_it_is_told(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(x): return (x % 2, 1)"})
    lab.run(
        """
        import PKG
        from pyspark.sql.functions import udf
        cached = spark.range(0, 2, 1, 2).select(udf(lambda x: PKG.f(x)[0], "int")("id").alias("x")).cache()
        above = cached.select(udf(lambda x: PKG.f(x)[0], "int")("x").alias("x"))
        shuffled = sc.parallelize(range(4), 2).map(PKG.f).reduceByKey(lambda a, b: a + b)
        """
    )
    assert lab.run("[sorted(r.x for r in f.collect()) for f in (cached, above)]") == [[0, 1]] * 2
    lab.write({"PKG.py": "def f(x): return (x % 2 + 10, 1)"})
    assert lab.run("[sorted(r.x for r in f.collect()) for f in (cached, above)]") == [[0, 1], [10, 11]]
    lab.shell.said()
    assert lab.run("sorted(shuffled.collect())") == [(0, 2), (1, 2)], "it may be what is cached"
    assert "from before an edit: something was cached then" in lab.shell.said()


def test_something_cached_excuses_nothing_else(lab: Lab) -> None:
    """Only what has Python functions, and only as long as it is cached."""
    lab.write({"PKG.py": "def f(x): return (x % 2, 1)"})
    lab.run(
        """
        import PKG
        plain = [spark.range(3).cache(), sc.parallelize([1, 2], 2).cache()]
        shuffled = sc.parallelize(range(4), 2).map(PKG.f).reduceByKey(lambda a, b: a + b)
        other = sc.parallelize(range(4), 2).map(PKG.f).cache()
        """
    )
    assert lab.run("[sorted(shuffled.collect()), other.count()]") == [[(0, 2), (1, 2)], 4]
    lab.run("other.unpersist()")
    lab.write({"PKG.py": "def f(x): return (x % 2 + 10, 1)"})
    with pytest.raises(Failed, match="was built with version .* and you have edited it since"):
        lab.run("shuffled.collect()")
    lab.run("[each.unpersist() for each in plain]")


def test_an_edit_is_seen_in_every_thread(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(x): return x % 2 + 1"})
    lab.run(
        """
        import PKG
        from concurrent.futures import ThreadPoolExecutor
        from pyspark.sql.functions import udf
        pool = ThreadPoolExecutor(1)
        frame = spark.range(0, 2, 1, 2).select(udf(lambda x: PKG.f(x), "int")("id").alias("x"))
        grouped = sc.parallelize(range(4), 2).map(lambda x: (PKG.f(x), 1)).reduceByKey(lambda a, b: a + b)
        """
    )
    ask = "sorted(pool.submit(lambda: [r.x for r in frame.collect()]).result())"
    assert lab.run(ask) == [1, 2]
    assert lab.run("sorted(pool.submit(grouped.collect).result())") == [(1, 2), (2, 2)]
    lab.write({"PKG.py": "def f(x): return x % 2 + 11"})
    assert lab.run(ask) == [11, 12]
    with pytest.raises(Failed, match="was built with version .* and you have edited it since"):
        lab.run("pool.submit(grouped.collect).result()")


def test_more_modules_make_nothing_stale(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(x): return x + 1", "PKG_more.py": "def g(x): return x + 2"})
    lab.run("import PKG; from pyspark.sql.functions import udf")
    lab.run("frame = spark.range(0, 2, 1, 2).select(udf(lambda x: PKG.f(x), 'int')('id').alias('x'))")
    assert lab.run("[r.x for r in frame.collect()]") == [1, 2]
    lab.run("import PKG_more")
    assert lab.run("everywhere(lambda: PKG_more.g(1))") == 3
    assert lab.run("[r.x for r in frame.collect()]") == [1, 2]


def test_a_deleted_module_that_is_imported_fails_the_edit(lab: Lab) -> None:
    lab.write({"PKG/__init__.py": "from .low import f", "PKG/low.py": "def f(): return 1"})
    lab.run("import PKG")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    lab.write({"PKG/low.py": None})
    assert lab.run("everywhere(lambda: PKG.f())") == 1, "the version before goes on"
    assert re.search(r"__init__.py\", line 1(.|\n)*No module named .*low", lab.shell.said())
    with pytest.raises(Failed, match="(?s)EditFailed.*No module named"):
        lab.run("sparkspace.hotdeploy()")
    lab.write({"PKG/__init__.py": "def f(): return 2"})
    assert lab.run("everywhere(lambda: PKG.f())") == 2


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("def f(:\n", 'File ".*PKG.py", line 1(.|\n)*SyntaxError'),
        ("x = 1\nundefined_name\n", 'File ".*PKG.py", line 2(.|\n)*NameError'),
        ("raise ImportError('not today')", 'File ".*PKG.py", line 1(.|\n)*not today'),
        ("import nothing_of_this_name", "line 1(.|\n)*No module named .nothing_of_this_name"),
    ],
    ids=["syntax", "name", "import", "missing"],
)
def test_a_broken_edit_changes_nothing(shell: Shell, tmp_path: Path, broken: str, says: str) -> None:
    lab = Lab(shell, tmp_path, f"broken_{abs(hash(broken))}")
    lab.write({"PKG.py": "def f(): return 1", "PKG_user.py": "import PKG\nSTATE = []"})
    lab.run("import PKG, PKG_user; PKG_user.STATE.append(1); held = PKG")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    lab.write({"PKG.py": broken})
    assert lab.run("everywhere(lambda: PKG.f())") == 1, "the version before goes on"
    assert re.search(lab._(says), shell.said())
    assert lab.run("[held is PKG, PKG_user.STATE, PKG.__name__ in sys.modules]") == [True, [1], True]
    lab.run("everywhere(lambda: 1)")
    assert "Error" not in shell.said(), "it is said once"
    lab.write({"PKG.py": "def f(): return 22"})
    assert lab.run("everywhere(lambda: PKG.f())") == 22


def test_a_running_job_ends_with_the_version_that_it_began_with(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(): return 1"})
    lab.run(
        f"""
        import threading, time, PKG
        started, go = {str(lab.folder / "started")!r}, {str(lab.folder / "go")!r}
        def wait(part):
            import os, time
            open(started, "w").close()
            while not os.path.exists(go):
                time.sleep(0.01)
            for x in part:
                yield PKG.f()
        found = []
        rdd = sc.parallelize(range(4), 4).mapPartitions(wait)
        thread = threading.Thread(target=lambda: found.append(rdd.collect()))
        thread.start()
        while not os.path.exists(started): time.sleep(0.01)
        """
    )
    lab.write({"PKG.py": "def f(): return 2"})
    assert lab.run("PKG.f()") == 2, "the driver has the new one"
    (lab.folder / "go").touch()
    assert lab.run("thread.join(60); found") == [[1, 1, 1, 1]]
    assert lab.run("everywhere(lambda: PKG.f())") == 2


def test_rollback(lab: Lab) -> None:
    for value in 1, 2, 1, 3, 1:
        lab.write({"PKG.py": f"def f(): return {value}"})
        lab.run("import PKG")
        assert lab.run("everywhere(lambda: PKG.f())") == value


def test_what_a_later_session_can_not_change_is_said(lab: Lab) -> None:
    lab.run("same = sparkspace.session(app_name='other', master='local[7]')")
    assert lab.run("same.sparkContext is sc")
    said = lab.shell.said()
    assert "app_name='other' does nothing" in said and "master='local[7]' does nothing" in said
    lab.run("sparkspace.session(app_name=sc.appName)")
    assert "does nothing" not in lab.shell.said()


def test_an_edit_that_can_not_be_taken_over_is_told_in_short(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(): return 1"})
    lab.run("import PKG, traceback")
    lab.write({"PKG.py": "def f(): return (1 +"})
    told = lab.run("try: sparkspace.hotdeploy()\nexcept Exception: told = traceback.format_exc()\ntold")
    assert "never closed" in told and f"{lab.name}.py" in told
    assert "tenacity" not in told and len(told.splitlines()) < 25, told
    lab.write({"PKG.py": "def f(): return 1"})


def test_errors_of_the_project(lab: Lab) -> None:
    source = (
        "class Bad(ValueError):\n    def __init__(self, x): super().__init__('bad{} %s' % x)\ndef f(x): raise Bad(x)"
    )
    lab.write({"PKG.py": source.format(1)})
    lab.run("import PKG; from PKG import Bad")
    ask = """
    def caught(x):
        try:
            PKG.f(x)
        except Bad as error:
            return str(error)
    everywhere(lambda: caught(1))
    """
    assert lab.run(ask) == "bad1 1"
    lab.write({"PKG.py": source.format(2)})
    assert lab.run(ask) == "bad2 1"
    with pytest.raises(Failed, match=r'test_errors|PKG.py", line 3'.replace("PKG", lab.name) + r"(.|\n)*Bad: bad2 7"):
        lab.run("sc.parallelize([7], 1).map(PKG.f).collect()")


def test_a_module_that_nobody_shipped(lab: Lab) -> None:
    lab.write({"PKG/__init__.py": "import importlib\ndef f(name): return importlib.import_module(name).V"})
    lab.write({"PKG_plugin.py": "V = 1"})
    lab.run("import PKG")
    with pytest.raises(Failed, match=r"No module named .*_plugin' on this executor. It is in .*ship=\["):
        lab.run("sc.parallelize([1], 1).map(lambda x: PKG.f('PKG_plugin')).collect()")
    lab.run("sparkspace.session(ship=['PKG_plugin'])")
    assert lab.run("everywhere(lambda: PKG.f('PKG_plugin'))") == 1


def test_a_project_that_imports_sparkspace(lab: Lab) -> None:
    source = """
    import sparkspace
    def run(spark):
        return spark.sparkContext.parallelize([1], 1).map(f).collect()
    def f(x): return x + {}
    """
    lab.write({"PKG.py": source.format(1)})
    lab.run("import PKG")
    assert lab.run("PKG.run(spark)") == [2]
    lab.write({"PKG.py": source.format(2)})
    assert lab.run("PKG.run(spark)") == [3]


def test_what_git_ignores_stays(lab: Lab) -> None:
    lab.write(
        {
            ".gitignore": "*.bin\n",
            "PKG/__init__.py": "import os\ndef f(): return sorted(os.listdir(os.path.dirname(__file__)))",
        }
    )
    lab.write({"PKG/a.txt": "x", "PKG/b.bin": "x", "PKG/__pycache__/c.pyc": "x", "PKG/.env": "SECRET=1"})
    lab.run("import PKG")
    assert lab.run("sc.parallelize([1], 1).map(lambda x: PKG.f()).collect()[0]") == ["__init__.py", "a.txt"]


def test_a_package_behind_a_link(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    real = tmp_path_factory.mktemp("elsewhere")
    write(real, {"__init__.py": "from .low import f", "low.py": "def f(): return 1"})
    (lab.folder / lab.name).symlink_to(real)
    lab.run("import PKG")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    write(real, {"low.py": "def f(): return 2"})
    assert lab.run("everywhere(lambda: PKG.f())") == 2


def test_foreach_batch(lab: Lab) -> None:
    source = """
    def each(frame, number):
        seen.extend(frame.rdd.map(lambda r: f(r.value)).collect())
    seen = []
    def f(x): return x + "{}"
    """
    lab.write({"PKG.py": source.format("a")})
    lab.run("import PKG")
    ask = f"""
    writer = spark.readStream.text({str(lab.folder / "in")!r}).writeStream.foreachBatch(PKG.each)
    writer = writer.option("checkpointLocation", {str(lab.folder / "check")!r})
    writer.trigger(availableNow=True).start().awaitTermination()
    PKG.seen
    """
    write(lab.folder, {"in/1.txt": "1"})
    assert lab.run(ask) == ["1a"]
    lab.write({"PKG.py": source.format("b")})
    write(lab.folder, {"in/2.txt": "2"})
    assert lab.run(ask) == ["2b"]


@pytest.mark.skipif(not importlib.util.find_spec("pyspark.sql.datasource"), reason="this Spark has no data sources")
def test_python_data_source(lab: Lab) -> None:
    source = """
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
    class Source(DataSource):
        @classmethod
        def name(cls): return "PKG"
        def schema(self): return "x int"
        def reader(self, schema): return Reader()
    class Reader(DataSourceReader):
        def partitions(self): return [InputPartition(i) for i in range(2)]
        def read(self, partition): yield (partition.value + {},)
    """
    lab.write({"PKG.py": source.replace("{}", "1")})
    with pytest.raises(Failed, match="is a Python data source of your project's, and those can't be shipped"):
        lab.run("import PKG; spark.dataSource.register(PKG.Source)")
    lab.run(textwrap.dedent(source).replace("{}", "1") + "spark.dataSource.register(Source)")
    assert lab.run("sorted(r.x for r in spark.read.format('PKG').load().collect())") == [1, 2], "the shell's own"


def test_a_worker_that_imported_from_elsewhere_is_found_out(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(): return 1"})
    lab.run("import PKG")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    lab.run(
        """
        def spoil(part):
            import sys, types
            list(part)  # or this process would not be used again
            other = types.ModuleType("PKG")
            other.__file__, other.f = "/elsewhere/PKG.py", lambda: 666
            sys.modules["PKG"] = other
            return [1]
        sc.parallelize([0, 1], 2).mapPartitions(spoil).collect()
        """
    )
    for _ in range(8):  # until that very process is asked: it ends, and Spark tries the task again in another
        assert lab.run("everywhere(lambda: PKG.f())") == 1


def test_a_folder_that_was_tampered_with_is_found_out(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(): return 1"})
    lab.run("import PKG")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    lab.write({"PKG.py": "def f(): return 2"})
    assert lab.run("everywhere(lambda: PKG.f())") == 2
    places = """
    def place(part):
        return list(part) and [PKG.__file__]
    found = set()
    while len(found) < 2:  # one for each executor
        found |= set(sc.parallelize([0, 1], 2).mapPartitions(place).collect())
    sorted(found)
    """
    found = [Path(path) for path in lab.run(places)]
    assert all("2" in path.read_text() for path in found)
    lab.write({"PKG.py": "def f(): return 1"})
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    for path in found:
        path.write_text("def f(): return 666")
    lab.write({"PKG.py": "def f(): return 2"})
    assert lab.run("everywhere(lambda: PKG.f())") == 2, "it is built anew"
    lazy = "def job():\n    import PKG_late, glob\n    return PKG_late.V"
    lab.write({"PKG_late.py": "V = 1"})
    lab.run(lazy)
    lab.run("import PKG_late")
    spoil = """
    def spoil(part):
        import sys, PKG
        sys.modules.pop("PKG_late", None)
        open(PKG.__file__.replace("PKG.py", "PKG_late.py"), "w").write("V = 666")
        import PKG_late
        return [PKG_late.V]
    sc.parallelize([0, 1], 2).mapPartitions(spoil).collect()
    """
    with pytest.raises(Failed, match="PKG_late.py is not what was sent".replace("PKG", lab.name)):
        lab.run(spoil)


def test_reused_workers_that_ran_something_else(lab: Lab) -> None:
    """A session without sparkspace has the same Python workers."""
    lab.write({"PKG.py": "def f(): return 1"})
    lab.run("import PKG; from sparkspace.code.hooks import HOOKS")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    lab.run("held, HOOKS.deployer = HOOKS.deployer, None")
    try:
        assert lab.run("sc.parallelize([1, 2], 2).map(lambda x: x + 1).collect()") == [2, 3]
    finally:
        lab.run("HOOKS.deployer = held")
    lab.write({"PKG.py": "def f(): return 2"})
    assert lab.run("everywhere(lambda: PKG.f())") == 2


def test_hotdeploy_says_what_every_executor_ran(lab: Lab) -> None:
    lab.write({"PKG.py": "def f(): return 1"})
    lab.run("import PKG; first = sparkspace.hotdeploy()")
    lab.write({"PKG.py": "def f(): return 2"})
    assert lab.run("second = sparkspace.hotdeploy(); first.version != second.version") is True
    assert lab.run("sum(second.version in ran for ran in second.executors.values())") == 2
    assert lab.run("PKG.f()") == 2


def test_an_editable_install(lab: Lab) -> None:
    lab.write({"elsewhere/PKG/__init__.py": "def f(): return 1", "site/PKG.pth": str(lab.folder / "elsewhere")})
    lab.run(f"import site; site.addsitedir({str(lab.folder / 'site')!r}); import PKG")
    assert lab.run("everywhere(lambda: PKG.f())") == 1
    lab.write({"elsewhere/PKG/__init__.py": "def f(): return 2"})
    assert lab.run("everywhere(lambda: PKG.f())") == 2


EXTENSION = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *value(PyObject *self, PyObject *args) { return PyLong_FromLong(VALUE); }
static PyMethodDef methods[] = {{"value", value, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", "", -1, methods};
PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&module); }
"""


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_a_compiled_module_gets_processes_of_its_own(lab: Lab) -> None:
    """The last one: from here on, every version of this shell's code needs new processes."""

    def build(value: int) -> None:
        (lab.folder / "native.c").write_text(EXTENSION)
        include, target = sysconfig.get_path("include"), lab.folder / lab.name / "native.so"
        words = ["gcc", "-shared", "-fPIC", f"-DVALUE={value}", f"-I{include}", "native.c", "-o", f"{target}.new"]
        subprocess.run(words, cwd=lab.folder, check=True, timeout=60)
        os.replace(f"{target}.new", target)  # what is loaded must not be written to

    lab.write({"PKG/__init__.py": "from .native import value\nVALUE = 1\n"})
    build(1)
    lab.run("import PKG")
    ask = "sc.parallelize([0, 1], 2).map(lambda x: (PKG.value(), PKG.VALUE)).collect()"
    assert lab.run(ask) == [(1, 1)] * 2
    lab.write({"PKG/__init__.py": "from .native import value\nVALUE = 2\n"})
    assert lab.run(ask) == [(1, 2)] * 2
    assert "compiled modules" in lab.run("repr(sparkspace.shipped())")
    assert "new Python processes" in lab.shell.said()
    build(3)
    assert lab.run(ask) == [(1, 2)] * 2, "on the driver, too, the first one goes on"
    assert "a process can't load a compiled module twice" in lab.shell.said()
    with pytest.raises(Failed, match="Start this shell or notebook anew|can't load a compiled module twice"):
        lab.run("sparkspace.hotdeploy()")
    build(1)  # or no later edit would be taken over
