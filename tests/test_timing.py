"""``doctor --timing``: a real start, measured, after which nothing is left; and where text and picture go."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sparkspace.cluster import stopwatch, waterfall
from sparkspace.cluster.kin import Kin
from sparkspace.cluster.started import Started
from sparkspace.cluster.waterfall import Phase, Waterfall
from sparkspace.commands import timing
from sparkspace.errors import CheckFailed, UsageError

from . import launchers
from .box.conftest import processes_of

PHASES = {
    "master": ["launcher", "JVM", "ALIVE"],
    "worker": ["launcher", "JVM", "registered"],
    "driver": ["launcher", "JVM", "Python", "up"],
    "executor": ["launcher", "up"],
    "job": ["first task sent", "first task runs", "first result"],
}
QUICK = ("scripts", "launcher", "first task sent")  # may be over before they are seen
START = Waterfall((Phase("master", "launcher", 0.0, 1.0),), "/app/archives")
PATIENCE_S = 60


@pytest.fixture
def real(tmp_path: Path) -> dict[str, str]:
    """A dyno with the real Spark, of an operator whose config vars lead to a cluster that runs elsewhere."""
    (tmp_path / "tmp").mkdir()
    java = {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    return {
        **java,
        **launchers.FACTS,
        "PATH": f"{launchers.PATH}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path / "tmp"),
        "SPARKSPACE_SECRET": launchers.SECRET,
        "SPARK_MASTERS": "3",
        "SPARKSPACE_EVENT_LOG_DIR": (tmp_path / "events").as_uri(),
        "LOG_LEVEL": "ERROR",
    }


def assert_nothing_is_left(env: dict[str, str]) -> None:
    """Of processes by their environment, and of files."""
    assert processes_of(env["TMPDIR"]) == []
    assert [path.name for path in Path(env["TMPDIR"]).iterdir() if path.name.startswith("sparkspace-timing")] == []


@pytest.mark.spark
def test_start_is_measured_step_by_step(real: dict[str, str], tmp_path: Path) -> None:
    svg = tmp_path / "start.svg"
    ended = launchers.run("sparkspace", "doctor", "--timing", "--json", "--svg", str(svg), env=real, timeout_s=240)
    assert ended.code == 0, ended.stderr
    found = timing.parse(ended.stdout)
    by_process = {of: list(phases) for of, phases in itertools.groupby(found.phases, lambda phase: phase.of)}
    assert list(by_process) == list(PHASES)
    for of, phases in by_process.items():
        names = [phase.name for phase in phases]
        assert [name for name in PHASES[of] if name not in (*names, *QUICK)] == []
        assert all(phase.begin_s >= 0 and phase.took_s > 0 for phase in phases)
        assert [phase.begin_s for phase in phases[1:]] == [phase.end_s for phase in phases[:-1]]
    first, last = ({of: phases[at] for of, phases in by_process.items()} for at in (0, -1))
    assert first["master"].begin_s == 0
    assert last["master"].end_s <= first["worker"].begin_s <= last["worker"].end_s <= first["driver"].begin_s
    python = next(phase for phase in by_process["driver"] if phase.name == "Python")
    assert python.end_s <= first["executor"].begin_s  # it is the SparkContext that asks for it
    assert first["job"].begin_s == max(last["driver"].end_s, last["executor"].end_s)
    assert last["job"].end_s == found.total_s
    bars = ElementTree.parse(svg).findall("{http://www.w3.org/2000/svg}rect")[1:]
    assert len(bars) == len(found.phases)
    (log,) = (tmp_path / "events").iterdir()
    assert log.name.startswith("eventlog_v2_timing-")
    assert list(log.glob("*.inprogress")) == []  # the driver was let end by itself
    assert_nothing_is_left(real)


@pytest.mark.spark
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_nothing_is_left_of_a_start_that_is_broken_off(real: dict[str, str], number: int, code: int) -> None:
    """In the midst of a JVM's start, and told twice, as by somebody impatient."""
    process = subprocess.Popen([launchers.ROOT / "bin" / "sparkspace", "doctor", "--timing"], env=real)
    try:
        until_a_jvm_runs(real["TMPDIR"])
        process.send_signal(number)
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == code
    finally:
        process.kill()
    assert_nothing_is_left(real)


