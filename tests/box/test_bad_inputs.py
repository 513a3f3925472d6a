"""Bad inputs around a box: one clear message, the right exit code, no traceback, and nothing left running."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Box, processes_of, tiny_app, until

pytestmark = pytest.mark.box


@pytest.mark.parametrize(
    ("procfile", "says"),
    [
        ("worker bin/spark-worker\n", "Line 1 of the Procfile is 'worker bin/spark-worker': it needs a process type"),
        ("a: true\nworker:\n", "Line 2 of the Procfile is 'worker:': it needs a process type, a colon and a command."),
        ("spark_worker: bin/spark-worker\n", "the process type 'spark_worker', which can't be the name of a host"),
        ("Worker: true\n", "the process type 'Worker', which can't be the name of a host"),
        ("run: true\n", "run and release are Heroku's own"),
        ("a: true\na: false\n", "Line 2 of the Procfile has the process type 'a' a second time."),
        ("# nothing\n\n", "The Procfile has no process type."),
    ],
)
def test_procfile(app: Box, procfile: str, says: str) -> None:
    (app.folder / "Procfile").write_text(procfile)
    done = app("up", "--detach", code=73)
    assert says in done.stderr
    assert done.stderr.startswith("sparkspace at=fatal reason=box\n !     ")
    assert not (app.folder / ".sparkspace").exists()


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--workers", "-1"], 64, "'-1' must be a whole number of at least 0"),
        (["--workers", "many"], 64, "'many' must be a whole number"),
        (["--workers", "2"], 64, "The Procfile has no process type 'worker'."),
        (["--size", "quiet=Huge"], 64, "'Huge' is not a dyno size."),
        (["--size", "quiet"], 64, "'quiet' must be NAME=value"),
        (["--size", "nothing=Private-L"], 64, "The Procfile has no process type 'nothing'."),
        (["--app", "My_App"], 64, "'My_App' must be 3 to 30 lowercase letters"),
        (["--port", "99999"], 64, "99999 is not a port: it must be from 0 to 65535."),
        (["--network", "carrier-pigeon"], 64, "invalid choice: 'carrier-pigeon'"),
        (["--what"], 64, "unrecognized arguments: --what"),
    ],
)
def test_up_options(app: Box, args: list[str], code: int, says: str) -> None:
    assert says in app("up", "--detach", *args, code=code).stderr
    assert not (app.folder / ".sparkspace").exists()


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"SPARK_EXECUTOR_MEMROY": "2g"}, "SPARK_EXECUTOR_MEMROY is not a config var of this version."),
        (
            {"SPARK_EXECUTOR_MEMORY": "100m"},
            "must be at least 512m, the least that Spark starts with, but it is '100m'.",
        ),
        ({"SPARKSPACE_SECRET": "short"}, "SPARKSPACE_SECRET must be at least 16 printable ASCII characters"),
    ],
)
def test_config_is_refused_before_anything_starts(app: Box, env: dict[str, str], says: str) -> None:
    done = app("up", "--detach", code=78, env=env)
    assert says in done.stderr
    assert "short" not in done.stderr
    assert not (app.folder / ".sparkspace").exists()


def test_where_it_was_found_is_said(app: Box) -> None:
    """No box is open, so there is nothing to set by a command."""
    (app.folder / ".env").write_text("SPARK_DEFAULT_CORES=few\n")
    assert " !     Set it in .env: SPARK_DEFAULT_CORES=4\n" in app("up", "--detach", code=78).stderr
    (app.folder / ".env").write_text("SPARKSPACE_WORKER_MAX=3\n")
    assert "Remove it from .env: SPARKSPACE_WORKER_MAX\n" in app("up", "--detach", code=78).stderr
    (app.folder / ".env").unlink()
    done = app("up", "--detach", code=78, env={"SPARK_DEFAULT_CORES": "few"})
    assert " !     Set it in the shell: SPARK_DEFAULT_CORES=4\n" in done.stderr


def test_no_java(app: Box, tmp_path: Path) -> None:
    done = app("up", "--detach", code=72, env={"PATH": without_java(tmp_path), "JAVA_HOME": ""})
    assert "There is no java on PATH." in done.stderr
    assert not (app.folder / ".sparkspace").exists()


def without_java(folder: Path) -> str:
    """A PATH with what the launcher needs, and no Java."""
    for name in ("sh", "bash", "dirname", "readlink"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_port_in_use(app: Box) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = app("up", "--detach", "--port", str(port), code=73)
    assert f" !     Port {port} of this machine can't be had: Address already in use." in done.stderr


def test_app_json_that_is_no_json(app: Box) -> None:
    (app.folder / "app.json").write_text("{")
    assert "app.json can't be read" in app("up", "--detach", code=73).stderr


def test_no_procfile_anywhere(tmp_path: Path) -> None:
    assert f"There is no Procfile in {tmp_path}, nor above it." in Box(tmp_path)("up", code=73).stderr


@pytest.mark.parametrize("command", ["ps", "logs", "status", "doctor", "conf", "wait", "scale", "config", "restart"])
def test_no_box_is_open(app: Box, command: str) -> None:
    done = app(command, code=73)
    assert done.stderr == (
        "sparkspace at=fatal reason=box\n"
        " !     No box is open here.\n"
        " !     Open one with: bin/sparkspace up --detach\n"
    )  # fmt: skip


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box that every bad input leaves as it was."""
    box = tiny_app(tmp_path_factory.mktemp("bad") / "app")
    box("up", "--detach")
    box("scale", "quiet=1")
    until(lambda: box.dynos()["quiet.1"]["state"] == "up")
    yield box
    box("down")


