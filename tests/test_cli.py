"""The command line, through the real launchers, from an environment that means harm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sparkspace import cli

from . import launchers
from .launchers import FACTS, ROOT

URL = "spark://1.master.myapp.app.localspace:7077"
WORDS = [*cli.COMMANDS, *cli.FAMILIES, *cli.ALIASES]


def test_master_url_is_all_that_is_printed(dyno: dict[str, str]) -> None:
    assert launchers.run("master-url", env=dyno) == launchers.Ended(0, f"{URL}\n", "")


def test_launcher_is_found_from_everywhere(dyno: dict[str, str], tmp_path: Path) -> None:
    """Through links, a folder with blanks, by name on PATH, and from a current folder full of traps."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "app").symlink_to(ROOT)
    (folder / "master-url").symlink_to(folder / "app" / "bin" / "master-url")
    for name, path in (
        (str(folder / "master-url"), dyno["PATH"]),
        (str(folder / "app" / "bin" / "master-url"), dyno["PATH"]),
        ("../a folder/master-url", dyno["PATH"]),
        ("master-url", f"{ROOT}/bin:{dyno['PATH']}"),
        ("master-url", f"{folder}:{dyno['PATH']}"),
    ):
        # env looks the name up, as a shell does
        done = subprocess.run(
            ["/usr/bin/env", name], env={**dyno, "PATH": path}, cwd=tmp_path / "poison", capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{URL}\n", ""), name


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",), ("-h",)])
def test_overview(outside: dict[str, str], arguments: tuple[str, ...]) -> None:
    ended = launchers.run("sparkspace", *arguments, env=outside)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Usage: bin/sparkspace COMMAND [ARGUMENTS]")
    listed = [line.split()[0] for line in ended.stdout.splitlines() if line.startswith("  ")]
    assert listed == list(cli.COMMANDS)


@pytest.mark.parametrize("word", WORDS)
def test_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str) -> None:
    """Every command explains itself anywhere: without a dyno, a box, or an app."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.run(["sparkspace", word, "--help"], {})
    printed = capsys.readouterr()
    assert (ended.value.code, printed.err) == (0, "")
    assert printed.out.startswith(f"usage: bin/sparkspace {cli.ALIASES.get(word, word)} ")


@pytest.mark.parametrize("word", ["demo", "up", "status"])
def test_help_through_the_launcher(outside: dict[str, str], word: str) -> None:
    ended = launchers.run("sparkspace", word, "--help", env=outside, cwd=outside["TMPDIR"])
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"usage: bin/sparkspace {word} ")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_of_master_url(outside: dict[str, str], option: str) -> None:
    ended = launchers.run("master-url", option, env=outside)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Usage: bin/master-url\n")


@pytest.mark.parametrize(
    ("dotenv", "env", "masters"),
    [
        ("SPARK_MASTERS=2", {"DYNO": None}, 2),
        ("SPARK_MASTERS=2", {"DYNO": ""}, 2),
        ("SPARK_MASTERS=2", {"DYNO": None, "SPARK_MASTERS": "3"}, 3),
        ("SPARK_MASTERS=2", {"DYNO": None, "SPARK_MASTERS": ""}, 1),
        ("SPARK_MASTERS=2", {}, 1),
        ("SPARK_MASTERS=2", {"SPARK_MASTERS": "3"}, 3),
        ("export SPARK_MASTERS='2' # two", {"DYNO": None}, 2),
        ("SPARK_MASTERS", {"DYNO": None}, 1),
    ],
)
def test_dotenv_is_beneath_the_environment_and_not_for_dynos(
    dyno: dict[str, str], tmp_path: Path, dotenv: str, env: dict[str, str | None], masters: int
) -> None:
    """The file says that we are in a dyno, too, so that master-url has an answer."""
    facts = [f"{name}={value}" for name, value in FACTS.items()]
    (tmp_path / "poison" / ".env").write_text("\n".join([*facts, dotenv]))
    found = {name: value for name, value in {**dyno, **env}.items() if value is not None}
    if not found.get("DYNO"):
        found = {name: value for name, value in found.items() if name not in FACTS}
    ended = launchers.run("master-url", env=found, cwd=tmp_path / "poison")
    assert ended.stderr == ""
    assert ended.stdout.count(":7077") == masters


def test_ctrl_c() -> None:
    """Ctrl-C is no error: no words, and the exit code that a shell expects."""
    code = "import signal, sys; from sparkspace.cli import main; signal.setitimer(0, 0.2); sys.exit(main(sys.argv[1:]))"
    code = f"import signal; signal.signal(signal.SIGALRM, signal.default_int_handler); {code}"
    done = subprocess.run(
        [sys.executable, "-c", code, "sparkspace", "wait", "--timeout", "60"],
        cwd=ROOT, env={**os.environ, **FACTS}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_console_waits_until_it_is_stopped(dyno: dict[str, str], number: int, code: int) -> None:
    with subprocess.Popen([ROOT / "bin" / "console"], env=dyno, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = process.stderr.readline()
        process.send_signal(number)
        assert process.wait(10) == code
    assert line == 'sparkspace at=ready dyno=run.1 attach="heroku ps:exec --dyno=run.1"\n'


@pytest.mark.parametrize("command", [("master-url",), ("sparkspace", "help")])
def test_reader_that_went_away(dyno: dict[str, str], command: tuple[str, ...]) -> None:
    """``bin/sparkspace help | head -1``: no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe:
        done = subprocess.run(
            [ROOT / "bin" / command[0], *command[1:]], env=dyno, stdout=pipe, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_no_python(dyno: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    launcher = shutil.copy(ROOT / "bin" / "master-url", tmp_path / "bin")
    env = {**dyno, "PATH": str(launchers.only_tools(tmp_path / "tools"))}
    done = subprocess.run([launcher], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (72, "")
    assert done.stderr.splitlines() == [
        " !     python3 is missing.",
        f" !     Install it, and all else that is missing, with: {tmp_path}/scripts/setup",
    ]


def test_python_that_is_too_old(dyno: dict[str, str], tmp_path: Path) -> None:
    """What our file does in it, told by a Python that says it is older than it is."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.version_info = (3, 9, 1)")
    done = subprocess.run(
        [sys.executable, ROOT / "bin" / "master-url"], env={**FACTS, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f" !     sparkspace needs Python 3.10 or newer, but {sys.executable} is 3.9.\n"
