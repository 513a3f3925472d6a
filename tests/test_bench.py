"""What benchmarks have in common: rows, their table and aims, what is kept, docs/performance.md, and bench/run."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import throughput  # noqa: E402
from sides import performance, queries, result, stock, suite, turns  # noqa: E402
from sides.machine import Machine  # noqa: E402
from sides.result import Result, Row  # noqa: E402

MACHINE = Machine("a processor", 2, 8, "Linux 6.1 x86_64", 0.25, "4.3.0", "17.0.1", "3.11.2")
START = Row("a master is ALIVE", "s", "The JVM.", "≤ 0.45", {"ours": [1.2, 1.0, 1.1], "stock": [2.0, 4.0, 3.0]})
ALONE = Row("a plan", "ms", "Files.", "≤ 200", {"ours": [210.4]})
SPEED = Row("queries", "rows/s", "Cores.", "≥ 0.98", {"ours": [98.0], "encrypted": [100.0], "stock": [200.0]})
# A benchmark that has opened something, which it closes at Ctrl-C.
SLOW = """\
import sys, time
from pathlib import Path
try:
    Path(sys.argv[2]).with_name("begun").touch()
    print("begun", flush=True)
    time.sleep(60)
finally:
    print("closed", flush=True)
"""


def kept(rows: list[Row]) -> Result:
    """A result as a benchmark keeps it."""
    return Result("start", "bench/start.py --runs 3", "2026-01-02", MACHINE, rows)


def test_row_ratio() -> None:
    assert START.median("ours") == 1.1
    assert START.ratio("stock") == pytest.approx(1.1 / 3.0)
    assert START.ratio("ours") is None
    assert Row("lost", "tasks", "", sides={"ours": [1], "stock": [0]}).ratio("stock") is None  # by nothing


@pytest.mark.parametrize(
    ("row", "aim", "met"),
    [
        (START, "≤ 0.45", True),
        (START, "≤ 0.36", False),  # 1.1 ÷ 3.0 is 0.367
        (ALONE, "≤ 200", False),  # the median itself
        (ALONE, "≤ 211", True),
        (SPEED, "≥ 0.98", True),  # against the second side, not the third
        (SPEED, "≥ 0.99", False),
        (START, "", None),
    ],
)
def test_aim(row: Row, aim: str, met: bool | None) -> None:
    assert replace(row, aim=aim).met is met


def test_aim_of_another_form_refused() -> None:
    with pytest.raises(ValueError, match="half.*a master is ALIVE|a master is ALIVE.*half"):
        replace(START, aim="half")


def test_table() -> None:
    assert result.table([START, replace(ALONE, aim="≤ 300"), replace(SPEED, aim="≥ 0.99")]).splitlines()[2:] == [
        "| a master is ALIVE, s | ours | 3 | 1.10 | 1.00 to 1.20 |  |  |",
        "|  | stock | 3 | 3.00 | 2.00 to 4.00 | 0.367 | ≤ 0.45: met |",
        "| a plan, ms | ours | 1 | 210 |  |  | ≤ 300: met |",
        "| queries, rows/s | ours | 1 | 98.0 |  |  |  |",
        "|  | encrypted | 1 | 100 |  | 0.980 | ≥ 0.99: **missed** |",
        "|  | stock | 1 | 200 |  | 0.490 |  |",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01234, "0.0123"), (1.2345, "1.23"), (88.88, "88.9"), (123456.7, "123,457")]
)
def test_shown(value: float, text: str) -> None:
    assert result.shown(value) == text


def test_measured_leaves_out_what_nobody_has() -> None:
    """Without Ruby there is no launcher to compare, and foresight has no queries."""
    rows = {"launcher": replace(START, sides={}), "master": replace(ALONE, sides={})}
    runs = {"ours": [{"master": 1.0}, {"master": 2.0}], "stock": [{"master": 3.0}], "other": [{"shell": 1.0}]}
    assert [(row.what, row.sides) for row in result.measured(rows, runs)] == [
        ("a plan", {"ours": [1.0, 2.0], "stock": [3.0]})
    ]


def test_result_kept_and_read(tmp_path: Path) -> None:
    found = kept([START, ALONE])
    result.keep(tmp_path / "new" / "start.json", found)
    assert result.load(tmp_path / "new" / "start.json") == found


def test_turns_alternate_after_a_warm_up(capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def side(name: str) -> turns.Values:
        order.append(name)
        return {"s": float(len(order))}

    runs = turns.alternate({"ours": lambda: side("ours"), "stock": lambda: side("stock")}, 2)
    assert order == ["ours", "stock", "stock", "ours", "ours", "stock"]
    assert runs == {"ours": [{"s": 4.0}, {"s": 5.0}], "stock": [{"s": 3.0}, {"s": 6.0}]}
    assert capsys.readouterr().err.count("warm-up") == 2


def test_command_keeps_and_judges(tmp_path: Path) -> None:
    """A benchmark of its own: its sizes, what it keeps, and exit code 1 for a missed aim, but for a quick look."""
    script = tmp_path / "tiny.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'bench')!r})\n"
        "from sides.command import Command, Size\nfrom sides.result import Row\n"
        "command = Command('Doc.', runs=Size(5, 'of each side', quick=4))\n"
        "values = [float(command.sizes['runs'])] * 2\n"
        "sys.exit(command.finish([Row('a thing', 's', 'Nothing.', '≤ 0.5', {'ours': values, 'stock': [5.0, 5.0]})]))\n"
    )

    def run(*options: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    file = tmp_path / "tiny.json"
    code, said = run("--json", str(file))
    assert code == 1
    assert "| 1.00 | ≤ 0.5: **missed** |" in said
    found = result.load(file)
    assert found.command == "bench/tiny.py --runs 5"
    assert found.machine.cores == os.cpu_count()
    assert run("--json", str(file), "--runs", "2")[0] == 0
    file.unlink()
    code, said = run("--quick")
    assert code == 0
    assert "bench/tiny.py --runs 4" in said and "**missed**" in said
    assert not list(tmp_path.glob("*.json")) and not (result.RESULTS / "tiny.json").exists()


def test_page(tmp_path: Path) -> None:
    result.keep(tmp_path / "start.json", kept([START, ALONE, SPEED]))
    performance.write(tmp_path, tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert "\n## start: How long each thing that a user waits for takes" in page
    assert "\n`bench/start.py --runs 3`, 2026-01-02: 2 cores (a processor), 8 GB, Linux 6.1 x86_64; Spark 4.3.0" in page
    assert result.table([START, ALONE, SPEED]) in page
    assert "](pictures/start.svg)" in page
    assert "\n* **a master is ALIVE**, s: The JVM.\n" in page
    assert "busy" not in page
    words = texts(tmp_path / "pictures" / "start.svg")
    assert {"a master is ALIVE, s", "aim ≤ 0.45: met", "3.00", "aim ≤ 200: missed", "encrypted"} <= words


def test_page_says_that_the_machine_was_busy() -> None:
    busy = replace(kept([START]), machine=replace(MACHINE, load=1.5))
    assert "load 1.5 before, so the machine was busy with other things" in performance.page([busy])


def test_pictures_are_the_same_again(tmp_path: Path) -> None:
    result.keep(tmp_path / "start.json", kept([START, SPEED]))
    pictures = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        performance.write(tmp_path, tmp_path / name)
        pictures.append((tmp_path / name / "pictures" / "start.svg").read_bytes())
    assert pictures[0] == pictures[1]


def test_docs_are_what_is_kept(tmp_path: Path) -> None:
    """If not: bench/run --write. Of pictures the words and numbers, which another Matplotlib draws no differently."""
    performance.write(docs=tmp_path)
    assert (tmp_path / "performance.md").read_text() == (performance.DOCS / "performance.md").read_text()
    drawn = {path.name: texts(path) for path in (tmp_path / "pictures").glob("*.svg")}
    committed = {path.name: texts(path) for path in (performance.DOCS / "pictures").glob("*.svg")}
    assert drawn == committed


def test_results_are_of_benchmarks_that_exist() -> None:
    found = performance.kept()
    assert found
    assert {each.name for each in found} <= set(suite.benchmarks())
    assert all(row.limit.endswith(".") for each in found for row in each.rows)


@pytest.mark.parametrize("path", sorted((ROOT / "bench").glob("*.py")), ids=lambda path: path.stem)
def test_every_size_of_a_benchmark_is_an_option(path: Path) -> None:
    """None has the name of something else that ``Command`` takes."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    words = [word for call in calls if called(call) == "Command" for word in call.keywords]
    sizes = [word.arg for word in words if isinstance(word.value, ast.Call) and called(word.value) == "Size"]
    done = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, check=True)
    assert [name for name in sizes if f"--{name} N" not in done.stdout] == []