def until_a_jvm_runs(folder: str) -> None:
    """One that has the folder in its environment."""
    end = time.monotonic() + PATIENCE_S
    while not any("/bin/java" in line for line in processes_of(folder)):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.spark
def test_nothing_is_left_of_a_start_that_takes_too_long(real: dict[str, str]) -> None:
    ended = launchers.run("sparkspace", "doctor", "--timing", "--timeout", "1", env=real)
    assert (ended.code, ended.stdout) == (70, "")
    late = re.compile(r" !     bin/spark-(master|worker) was not ready in time \(--timeout\)\. Its last lines:")
    assert any(map(late.fullmatch, ended.lines)), ended.stderr
    assert_nothing_is_left(real)


def test_job_s_line_is_whole_whatever_spark_says_in_its_midst(dyno: dict[str, str]) -> None:
    program = Path(dyno["SPARK_HOME"]) / "bin" / "spark-submit"
    program.write_text("#!/bin/sh\nprintf 'sparkspace-splits {'; echo 12:00:00 INFO X: >&2; echo '\"up\": 1}'\n")
    with stopwatch.tidy(), Started("spark-submit", ["x.py"], dyno, {}, time.monotonic() + PATIENCE_S) as driver:
        driver.wait("told", lambda: bool(driver.told))
    assert json.loads(driver.told) == {"up": 1}
    assert driver.speaks


def test_second_signal_does_not_break_the_cleanup_off(dyno: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    end = Kin.end

    def end_and_be_told_again(kin: Kin) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        end(kin)

    monkeypatch.setattr(Kin, "end", end_and_be_told_again)
    with stopwatch.tidy(), Started("console", [], dyno, {}, time.monotonic() + PATIENCE_S):
        assert processes_of(dyno["TMPDIR"]) != []
    assert_nothing_is_left(dyno)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_launcher_that_fails_is_named_with_its_last_words(dyno: dict[str, str]) -> None:
    """The fake Spark ends at once."""
    ended = launchers.run("sparkspace", "doctor", "--timing", env=dyno)
    assert (ended.code, ended.stdout) == (70, "")
    assert " !     bin/spark-master ended with exit code 0. Its last lines:" in ended.lines
    assert any("sparkspace at=exec dyno=master.1 program=spark-master" in line for line in ended.lines)
    assert_nothing_is_left(dyno)


def test_dyno_that_is_too_small_is_refused_before_anything_starts(dyno: dict[str, str]) -> None:
    ended = launchers.run("sparkspace", "doctor", "--timing", env={**dyno, "DYNO_RAM": "512"})
    assert ended.code == 72
    assert " !     A dyno of 512 MB can't hold a Spark worker and an executor." in ended.lines
    assert_nothing_is_left(dyno)


def options(svg: str) -> argparse.Namespace:
    return argparse.Namespace(svg=svg, json=False)


def test_text_goes_to_stdout_and_the_picture_to_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timing.show(START, options(str(tmp_path / "a.svg")))
    assert capsys.readouterr().out.startswith(" " * 30 + "from ")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == waterfall.as_svg(START)


def test_picture_is_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    timing.show(START, options("-"))
    printed = capsys.readouterr()
    assert printed.out == waterfall.as_svg(START)
    assert "1.00 s from nothing to the first result." in printed.err


def test_picture_that_can_t_be_written_leaves_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="Can't write the SVG to .*/no/a.svg: No such file or directory."):
        timing.show(START, options(str(tmp_path / "no" / "a.svg")))
    assert "1.00 s from nothing to the first result." in capsys.readouterr().out


def test_dyno_may_print_more() -> None:
    assert timing.parse(f"a script of .profile.d\n{waterfall.as_json(START)}\n") == START


@pytest.mark.parametrize("stdout", ["", "hello\n", "{}\n"])
def test_dyno_that_prints_something_else(stdout: str) -> None:
    with pytest.raises(CheckFailed, match="The dyno did not print what was measured."):
        timing.parse(stdout)