def test_scaling_that_is_asked_for_later_has_its_token(box: Box) -> None:
    """What scales is in the master, and asks the box's API."""
    box("config:set", "SPARKSPACE_WORKERS_MAX=2")
    box("config:unset", "SPARK_HEROKU_ACCESS_TOKEN")
    assert box.out("config:get", "SPARK_HEROKU_ACCESS_TOKEN") == f"{box.record['token']}\n"
    box("config:unset", "SPARKSPACE_WORKERS_MAX", "SPARK_HEROKU_ACCESS_TOKEN")
    assert "ACCESS_TOKEN" not in box.out("config")


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["up", "--detach"], 73, "A box is open already in"),
        (["scale", "worker=3"], 76, "The Procfile has no process type 'worker'."),
        (["scale", "quiet"], 64, "'quiet' is not a change of the formation."),
        (["scale", "quiet=x"], 64, "'quiet=x' is not a change of the formation."),
        (["scale", "quiet-9"], 76, "There can't be -8 dynos of quiet."),
        (["scale", "quiet=1:Huge"], 76, "'Huge' is not a dyno size."),
        (["restart", "quiet.7"], 76, "Couldn't find the dyno or process type 'quiet.7'."),
        (["stop", "nothing"], 76, "Couldn't find the dyno or process type 'nothing'."),
        (["stop"], 64, "the following arguments are required: dyno"),
        (["run"], 64, "a command is missing"),
        (["run", "--size", "Huge", "true"], 76, "'Huge' is not a dyno size."),
        (["run:inside", "quiet.7", "true"], 76, "Couldn't find that dyno."),
        (["config:set", "LOG_LEVEL"], 64, "'LOG_LEVEL' must be NAME=value"),
        (["config:set", "LOG_LEVEL=LOUD"], 76, "LOG_LEVEL must be one of ALL, TRACE, DEBUG"),
        (["config:set", "SPARKSPACE_SECRET=tooshort"], 76, "SPARKSPACE_SECRET must be at least 16 printable"),
        (["config:set", "HEROKU_PRIVATE_IP=1.2.3.4"], 76, "HEROKU_PRIVATE_IP can't be the name of a config var"),
        (["config:unset", "LOG_LEVEL=x"], 64, "config:unset takes names, without a value."),
        (["logs", "--num", "few"], 64, "'few' must be a whole number"),
        (["logs", "--source", "nowhere"], 64, "invalid choice: 'nowhere'"),
        (["scael", "quiet=2"], 64, "'scael' is not a sparkspace command. Did you mean scale?"),
    ],
)
def test_commands_on_an_open_box(box: Box, args: list[str], code: int, says: str) -> None:
    before = box.api("GET", "formation").json(), box.api("GET", "config-vars").json(), box.dynos()
    done = box(*args, code=code)
    assert says in done.stderr
    assert "tooshort" not in done.stderr
    assert (box.api("GET", "formation").json(), box.api("GET", "config-vars").json(), box.dynos()) == before


def test_foreign_folder_of_a_box_is_left_alone(app: Box) -> None:
    """A lock that is not ours to open: a box of another user in the same clone."""
    if not os.geteuid():
        pytest.skip("root may open everything: run as an ordinary user")
    state = app.folder / ".sparkspace"
    state.mkdir()
    (state / "lock").touch()
    (state / "lock").chmod(0)
    assert "A box of another user is, or was, open in" in app("up", "--detach", code=73).stderr
    (state / "lock").chmod(0o600)


def test_dyno_that_can_not_start_says_why_and_is_tried_again(app: Box) -> None:
    (app.folder / "pipe").mkdir(mode=0o700)
    app("up", "--detach")
    os.mkfifo(app.folder / "pipe" / "fifo")  # what can't be copied can't be part of an app
    app("scale", "quiet=1")
    until(lambda: any("The dyno quiet.1 can't be started" in line for line in app.log()))
    assert any("heroku[quiet.1]: Restarting in 1 s (crash 1)" in line for line in app.log())
    (app.folder / "pipe" / "fifo").unlink()
    until(lambda: app.dynos()["quiet.1"]["state"] == "up")
    assert len(processes_of(app.record["folder"])) > 0
