"""Modules on a real Spark: what runs, what is read, what is said, and what happens when things break."""

# ruff: noqa: E501  # tables are read by their columns

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from sparkspace.code import memo
from sparkspace.code.memo import decide, execution, fingerprint, place, room
from sparkspace.code.memo.store import _HELD
from sparkspace.errors import SparkspaceError, UsageError

from .flows import Project, rows, states

pytestmark = pytest.mark.spark


def jobs(spark: SparkSession) -> int:
    """How many jobs this application has had."""
    return int(spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs())


def test_only_what_has_changed_runs(spark: SparkSession, project: Project) -> None:
    flow = project.load()
    assert states(memo.plan(flow.counted)) == ["run", "run", "run"]
    assert rows(flow.counted.result()) == [("APE", 5), ("BEE", 2)]
    assert project.runs() == {"raw": 1, "tidied": 1, "counted": 1}

    before = jobs(spark)
    assert states(memo.plan(flow.counted)) == ["read", "read", "read"]
    assert re.fullmatch(r"flow.counted would be read: nothing has changed since \S+ \S+ UTC", memo.why(flow.counted))
    flow.counted.result()
    assert jobs(spark) == before, "neither a plan nor a result that is there starts a job"

    project.edit("tidy.py", "F.trim(column)", "F.reverse(F.trim(column))")
    flow = project.load()
    plan = memo.plan(flow.counted)
    assert states(plan) == ["read", "run", "maybe"]
    assert memo.why(flow.tidied) == "flow.tidied would run: helper tidy.strip changed (tidy.py:8)"
    assert "its parent flow.tidied runs first; with the same data as before" in str(plan)
    assert rows(memo.run(flow.counted)) == [("EEB", 2), ("EPA", 5)]
    assert project.runs() == {"raw": 1, "tidied": 2, "counted": 2}

    project.edit("tidy.py", "F.reverse(F.trim(column))", "F.trim(column)")
    flow = project.load()
    assert states(memo.plan(flow.counted)) == ["read", "read", "read"], "the old result is still there"


def test_the_same_data_again_stop_there(project: Project) -> None:
    """Early cut-off: a child depends on what its parents give, and not on how they came to it."""
    project.load().counted.result()
    project.edit("tidy.py", "F.upper(strip(column))", "strip(F.upper(column))")
    flow = project.load()
    assert states(memo.plan(flow.counted)) == ["read", "run", "maybe"]
    flow.counted.result()
    assert project.runs() == {"raw": 1, "tidied": 2, "counted": 1}
    assert states(memo.plan(flow.counted)) == ["read", "read", "read"]


def test_an_input_that_changes_is_seen(project: Project) -> None:
    flow = project.load()
    flow.counted.result()
    os.utime(project.data / "a.csv", (1, 1))
    assert states(memo.plan(flow.counted)) == ["read", "read", "read"], "a touch is no change"
    (project.data / "b.csv").write_text("word,n\ncow,3\n")
    said = memo.why(flow.raw)
    assert said == f"flow.raw would run: input {project.data.as_uri()} changed: 1 file more"
    assert rows(flow.counted.result()) == [("APE", 5), ("BEE", 2), ("COW", 3)]
    (project.data / "b.csv").unlink()
    (project.data / "a.csv").unlink()
    with pytest.raises(SparkspaceError, match="isn't there, or is empty"):
        memo.plan(flow.counted)


def test_settings_that_can_matter_count(spark: SparkSession, project: Project) -> None:
    flow = project.load()
    flow.raw.result()
    was = spark.conf.get("spark.sql.ansi.enabled")
    other = "false" if was == "true" else "true"
    spark.conf.set("spark.sql.ansi.enabled", was)
    flow.raw.result()
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    assert states(memo.plan(flow.raw)) == ["read"]
    try:
        spark.conf.set("spark.sql.ansi.enabled", other)
        assert memo.why(flow.raw) == f"flow.raw would run: conf spark.sql.ansi.enabled was {was}, is {other}"
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")
        spark.conf.set("spark.sql.shuffle.partitions", "2")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        assert "conf spark.sql.session.timeZone was " in memo.why(flow.raw)
    finally:
        spark.conf.unset("spark.sql.session.timeZone")


def part_of(project: Project, name: str) -> Path:
    return next(Path(project.store.folder.url.removeprefix("file://")).glob(f"flow.{name}/*/*/part-*.parquet"))


