"""Heroku's own command does to the box what it does to Heroku."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import signal
import socket
from collections.abc import Iterator

import pexpect
import pytest

from ..box.conftest import Box, until
from .conftest import GATE, REFUSED, Heroku, settle

pytestmark = pytest.mark.box


def ids(box: Box) -> dict[str, str]:
    return {name: dyno["id"] for name, dyno in box.dynos().items()}


def formation(box: Box) -> dict[str, tuple[int, str]]:
    return {line["type"]: (line["quantity"], line["size"]) for line in box.api("GET", "formation").json()}


def releases(box: Box) -> list[tuple[int, str]]:
    return [(release["version"], release["description"]) for release in box.api("GET", "releases").json()]


def test_ps_lists_the_dynos(still: Box, heroku: Heroku) -> None:
    listed = heroku.out("ps", "quiet")
    assert "=== quiet (Private-M): sleep 1000 (2)" in listed
    assert re.findall(r"^(quiet\.\d): up ", listed, re.MULTILINE) == ["quiet.1", "quiet.2"]


def test_ps_scale_sets_quantities_and_sizes(still: Box, heroku: Heroku) -> None:
    said = heroku("ps:scale", "quiet=1:private-l", "noisy+1").stderr
    assert "now running quiet at 1:Private-L, noisy at 1:Private-M" in said
    settle(still, ["quiet.1", "noisy.1"])
    assert still.dynos()["quiet.1"]["size"] == "Private-L"
    assert heroku.out("ps:scale").split() == ["noisy=1:Private-M", "quiet=1:Private-L", "web=0:Private-M"]


def test_ps_type_sets_sizes(still: Box, heroku: Heroku) -> None:
    shown = heroku.out("ps:type", "quiet=private-s")
    assert re.search(r"quiet\s+Private-S\s+2\s", shown)
    assert formation(still) == {"web": (0, "Private-M"), "quiet": (2, "Private-S"), "noisy": (0, "Private-M")}


@pytest.mark.parametrize(
    ("which", "changed"),
    [
        (["--dyno-name", "quiet.1"], {"quiet.1"}),
        (["--process-type", "quiet"], {"quiet.1", "quiet.2"}),
        ([], {"quiet.1", "quiet.2", "noisy.1"}),
    ],
)
def test_ps_restart_restarts_one_a_type_or_all(still: Box, heroku: Heroku, which: list[str], changed: set[str]) -> None:
    still("scale", "noisy=1")
    before = ids(still)
    heroku("ps:restart", *which)
    now = ids(still)
    assert {name for name in now if now[name] != before[name]} == changed
    settle(still, ["quiet.1", "quiet.2", "noisy.1"])


def test_ps_stop_replaces_what_is_of_the_formation(still: Box, heroku: Heroku) -> None:
    before = ids(still)
    heroku("ps:stop", "--process-type", "quiet")
    settle(still, ["quiet.1", "quiet.2"])
    assert set(ids(still).values()).isdisjoint(before.values())


def test_ps_stop_ends_a_one_off_dyno(still: Box, heroku: Heroku) -> None:
    name = still.api("POST", "dynos", {"command": "sleep 1000"}).json()["name"]
    heroku("ps:stop", "--dyno-name", name)
    assert name not in still.dynos()


def test_ps_wait_waits_for_every_dyno(still: Box, heroku: Heroku) -> None:
    still.api("PATCH", "formation/web", {"quantity": 1})
    with heroku.start("ps:wait") as process:
        assert process.stderr
        said = ""
        while "Waiting for every dyno" not in said:
            said += process.stderr.read(1) or pytest.fail(said)
        (still.folder / GATE).touch()
        said += process.communicate(timeout=60)[1]
    assert "3 / 3, done" in said
    assert still.dynos()["web.1"]["state"] == "up"


def test_config_is_read_set_and_unset_by_releases(still: Box, heroku: Heroku) -> None:
    before = releases(still)[-1][0]
    said = heroku("config:set", "A=1", "B=x y", "C=a=b", "D=é\n$HOME")
    assert f"done, v{before + 1}" in said.stderr
    config = json.loads(heroku.out("config", "--json"))
    assert config == still.api("GET", "config-vars").json()
    assert [config[name] for name in "ABCD"] == ["1", "x y", "a=b", "é\n$HOME"]
    heroku("config:unset", "A", "B", "E")
    now = still.api("GET", "config-vars").json()
    assert now == {name: value for name, value in config.items() if name not in "AB"}
    assert [version for version, _ in releases(still)[-2:]] == [before + 1, before + 2]
    until(lambda: {dyno["release"]["version"] for dyno in still.dynos().values()} == {before + 2})


def test_what_is_wrong_is_refused_and_nothing_changes(still: Box, heroku: Heroku) -> None:
    before = formation(still), releases(still)
    wrong = {
        "The Procfile has no process type 'nothing'": ["ps:scale", "quiet=1", "nothing=1"],
        "'huge' is not a dyno size": ["ps:scale", "quiet=1:huge"],
        "There can't be -7 dynos of quiet": ["ps:scale", "quiet-9"],
        "LOG_LEVEL must be one of": ["config:set", "A=2", "LOG_LEVEL=LOUD"],
    }
    for why, done in zip(wrong, heroku.all(wrong.values(), REFUSED), strict=True):
        assert why in " ".join(done.stderr.split())
        assert "Error ID: invalid_params" in done.stderr
    assert (formation(still), releases(still)) == before


def test_releases_are_listed_newest_first(still: Box, heroku: Heroku) -> None:
    still.api("PATCH", "config-vars", {"NEWEST": str(len(releases(still)))})
    listed = json.loads(heroku.out("releases", "--json", "--num", "2"))
    assert [(release["version"], release["description"]) for release in listed] == releases(still)[:-3:-1]


def test_apps_info_tells_of_the_app(still: Box, heroku: Heroku) -> None:
    lines = heroku.out("apps:info", "--shell").splitlines()
    assert {"stack=heroku-24", "owner=box@localhost", "addons="} <= set(lines)
    assert any(line.startswith("dynos={ quiet: 2") for line in lines)


def test_logs_are_filtered(still: Box, heroku: Heroku) -> None:
    still("scale", "noisy=2")
    until(lambda: still.said("noisy.1", "tick") and still.said("noisy.2", "tick"))
    lines = heroku.out("logs", "--process-type", "noisy", "--source", "app", "--num", "200").splitlines()
    assert {line.split()[1] for line in lines} == {"app[noisy.1]:", "app[noisy.2]:"}


def test_logs_tail_follows(still: Box, heroku: Heroku) -> None:
    still("scale", "noisy=2")
    with heroku.start("logs", "--tail", "--dyno", "noisy.2", "--source", "app", "--num", "1") as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert {line.partition(" ")[2] for line in lines} == {"app[noisy.2]: tick\n"}


def test_run_has_size_environment_arguments_and_exit_code(box: Box, heroku: Heroku) -> None:
    options = ["--exit-code", "--no-tty", "--size", "private-l", "--env", "A=1;B=x y"]
    command = ["--", "echo", "$A-$B", "a  b", "$DYNO", ";", "timeout", "0.1", "sleep", "9"]
    done = heroku("run", *options, *command, code=124)
    assert re.fullmatch(r"1-x y a  b run\.\d+\n\n?", done.stdout)


def test_run_of_what_is_not_there_is_127(box: Box, heroku: Heroku) -> None:
    heroku("run", "--exit-code", "no-such-thing", code=127)


def test_run_takes_piped_input_to_its_end(box: Box, heroku: Heroku) -> None:
    text = "".join(f"line {number} ä\n" for number in range(50_000))
    said = heroku.out("run", "--exit-code", "--no-tty", "sha256sum", stdin=text)
    assert said.split()[0] == hashlib.sha256(text.encode()).hexdigest()


def test_run_pipes_to_a_terminal_unless_told_otherwise(box: Box, heroku: Heroku) -> None:
    said = heroku.out("run", "tty; cat; echo over", stdin="one\n").splitlines()
    terminal, *rest = sorted(said)
    assert re.fullmatch(r"/dev/pts/\d+", terminal)
    assert rest == ["one", "one", "over"]  # the terminal's echo, and cat's


def test_run_prints_all_of_much_output(box: Box, heroku: Heroku) -> None:
    assert heroku.out("run", "--no-tty", "seq 1 100000") == "".join(f"{number}\n" for number in range(1, 100_001))


@pytest.fixture
def terminal(box: Box, heroku: Heroku) -> Iterator[pexpect.spawn]:
    """``heroku run`` at a terminal of 91 by 33."""
    args = ["run", "--exit-code", "env PS1='$ ' bash --norc"]
    env = {**heroku.env, "TERM": "xterm"}
    child = pexpect.spawn("heroku", args, env=env, dimensions=(33, 91), encoding="utf-8", timeout=60)
    child.expect(r"\$ $")
    yield child
    child.close(force=True)


def test_run_gives_a_terminal(terminal: pexpect.spawn) -> None:
    terminal.sendline("stty size; echo $TERM; test -t 0 -a -t 1 -a -t 2 && echo all-three")
    terminal.expect(r"33 91\s+xterm\s+all-three\s")
    terminal.sendline("sh -c 'echo it-$((1 + 1)); exec sleep 500'")
    terminal.expect("it-2")
    terminal.sendintr()
    terminal.expect(r"\$ $")
    terminal.sendline("echo code-$?; exit 7")
    terminal.expect("code-130")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 7


def test_terminal_that_goes_hangs_up_the_dyno(box: Box, terminal: pexpect.spawn) -> None:
    def shells() -> list[str]:
        return [name for name, dyno in box.dynos().items() if "--norc" in dyno["command"]]

    assert len(shells()) == 1
    terminal.close(force=True)
    until(lambda: shells() == [])


def test_run_trusts_the_box_alone(box: Box, heroku: Heroku) -> None:
    done = heroku("run", "echo never seen", code=1, NODE_EXTRA_CA_CERTS="")
    assert "... up, run." not in done.stderr and "never seen" not in done.stdout


def test_nobody_but_the_box_is_called(box: Box, heroku: Heroku) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.1)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        called = []
        with heroku.start("run", "true", HTTPS_PROXY=url, https_proxy=url, NO_PROXY="127.0.0.1") as process:
            while process.poll() is None:
                with contextlib.suppress(TimeoutError):
                    with proxy.accept()[0] as caller:
                        called.append(caller.recv(100))
            process.communicate()
    assert (process.returncode, called) == (0, [])


def test_run_detached_logs(box: Box, heroku: Heroku) -> None:
    said = heroku.out("run:detached", "echo from $DYNO; exit 3")
    name = re.search(r"--dyno (run\.\d+) ", said)
    assert name
    until(lambda: box.said(name[1], f"from {name[1]}"))
    until(lambda: any(f"heroku[{name[1]}]: Process exited with status 3" in line for line in box.log()))


def test_run_inside_is_inside(still: Box, heroku: Heroku) -> None:
    assert heroku.out("run:inside", "--exit-code", "quiet.2", "echo $DYNO").splitlines()[-1] == "quiet.2"


def test_wrong_token_is_refused(box: Box, heroku: Heroku) -> None:
    assert "HEROKU_API_KEY is invalid" in heroku("ps", code=1, HEROKU_API_KEY="wrong").stderr


def test_what_the_box_has_not_is_herokus_error(box: Box, heroku: Heroku) -> None:
    commands = [["domains"], ["maintenance:on"]]
    assert ["Error ID: not_found" in done.stderr for done in heroku.all(commands, REFUSED)] == [True, True]
