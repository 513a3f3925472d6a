"""The life of dynos, on both kinds of network. No JVM: the dynos are shell commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from .conftest import (
    ROOT,
    Box,
    assert_nothing_is_left,
    clean_environment,
    inside,
    processes_of,
    tiny_app,
    until,
)

pytestmark = pytest.mark.box

# Writes what the dyno is, then what it gets: a child in a session of its own gets SIGTERM too.
WITNESS = """\
witness: env | sort > $HOME/seen; ls -A /tmp > $HOME/tmp; setsid bash -c "$CHILD" & trap "$END" TERM; eval "$WAIT"
quiet: sleep 1000
crash: echo about to crash; exit 3
stubborn: trap '' TERM; echo stubborn; while true; do sleep 1; done
"""

VARS = """\
GREETING='hello world'
WAIT='while true; do sleep 0.1; done'
CHILD='trap "echo child got TERM; exit" TERM; echo child ready; eval "$WAIT"'
END='wait; echo parent got TERM; exit 0'
"""


@pytest.fixture(params=["namespaces", "loopback"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    """A box of each kind."""
    box = tiny_app(tmp_path / "app", WITNESS)
    (box.folder / ".env").write_text(VARS)
    opened = box("up", "--detach", "--network", request.param, code=None)
    if "libnss-wrapper" in opened.stderr or "can't be had here" in opened.stderr:
        pytest.skip(f"{request.param} can't be had: {opened.stderr}")
    assert opened.returncode == 0, opened.stderr
    box("scale", "quiet=2", "witness=1")
    until(lambda: box.said("witness.1", "child ready"))
    yield box
    record = box.record
    box("down")
    assert_nothing_is_left(record)


def test_ps_shows_the_formation_as_heroku_does(box: Box) -> None:
    text = box.out("ps", "quiet")
    lines = text.splitlines()
    assert lines[0] == "=== quiet (Private-M): sleep 1000 (2)"
    assert re.fullmatch(r"quiet\.1: up \d{4}/\d\d/\d\d \d\d:\d\d:\d\d \+0000 \(~ \d+[smh] ago\)", lines[2])
    assert lines[3].startswith("quiet.2: up ")


def test_environment_is_a_dynos_and_nothing_else(box: Box) -> None:
    seen = box.out("run:inside", "witness.1", "cat seen")
    env = dict(line.split("=", 1) for line in seen.splitlines())
    assert env["DYNO"] == "witness.1"
    assert env["GREETING"] == "hello world"
    assert env["HEROKU_DNS_APP_NAME"] == "sparkspace.app.localspace"
    assert env["HEROKU_DNS_DYNO_NAME"] == "1.witness.sparkspace.app.localspace"
    assert env["HEROKU_DNS_FORMATION_NAME"] == "witness.sparkspace.app.localspace"
    assert env["HEROKU_PRIVATE_IP"] == box.address("witness.1")
    platform = {"DYNO", "HOME", "JAVA_HOME", "LANG", "PATH", "PWD", "SHLVL", "_"}
    platform |= {name for name in env if name.startswith("HEROKU_")}
    wrapper = (
        {"LD_PRELOAD", "NSS_WRAPPER_HOSTS", "TMPDIR", "DYNO_RAM"} if box.record["network"] == "loopback" else set()
    )
    made = {"SPARKSPACE_SECRET", "SPACE_PROXY_BASIC_AUTH"}
    made |= {f"SPARKSPACE_{what}_DIR" for what in ("EVENT_LOG", "MODULES", "NOTEBOOKS", "RECOVERY")}
    assert set(env) == platform | wrapper | made | {"GREETING", "WAIT", "CHILD", "END"}


def test_restart_gives_a_new_address_an_empty_disk_and_term_to_every_process(box: Box) -> None:
    before = box.address("witness.1")
    box("run:inside", "witness.1", "touch $HOME/mine ${TMPDIR:-/tmp}/mine")
    since = box.last()
    box("restart", "witness.1")
    until(lambda: sum("app[witness.1]: child ready" in line for line in box.log()) == 2)
    until(lambda: "Process exited with status 0" in "\n".join(box.log(after=since)))
    after = box.log(after=since)
    assert any("app[witness.1]: child got TERM" in line for line in after)
    assert any("app[witness.1]: parent got TERM" in line for line in after)
    assert box.address("witness.1") not in ("", before)
    assert "mine" not in box.out("run:inside", "witness.1", "ls $HOME ${TMPDIR:-/tmp}; cat tmp")


def test_names_resolve_in_every_kind_of_process(box: Box) -> None:
    one, both = "1.quiet.sparkspace.app.localspace", "quiet.sparkspace.app.localspace"
    address = box.address("quiet.1")
    python = f"import socket; print(sorted({{a[4][0] for a in socket.getaddrinfo('{both}', 1)}}))"
    found = box.out("run", f'python3 -c "{python}"')
    assert found.strip() == str(sorted([address, box.address("quiet.2")]))
    served = "cd /tmp && python3 -m http.server --bind $HEROKU_PRIVATE_IP 8000 >/dev/null 2>&1 & sleep 1000"
    box("run", "--detach", served)
    run = next(name for name in box.dynos() if name.startswith("run."))
    name = f"{run.partition('.')[2]}.run.sparkspace.app.localspace"
    until(lambda: box("run", f"curl -sf http://{name}:8000/ >/dev/null", code=None).returncode == 0)
    box("stop", run)
    unknown = box("run", "getent hosts 9.quiet.sparkspace.app.localspace", code=None)
    assert unknown.returncode == 2
    assert box.out("run", f"getent hosts {one} | cut -d' ' -f1").strip() == address


def test_scale_adds_and_removes_the_highest_numbers(box: Box) -> None:
    assert "quiet=4:Private-M" in box.out("scale", "quiet+2")
    until(lambda: {f"quiet.{n}" for n in range(1, 5)} <= set(box.dynos()))
    kept = box.dynos()["quiet.1"]["id"]
    box("scale", "quiet=1")
    until(lambda: [name for name in box.dynos() if name.startswith("quiet")] == ["quiet.1"])
    assert box.dynos()["quiet.1"]["id"] == kept
    assert "quiet=1:Private-M" in box.out("scale")


def test_crash_is_restarted_with_back_off(box: Box) -> None:
    box("scale", "crash=1")
    until(lambda: any("crash 3)" in line for line in box.log()))
    box("scale", "crash=0")
    log = [line.partition(" ")[2] for line in box.log() if "[crash.1]" in line]
    assert log[0] == "heroku[crash.1]: Starting process with command `echo about to crash; exit 3`"
    assert set(log[1:3]) == {"heroku[crash.1]: State changed from starting to up", "app[crash.1]: about to crash"}
    assert log[3:6] == [
        "heroku[crash.1]: Process exited with status 3",
        "heroku[crash.1]: State changed from up to crashed",
        "heroku[crash.1]: Restarting in 1 s (crash 1)",
    ]
    assert [line for line in log if "Restarting" in line][1:3] == [
        "heroku[crash.1]: Restarting in 2 s (crash 2)",
        "heroku[crash.1]: Restarting in 4 s (crash 3)",
    ]
    until(lambda: "crash.1" not in box.dynos())


def test_config_change_is_a_release_that_restarts_every_dyno(box: Box) -> None:
    before = box.dynos()
    box("config:set", "COLOUR=blue green", "EMPTY=")
    until(lambda: all(box.dynos()[name]["id"] != dyno["id"] for name, dyno in before.items()))
    assert box.out("config:get", "COLOUR") == "blue green\n"
    assert box.out("run", "echo $COLOUR-$EMPTY-") == "blue green--\n"
    until(lambda: {dyno["release"]["version"] for dyno in box.api("GET", "dynos").json()} == {2})
    box("config:unset", "COLOUR")
    assert "COLOUR" not in box.out("config")
    releases = [(release["version"], release["description"]) for release in box.api("GET", "releases").json()]
    assert releases == [(1, "Initial release"), (2, "Set COLOUR, EMPTY config vars"), (3, "Remove COLOUR config vars")]


def test_stop_replaces_a_dyno_of_the_formation(box: Box) -> None:
    before = box.dynos()["quiet.2"]["id"]
    box("stop", "quiet.2")
    until(lambda: box.dynos()["quiet.2"]["id"] != before and box.dynos()["quiet.2"]["state"] == "up")


def test_run_inside_shares_the_dyno(box: Box) -> None:
    assert box.out("run:inside", "quiet.1", "echo $DYNO; touch $HOME/x") == "quiet.1\n"
    assert "x" in box.out("run:inside", "quiet.1", "ls $HOME").split()
    assert box("run:inside", "quiet.1", "exit 5", code=5)
    assert "not_found" not in box("run:inside", "quiet.7", "true", code=76).stdout


def test_log_lines_have_herokus_form_and_can_be_filtered(box: Box) -> None:
    box("run", "--detach", "printf 'a\\rb\\n%20000s\\n\\377\\n' x")
    until(lambda: any("Process exited" in line and "run." in line for line in box.log()))
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 (app|heroku)\[[a-z]+(\.\d+)?\]: .*", re.DOTALL)
    assert all(form.fullmatch(line) for line in box.out("logs", "--num", "1500").split("\n")[:-1])
    assert max(len(line) for line in box.log()) <= 10_000 + 60  # long lines are split
    only = box.out("logs", "--dyno", "quiet.1").splitlines()
    assert only and all("[quiet.1]" in line for line in only)
    assert all(" heroku[" in line for line in box.out("logs", "--source", "heroku").splitlines())
    assert len(box.out("logs", "--num", "3").splitlines()) == 3


def test_dyno_sees_the_memory_of_its_size(box: Box) -> None:
    ask = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; echo $DYNO_RAM"
    seen = box.out("run", "--size", "private-l", ask).split()
    assert str(14 * 1024) in seen or str(14 * 1024**3) in seen
    box("scale", "quiet=2:Private-S")
    until(lambda: {dyno["size"] for name, dyno in box.dynos().items() if name.startswith("quiet")} == {"Private-S"})
    seen = box.out("run:inside", "quiet.1", ask).split()
    assert "1024" in seen or str(1024**3) in seen


def test_stubborn_dyno_is_killed_after_the_grace(app: Box) -> None:
    tiny_app(app.folder, WITNESS)
    app("up", "--detach")
    app("scale", "stubborn=1")
    until(lambda: app.said("stubborn.1", "stubborn"))
    since = time.monotonic()
    app("scale", "stubborn=0")
    until(lambda: any("Process exited with status 137" in line for line in app.log()))
    assert time.monotonic() - since >= 29  # Heroku's grace is 30 s: less would be another platform
    log = "\n".join(app.log())
    assert "Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM" in log


@pytest.mark.parametrize("network", ["namespaces", "loopback"])
def test_kill_9_of_the_box_leaves_nothing_that_down_does_not_clean(tmp_path: Path, network: str) -> None:
    box = tiny_app(tmp_path / "app", WITNESS)
    (box.folder / ".env").write_text(VARS)
    box("up", "--detach", "--network", network)
    box("scale", "witness=1", "quiet=1")
    until(lambda: box.said("witness.1", "child ready"))
    record = box.record
    seen = inside(record["folder"])
    assert bool(seen) == (record["network"] == "namespaces")
    os.kill(int(record["pid"]), signal.SIGKILL)
    until(lambda: processes_of(record["folder"]) == [], timeout_s=10)
    assert "has died" in box("ps", code=73).stderr
    assert record["folder"] in box("down").stderr
    assert_nothing_is_left(record)
    until(lambda: not any(process.is_running() for process in seen), timeout_s=20)
    assert "no-box" in box("down").stderr
    assert not (box.folder / ".sparkspace").exists()


def test_up_cleans_after_a_box_that_died(app: Box) -> None:
    app("up", "--detach")
    record = app.record
    os.kill(int(record["pid"]), signal.SIGKILL)
    until(lambda: not psutil.pid_exists(int(record["pid"])))
    app("up", "--detach")
    assert_nothing_is_left(record)
    assert app.record["folder"] != record["folder"]


def test_record_that_names_a_folder_of_yours_is_not_believed(app: Box, tmp_path: Path) -> None:
    """An app could bring a record along; what it names must not be removed."""
    app("up", "--detach")
    record = app.record
    app("down")
    precious = tmp_path / "sparkspace-precious"
    precious.mkdir()
    (app.folder / ".sparkspace").mkdir()
    (app.folder / ".sparkspace" / "box.json").write_text(json.dumps({**record, "folder": str(precious)}))
    app("down")
    assert precious.is_dir()


def test_page_starts_after_what_it_shows(app: Box) -> None:
    tiny_app(app.folder, "web: sleep 1000\nquiet: sleep 1000\n")
    (app.folder / "app.json").write_text(json.dumps({"formation": {"quiet": {"quantity": 2}}}))
    app("up", "--detach")
    until(lambda: sum("Starting process" in line for line in app.log()) == 3)
    starting = [line for line in app.log() if "Starting process" in line]
    assert [re.findall(r"heroku\[(.*?)\]", line)[0] for line in starting] == ["quiet.1", "quiet.2", "web.1"]


def test_box_is_found_whatever_tmpdir_says(app: Box, tmp_path: Path) -> None:
    app("up", "--detach", env={"TMPDIR": str(tmp_path)})
    record = app.record
    assert record["folder"].startswith(str(tmp_path))
    app("ps", env={"TMPDIR": "/tmp"})
    app("down", env={"TMPDIR": "/tmp"})
    assert_nothing_is_left(record)


def test_shim_that_is_killed_takes_its_dyno_along(app: Box) -> None:
    """The worst that can happen on loopback: supervisor and shims killed at once. What is left, ``down`` finds."""
    tiny_app(app.folder, WITNESS)
    (app.folder / ".env").write_text(VARS)
    app("up", "--detach", "--network", "loopback")
    app("scale", "witness=1")
    until(lambda: app.said("witness.1", "child ready"))
    record = app.record
    doomed = [psutil.Process(int(record["pid"]))]
    doomed += [child for child in doomed[0].children() if "shim.py" in " ".join(child.cmdline())]
    for process in doomed:
        process.suspend()
    for process in doomed:
        process.kill()
    until(lambda: not psutil.pid_exists(int(record["pid"])))
    assert processes_of(record["folder"]), "nothing was left over, so this test shows nothing"
    assert "processes" in app("down").stderr
    assert_nothing_is_left(record)


def test_ctrl_c_in_the_foreground_closes_the_box(tmp_path: Path) -> None:
    box = tiny_app(tmp_path / "app")
    command = [str(ROOT / "bin" / "sparkspace"), "up"]
    with subprocess.Popen(
        command, cwd=box.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        until(lambda: box.dynos() is not None)
        record = box.record
        box("scale", "noisy=1")
        assert process.stdout
        assert any("app[noisy.1]: tick" in line for line in iter(process.stdout.readline, ""))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert_nothing_is_left(record)


def test_foreground_box_closes_when_its_terminal_dies(tmp_path: Path) -> None:
    box = tiny_app(tmp_path / "app")
    process = subprocess.Popen(
        [str(ROOT / "bin" / "sparkspace"), "up"],
        cwd=box.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=clean_environment(),
    )
    until(lambda: box.dynos() is not None)
    record = box.record
    process.kill()
    process.wait()
    until(lambda: not Path(record["folder"]).exists())
    assert_nothing_is_left(record)


def test_dynos_of_a_namespaces_box_have_walls(app: Box) -> None:
    """A dyno has its own processes, network, /tmp and host name, and sees no other's."""
    tiny_app(app.folder, WITNESS)
    app("up", "--detach")
    if app.record["network"] != "namespaces":
        pytest.skip("namespaces can't be had here: run as root, or allow user namespaces")
    app("scale", "quiet=1")
    assert app.out("run", "ps -e -o comm= | sort | uniq -c | tr -s ' '").count("sleep") == 0
    assert app.out("run", "pwd; ls -A /tmp; hostname") != app.out("run", "pwd; ls -A /tmp; hostname")
    addresses = app.out("run", "ip -brief address show up").split("\n")
    assert [line.split()[0].partition("@")[0] for line in addresses if line] == ["lo", "eth0"]


def test_dynos_that_come_and_go_leave_the_gateways_mac_alone(app: Box) -> None:
    """A dyno that remembers another MAC finds no name for 15 s."""
    app("up", "--detach")
    if app.record["network"] != "namespaces":
        pytest.skip("namespaces can't be had here: run as root, or allow user namespaces")
    ask = "getent hosts 1.none.app.app.localspace; awk '$6 == \"eth0\" { print $4 }' /proc/net/arp"
    macs = {app.out("run", ask) for _ in range(3)}
    assert macs == {"02:00:00:00:00:01\n"}


def test_memory_beyond_the_size_ends_the_dyno(app: Box) -> None:
    app("up", "--detach")
    if not app.record["limits"]:
        pytest.skip(f"memory cgroups can't be written here: {app.record['notice']}")
    hog = "python3 -c 'x = bytearray(1400 << 20); print(len(x))'"
    assert app("run", "--size", "Private-S", hog, code=None).returncode == 137
    assert "Error R15 (Memory quota vastly exceeded)" in "\n".join(app.log())
    assert app("run", "--size", "Private-M", hog).stdout == f"{1400 << 20}\n"