def test_a_damaged_result_is_made_anew(project: Project) -> None:
    flow = project.load()
    flow.counted.result()
    part = part_of(project, "tidied")
    part.write_bytes(part.read_bytes()[:-1])
    assert re.search(r"its result was damaged: part-\S+ has \d+ bytes, and was written with", memo.why(flow.tidied))
    assert rows(flow.counted.result()) == [("APE", 5), ("BEE", 2)]
    assert project.runs() == {"raw": 1, "tidied": 2, "counted": 1}
    part_of(project, "counted").unlink()
    assert re.search(r"its result was damaged: part-\S+ was removed", memo.why(flow.counted))
    assert rows(flow.counted.result()) == [("APE", 5), ("BEE", 2)]


def test_a_manifest_that_is_no_manifest_is_not_believed(project: Project) -> None:
    flow = project.load()
    flow.raw.result()
    manifest = next(path for path in project.store.folder.files() if path.endswith(".json"))
    project.store.folder.write(manifest, b'{"name": "flow.raw"')
    assert "can't be read" in memo.why(flow.raw)
    assert rows(flow.raw.result())


def test_what_fails_leaves_nothing(spark: SparkSession, project: Project) -> None:
    """An error in the middle of the write, and Ctrl-C, which cancels the job."""
    project.edit("flow.py", 'F.sum("n").alias("n")', 'F.raise_error(F.lit("no")).alias("n"), F.count("n").alias("m")')
    flow = project.load()
    with pytest.raises(Exception, match="no"):
        flow.counted.result()
    assert "counted" not in project.runs()
    assert not [path for path in project.store.folder.files() if path.startswith("flow.counted")]


def test_what_was_killed_is_not_read_and_goes_away(project: Project) -> None:
    flow = project.load()
    flow.raw.result()
    step = memo.plan(flow.raw)[flow.raw]
    leftover = f"flow.raw/{step.key}/1-abc/part-0.parquet"
    project.store.folder.write(leftover, b"half of it")
    assert states(memo.plan(flow.raw)) == ["read"]
    assert room.sweep(project.store, 1 << 40, 1).removed == 0, "whoever writes it may be at it yet"
    os.utime(Path(project.store.folder.url.removeprefix("file://"), leftover), (1, 1))
    assert room.sweep(project.store, 1 << 40, 1).removed == len("half of it")
    assert leftover not in project.store.folder.files()
    assert states(memo.plan(flow.raw)) == ["read"]


def test_two_at_once_are_both_right(project: Project) -> None:
    flow = project.load()
    together = threading.Barrier(2)
    found: list[object] = []

    def one() -> None:
        at_once = decide.Decider(decide.session())
        step = at_once.step(flow.raw, [])
        together.wait(60)
        execution.execute(at_once, step, {})
        found.append(rows(flow.raw.result()))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found[0] == found[1]
    assert project.runs() == {"raw": 2}
    manifests = [memo.plan(flow.raw)[flow.raw].manifest for _ in range(3)]
    assert len({manifest.run for manifest in manifests if manifest}) == 1


def test_room_is_made_for_what_is_used(project: Project) -> None:
    flow = project.load()
    flow.counted.result()
    total = sum(run.size for run in project.store.runs())
    assert memo.clean(0, idle_hours=0) == memo.Cleaned(0, total, total), "this process reads them"

    _HELD.clear()  # as another process sees it
    assert memo.clean(0).removed == 0, "somebody used them an hour ago"
    flow.raw.pin()
    _HELD.clear()
    runs = {run.path.partition("/")[0]: run for run in project.store.runs()}
    for name, seconds in (("flow.raw", 100), ("flow.tidied", 200), ("flow.counted", 300)):
        root = Path(project.store.folder.url.removeprefix("file://"))
        for suffix in runs[name].files:
            os.utime(root / (runs[name].path + suffix), (seconds, seconds))
    done = memo.clean(total - 1)
    assert done.removed == runs["flow.tidied"].size, "the pinned one is older, and stays"
    assert project.runs() == {"raw": 1, "counted": 1}
    assert memo.clean(0).over == sum(run.size for run in project.store.runs()) > 0
    assert project.runs() == {"raw": 1}
    flow.raw.pin(False)
    _HELD.clear()
    for suffix in (".json", ".used"):
        os.utime(root / (runs["flow.raw"].path + suffix), (1, 1))
    assert memo.clean(0).left == 0
    assert project.store.folder.files() == {}