def called(call: ast.Call) -> str:
    """The name of what is called, where that is a plain name."""
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_run_lists_every_benchmark() -> None:
    said = suite_run("--list").stdout
    assert [line.split()[0] for line in said.splitlines()] == sorted(
        path.stem for path in (ROOT / "bench").glob("*.py")
    )


def test_run_refuses_what_is_no_benchmark() -> None:
    done = suite_run("nonsense")
    assert done.returncode == 2
    assert "there is no nonsense, only archive, autoscale," in done.stderr


def test_quick_run_keeps_nothing() -> None:
    """One that is quick, one that can't be, and both are said."""
    before = {path: path.read_bytes() for path in [*result.RESULTS.glob("*"), ROOT / "docs" / "performance.md"]}
    done = suite_run("--quick", "autoscale", "slug")
    assert done.returncode == 0, done.stderr
    assert "| dynos of workers, h | ours |" in done.stdout
    assert "bench/slug.py has no --quick: it builds a slug." in done.stderr
    assert "-----> autoscale: done, slug: left out; " in done.stderr
    assert before == {path: path.read_bytes() for path in [*result.RESULTS.glob("*"), ROOT / "docs" / "performance.md"]}


def test_one_that_fails_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bench").mkdir()
    for name, code in (("broken", 1), ("fine", 0), ("late", 1)):
        text = "import sys, json\n" + ("" if name == "broken" else "open(sys.argv[2], 'w').write('{}')\n")
        (tmp_path / "bench" / f"{name}.py").write_text(f"{text}sys.exit({code})\n")
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    assert suite.run_all(["broken", "fine", "late"], tmp_path / "results", quick=False) == 1
    assert sorted(path.name for path in (tmp_path / "results").glob("*")) == ["fine.json", "late.json"]
    assert "broken: FAILED, fine: done, late: an aim is missed; " in capfd.readouterr().err
    codes = {name: suite.run_all([name], tmp_path / "results", quick=False) for name in ("fine", "broken", "late")}
    assert codes == {"fine": 0, "broken": 1, "late": 1}


