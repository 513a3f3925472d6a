"""Becoming another program: what it inherits, which Java and Spark it is, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sparkspace import launch
from sparkspace.errors import LaunchError, MasterUnreachable

from .launchers import ROOT, fake_java, fake_program, fake_spark

HEROKU_JVM = (
    "-Xmx671m -Xms671m -XX:MaxRAM=2684354560 -XX:MaxRAMPercentage=80.0 -Dfile.encoding=UTF-8 -XX:CICompilerCount=2"
)


@pytest.mark.parametrize(
    ("env", "child"),
    [
        ({}, {}),
        ({"DATABASE_URL": "postgres://h", "LANG": "C.UTF-8"}, {"DATABASE_URL": "postgres://h", "LANG": "C.UTF-8"}),
        ({name: "/elsewhere" for name in launch.COMPUTED}, {}),
        ({"SPARK_DAEMON_MEMORY": "1g"}, {"SPARK_DAEMON_MEMORY": "1g"}),
        ({"PYTHONHOME": "/app/.heroku/python"}, {}),
        ({"PYTHONPATH": "/no/app:/nonexistent:/:/::/"}, {"PYTHONPATH": "/"}),
        ({"PYTHONPATH": "/nonexistent"}, {}),
        ({"PYTHONPATH": ""}, {}),
        ({"PYTHONPATH": "/usr:/:/usr"}, {"PYTHONPATH": "/usr:/"}),
        ({"JAVA_TOOL_OPTIONS": HEROKU_JVM}, {}),
        ({"JAVA_TOOL_OPTIONS": f"{HEROKU_JVM} -Dmy.own=1  -ea"}, {"JAVA_TOOL_OPTIONS": "-Dmy.own=1 -ea"}),
        ({"JAVA_TOOL_OPTIONS": "-Dfile.encoding=UTF-16"}, {"JAVA_TOOL_OPTIONS": "-Dfile.encoding=UTF-16"}),
        ({"JAVA_TOOL_OPTIONS": "   "}, {}),
    ],
)  # fmt: skip
def test_inherited(env: dict[str, str], child: dict[str, str]) -> None:
    before = dict(env)
    assert launch.inherited(env) == child
    assert env == before


def test_inherited_says_what_it_ignores(capsys: pytest.CaptureFixture[str]) -> None:
    launch.inherited({"SPARK_CONF_DIR": "/x", "_SPARK_AUTH_SECRET": "the-value", "PYTHONHOME": "/y"})
    said = capsys.readouterr()
    assert said.err == "sparkspace at=ignored vars=SPARK_CONF_DIR,_SPARK_AUTH_SECRET reason=computed-by-sparkspace\n"
    assert said.out == ""
    launch.inherited({"PATH": "/bin"})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["JAVA_HOME", "PATH"])
@pytest.mark.parametrize(
    ("version", "feature"),
    [("17.0.15", 17), ("21", 21), ("25-ea", 25), ("11.0.2", 11), ("1.8.0_412", 8)],
)
def test_java_is_found_and_weighed(tmp_path: Path, name: str, version: str, feature: int) -> None:
    home = fake_java(tmp_path / "a jdk", version)
    env = {"PATH": "/nonexistent", name: str(home if name == "JAVA_HOME" else home / "bin")}
    assert launch.java_version(home) == feature
    if feature >= launch.LEAST_JAVA:
        assert launch.java_home(env) == home
        return
    with pytest.raises(LaunchError) as caught:
        launch.java_home(env)
    assert caught.value.message == f"Java 17 or newer is needed, but {home} is Java {feature}."


def test_java_on_path_is_followed_to_its_home(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert launch.java_home({"PATH": f"/nonexistent:{tmp_path}/bin"}) == home


@pytest.mark.parametrize("release", [None, "", "JAVA_VERSION=17", 'JAVA_VERSION="x"'])
def test_java_of_unknown_version_is_taken(tmp_path: Path, release: str | None) -> None:
    home = fake_java(tmp_path / "jdk")
    (home / "release").unlink() if release is None else (home / "release").write_text(release)
    assert launch.java_version(home) == 0
    assert launch.java_home({"JAVA_HOME": str(home)}) == home


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PATH": "/nonexistent"}, "There is no java on PATH."),
        ({"JAVA_HOME": "", "PATH": "/nonexistent"}, "There is no java on PATH."),
        ({"JAVA_HOME": "/none", "PATH": os.environ["PATH"]}, "JAVA_HOME is '/none', but it has no bin/java."),
    ],
)  # fmt: skip
def test_java_is_missing(env: dict[str, str], message: str) -> None:
    with pytest.raises(LaunchError) as caught:
        launch.java_home(env)
    assert caught.value.message == message


def test_spark_is_the_operators_or_the_installed(tmp_path: Path) -> None:
    home = fake_spark(tmp_path / "spark")
    assert launch.spark_home({"SPARK_HOME": str(home)}) == home
    assert (launch.spark_home({}) / "bin" / "spark-class").is_file()
    assert launch.spark_home({"SPARK_HOME": ""}) == launch.spark_home({})
    with pytest.raises(LaunchError) as caught:
        launch.spark_home({"SPARK_HOME": str(tmp_path)})
    assert caught.value.message == f"SPARK_HOME is {str(tmp_path)!r}, but there is no bin/spark-class."


def become(command: launch.Command) -> subprocess.CompletedProcess[str]:
    """Let a process of ours become ``command``, with a line of its own not yet flushed."""
    code = (
        "import sys; from sparkspace import launch; print('before'); launch.become(launch.Command(*eval(sys.argv[1])))"
    )
    values = repr((tuple(command.argv), dict(command.env)))
    env = {"PATH": os.environ["PATH"]}  # without PYTHONUNBUFFERED
    return subprocess.run([sys.executable, "-c", code, values], cwd=ROOT, env=env, capture_output=True, text=True)


def test_become_hands_over_arguments_and_environment_as_they_are(tmp_path: Path) -> None:
    program = fake_program(tmp_path / "a folder" / "program")
    arguments = ("", "a b", "*", "$HOME", "'\"", "-é\n")
    env = {"A": "1", "B": "x\ny", "PATH": "/bin:/usr/bin"}
    done = become(launch.Command((str(program), *arguments), env))
    before, echo = done.stdout.splitlines()
    assert before == "before"
    found = json.loads(echo)
    assert found["argv"] == [str(program), *arguments]
    assert {**found["env"], "PWD": "", "LC_CTYPE": ""} == {**env, "PWD": "", "LC_CTYPE": ""}  # sh and Python add these


def test_become_keeps_the_process(tmp_path: Path) -> None:
    program = fake_program(tmp_path / "program")
    code = f"from sparkspace import launch; launch.become(launch.Command(({str(program)!r},), {{}}))"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert json.load(process.stdout)["pid"] == process.pid


@pytest.mark.parametrize("program", ["spark-submit", "bin/spark-submit", "./x", "~/x", ""])
def test_become_does_not_search(program: str) -> None:
    with pytest.raises(LaunchError) as caught:
        launch.become(launch.Command((program,), {}))
    assert caught.value.message == f"Refusing to look up {program!r} on PATH."


def test_become_needs_a_program_that_runs(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a program")
    for name, problem in (("missing", "No such file or directory"), ("text", "Permission denied")):
        with pytest.raises(LaunchError) as caught:
            launch.become(launch.Command((str(tmp_path / name),), {}))
        assert caught.value.message == f"Can't run {tmp_path / name}: {problem}."


def sh(script: str) -> launch.Command:
    return launch.Command(("/bin/sh", "-c", script), {"PATH": "/bin:/usr/bin"})


def run(script: str, timeout_s: float = 30, late: str = "it was not late") -> launch.Outcome:
    return launch.run(sh(script), timeout_s, lambda: late)


def test_run_tells_how_it_ended() -> None:
    assert run("echo out; echo err >&2; exit 3") == launch.Outcome(3, "out\n", "err\n")
    assert run("printf '\\377'; cat") == launch.Outcome(0, "\ufffd", "")  # no input to wait for
    assert run("kill -9 $$").code == -9
    with pytest.raises(LaunchError) as caught:
        launch.run(launch.Command(("/nonexistent",), {}), 30, str)
    assert caught.value.message == "Can't run /nonexistent: No such file or directory."


def test_run_leaves_nothing_when_it_ends_well(tmp_path: Path) -> None:
    assert run(f"sleep 1000 >{tmp_path}/log 2>&1 & echo $! >{tmp_path}/child; echo done").stdout == "done\n"
    assert is_gone(int((tmp_path / "child").read_text()))


SLOW = "trap '' TERM; sleep 1000 & echo so far; echo $! > {0}/child; echo $$ > {0}/new; mv {0}/new {0}/self; wait"


def test_run_leaves_nothing_when_time_is_up(tmp_path: Path) -> None:
    """The cause is looked for while it can still be seen."""

    def diagnose() -> str:
        wait_for(tmp_path / "self")
        return "gone" if is_gone(int((tmp_path / "self").read_text()), within_s=0) else "why it is late"

    outcome = launch.run(sh(SLOW.format(tmp_path)), 0.1, diagnose)
    assert outcome == launch.Outcome(None, "so far\n", "", "why it is late")
    assert [name for name in ("child", "self") if not is_gone(int((tmp_path / name).read_text()))] == []


def test_run_leaves_nothing_when_the_cause_cant_be_found(tmp_path: Path) -> None:
    def diagnose() -> str:
        wait_for(tmp_path / "self")
        raise MasterUnreachable("no answer")

    with pytest.raises(MasterUnreachable):
        launch.run(sh(SLOW.format(tmp_path)), 0.1, diagnose)
    assert [name for name in ("child", "self") if not is_gone(int((tmp_path / name).read_text()))] == []


def test_run_leaves_nothing_after_ctrl_c(tmp_path: Path) -> None:
    code = (
        "import sys; from sparkspace import launch as l; l.run(l.Command(('/bin/sh', '-c', sys.argv[1]), {}), 60, str)"
    )
    script = f"sleep 1000 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/child; wait"
    with subprocess.Popen([sys.executable, "-c", code, script], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        wait_for(tmp_path / "child")
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert is_gone(int((tmp_path / "child").read_text()))


def wait_for(path: Path) -> None:
    """Wait until ``path`` exists."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(pid: int, within_s: float = 5) -> bool:
    """Whether a process ends in time; one that nobody has reaped yet has ended."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