def test_chance_is_not_kept_unless_declared(project: Project) -> None:
    odd = '@sparkspace.module\ndef odd(spark):\n    return spark.range(2).withColumn("x", F.rand())\n\n\n'
    project.edit("flow.py", "@sparkspace.module(inputs", f"{odd}@sparkspace.module(inputs")
    flow = project.load()
    flow.odd.result()
    assert memo.why(flow.odd) == (
        "flow.odd would run: it gives other data each time: Rand (deterministic=True keeps its result)"
    )
    project.edit("flow.py", "@sparkspace.module\ndef odd", "@sparkspace.module(deterministic=True)\ndef odd")
    assert states(memo.plan(project.load().odd)) == ["read"]


def test_python_s_clock_is_seen_before_anything_runs(project: Project) -> None:
    project.edit(
        "tidy.py", "    return F.trim(column)", "    import time\n    return F.trim(column) + str(time.time())"
    )
    project.edit("flow.py", "from tidy import clean", "from tidy import clean\nimport random")
    flow = project.load()
    step = memo.plan(flow.tidied)[flow.tidied]
    assert step.fresh == ("time in tidy.strip (tidy.py:8)",)


def test_what_is_read_must_be_declared(project: Project) -> None:
    other = project.folder / "other"
    other.mkdir()
    (other / "x.csv").write_text("1\n")
    project.edit(
        "flow.py", "return raw.withColumn", f'raw = raw.crossJoin(spark.read.csv("{other}"))\n    return raw.withColumn'
    )
    flow = project.load()
    with pytest.raises(SparkspaceError) as caught:
        flow.tidied.result()
    assert caught.value.message == f"flow.tidied reads file:{other}, which is not among its inputs."
    assert "tidied" not in project.runs()


def test_a_function_known_by_name_alone_is_refused(spark: SparkSession, project: Project) -> None:
    """Its code is what somebody registered, maybe long ago."""
    spark.udf.register("shout", str.upper)
    project.edit("flow.py", 'clean(F.col("word"))', "F.expr('shout(word)')")
    with pytest.raises(SparkspaceError, match="flow.tidied uses shout, a function that is registered by name"):
        project.load().tidied.result()


VIEWED = """

@sparkspace.module
def viewed(spark):
    return spark.sql("select id from somewhere")
"""


def test_a_view_is_an_input_or_its_own(spark: SparkSession, project: Project) -> None:
    spark.range(3).createOrReplaceTempView("somewhere")
    project.edit("flow.py", "\n\n@sparkspace.module\ndef tidied", VIEWED + "\n\n@sparkspace.module\ndef tidied")
    with pytest.raises(SparkspaceError, match="flow.viewed reads somewhere, which is not among its inputs"):
        project.load().viewed.result()
    project.edit("flow.py", "@sparkspace.module\ndef viewed", '@sparkspace.module(inputs=["somewhere"])\ndef viewed')
    with pytest.raises(SparkspaceError, match="view somewhere can't be told: it was made of a DataFrame"):
        project.load().viewed.result()
    spark.sql("create or replace temporary view somewhere as select id from range(4)")
    flow = project.load()
    assert flow.viewed.result().count() == 4
    assert states(memo.plan(flow.viewed)) == ["read"]
    spark.sql("create or replace temporary view somewhere as select id from range(5)")
    assert memo.why(flow.viewed).startswith("flow.viewed would run: input somewhere changed")
    project.edit(
        "flow.py",
        '(inputs=["somewhere"])\ndef viewed(spark):',
        '\ndef viewed(spark):\n    spark.range(6).createOrReplaceTempView("somewhere")',
    )
    assert project.load().viewed.result().count() == 6


def test_a_module_may_not_change_settings(spark: SparkSession, project: Project) -> None:
    """A child would have them when this runs, and not when this is read."""
    project.edit(
        "flow.py", "    return raw.with", '    spark.conf.set("spark.sql.caseSensitive", "true")\n    return raw.with'
    )
    try:
        with pytest.raises(SparkspaceError, match="flow.tidied has changed spark.sql.caseSensitive"):
            project.load().counted.result()
    finally:
        spark.conf.unset("spark.sql.caseSensitive")


def test_files_of_an_rdd_are_inputs(project: Project) -> None:
    (project.folder / "other.txt").write_text("x\n")
    lines = f'spark.sparkContext.textFile("{project.folder}/other.txt").map(lambda line: (line,)).toDF("x string")'
    project.edit("flow.py", "return raw.withColumn", f"raw = raw.crossJoin({lines})\n    return raw.withColumn")
    with pytest.raises(SparkspaceError, match="flow.tidied reads .*other.txt, which is not among its inputs"):
        project.load().tidied.result()