def test_interrupted_run_lets_a_benchmark_close_what_it_opened(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "slow.py").write_text(SLOW)
    code = (
        "import signal, sys; from pathlib import Path; from sides import suite; from sides.command import interrupt\n"
        f"signal.signal(signal.SIGINT, interrupt); suite.ROOT = Path({str(tmp_path)!r})\n"
        f"sys.exit(suite.run_all(['slow', 'slow'], Path({str(tmp_path)!r}), False))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT / "bench", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "closed\n"
        assert process.stderr.read().endswith("-----> interrupted\n")
        assert process.wait(60) == 130


@pytest.mark.parametrize("path", suite.benchmarks().values(), ids=lambda path: path.stem)
def test_rows_say_what_limits_them(path: Path) -> None:
    values = [*runpy.run_path(str(path)).values()]
    values += [each for value in values if isinstance(value, dict) for each in value.values()]
    values += [each for value in values if isinstance(value, tuple) for each in value]
    rows = [each for each in values if isinstance(each, Row)]
    assert rows
    assert all(row.what and row.unit and row.limit.endswith(".") for row in rows)


def test_stock_has_our_security() -> None:
    """What begins so in our conf file, and the secret, which we have in the environment."""
    template = (ROOT / "conf-templates" / "spark-defaults.conf.j2").read_text()
    ours = dict(
        re.findall(r"^(spark\.(?:authenticate|network\.crypto|io\.encryption)\S*?)=(.*)$", template, re.MULTILINE)
    )
    assert stock.SECURITY.keys() == ours.keys()
    assert {**stock.SECURITY, "spark.authenticate.secret": ""} == {**ours, "spark.authenticate.secret": ""}


def test_throughput_compares_answers() -> None:
    def said(answer: int) -> str:
        found = {"seconds": {"Q1": 2.0, "Python": 3.0}, "answers": {"Q1": [[answer]]}, "place": {"cores": 2}}
        return f"noise\n{queries.MARK}{json.dumps(found)}\n"

    seen: list[object] = []
    assert throughput.worked(lambda rows: said(7), 100, seen) == {"rate": 20.0, "Q1": 2.0, "Python": 3.0}
    throughput.worked(lambda rows: said(7), 100, seen)
    with pytest.raises(AssertionError, match="two sides differ"):
        throughput.worked(lambda rows: said(8), 100, seen)


def suite_run(*args: str) -> subprocess.CompletedProcess[str]:
    """``bench/run``, without its look for what has to be installed."""
    command = [sys.executable, "-m", "sides.suite", *args]
    return subprocess.run(command, cwd=ROOT / "bench", capture_output=True, text=True, timeout=120)


def texts(path: Path) -> set[str]:
    """The words and numbers of a picture."""
    return {text.strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())}