def test_a_table_is_an_input(spark: SparkSession, project: Project) -> None:
    spark.sql("create table stock (n int) using parquet")
    try:
        spark.sql("insert into stock values (1)")
        project.edit(
            "flow.py",
            "@sparkspace.module(inputs",
            '@sparkspace.module(inputs=["stock"])\ndef kept(spark):\n    return spark.table("stock")\n\n\n@sparkspace.module(inputs',
        )
        flow = project.load()
        assert rows(flow.kept.result()) == [(1,)]
        assert states(memo.plan(flow.kept)) == ["read"]
        spark.sql("insert into stock values (2)")
        assert memo.why(flow.kept) == "flow.kept would run: input stock changed: 1 file more"
        assert rows(flow.kept.result()) == [(1,), (2,)]
    finally:
        spark.sql("drop table stock")


REFUSED = {
    "no-frame": ("return raw.withColumn", "return 1 or raw.withColumn", "returned a int, and has to return a DataFrame"),
    "no-parent": ("def tidied(spark, raw)", "def tidied(spark, raw, other)", "has a parameter other, and there is no mod"),
    "itself": ("def tidied(spark, raw)", "def tidied(spark, raw, tidied)", "comes from itself: flow.tidied → flow.tidied"),
    "a-module-as-a-value": ("return raw.withColumn", "counted\n    return raw.withColumn", "flow.counted is a module"),
    "a-column-outside": ("\n\n@sparkspace.module\ndef tidied", "\n\nC = F.lit(1)\n\n\n@sparkspace.module\ndef tidied",
                         "flow.C is a Column made outside"),
    "a-generator": ("\n\n@sparkspace.module\ndef tidied", "\n\nC = (each for each in [])\n\n\n@sparkspace.module\ndef tidied",
                     "flow.C is a builtins.generator, and whether it changes can't be told"),
    "environment": ("return raw.withColumn", "import os\n    os.environ\n    return raw.withColumn", "reads environment variables"),
    "one-text": ("@sparkspace.module\ndef tidied", "@sparkspace.module(env='X')\ndef tidied", "env is a list"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(project: Project, case: str) -> None:
    old, new, said = REFUSED[case]
    if "outside" in case or "generator" in case:
        project.edit("flow.py", "return raw.withColumn", "C\n    return raw.withColumn")
    project.edit("flow.py", old, new)
    with pytest.raises(SparkspaceError, match=re.escape(said)):
        project.load().tidied.result()


def test_the_job_that_writes_also_counts(spark: SparkSession, project: Project) -> None:
    """What is observed is what lies there, also when nothing does."""
    project.edit("flow.py", "return tidied.groupBy", "return tidied.where('false').groupBy")
    flow = project.load()
    flow.counted.result()
    for name in ("raw", "tidied", "counted"):
        manifest = memo.plan(flow.counted)[getattr(flow, name)].manifest
        assert manifest
        frame = getattr(flow, name).result()
        row = frame.agg(*(fingerprint.total(frame) or [])).collect()[0]
        assert (manifest.rows, manifest.rows) == (row["rows"], frame.count())


def test_the_newest_of_a_name_counts(project: Project) -> None:
    """A notebook holds on to what it imported, and means what it has become."""
    old = project.load().counted
    old.result()
    project.edit("tidy.py", "F.trim(column)", "F.reverse(F.trim(column))")
    project.load()
    assert rows(old.result()) == [("EEB", 2), ("EPA", 5)]


def test_a_cell_of_a_notebook(project: Project) -> None:
    """Code without a file, as a notebook or a shell has it, defined again and again."""
    source = "import sparkspace.code.memo as m\n@m.module\ndef celled(spark):\n    return spark.range(N)\n"
    for count, state in ((2, "run"), (2, "read"), (3, "run")):
        space: dict[str, Any] = {"__name__": "__main__", "N": count}
        exec(compile(source, "<cell>", "exec"), space)
        assert states(memo.plan(space["celled"])) == [state]
        assert space["celled"].result().count() == count


def test_a_run_elsewhere_needs_a_place_that_all_see(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARKSPACE_MODULES_DIR", raising=False)

    class Elsewhere:
        sparkContext = type("Context", (), {"master": "spark://somewhere:7077"})  # noqa: N815

    with pytest.raises(SparkspaceError, match="SPARKSPACE_MODULES_DIR must be set: the executors of spark://somewhere"):
        place.find(Elsewhere())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is no module"):
        memo.plan(len)  # type: ignore[arg-type]
