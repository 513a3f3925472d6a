"""One-off dynos: streams, exit codes, and a real terminal driven by a real pseudo-terminal."""

from __future__ import annotations

import hashlib
import signal
import subprocess
from collections.abc import Iterator

import pexpect
import pytest

from .conftest import ROOT, Box, clean_environment, tiny_app, until

pytestmark = pytest.mark.box
PROMPT = r"\$ $"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with nothing but one-off dynos."""
    box = tiny_app(tmp_path_factory.mktemp("run") / "app")
    box("up", "--detach")
    yield box
    box("down")


@pytest.fixture
def terminal(box: Box) -> Iterator[pexpect.spawn]:
    """``sparkspace run bash`` at a terminal of 91 by 33."""
    env = {**clean_environment(), "TERM": "xterm"}
    child = pexpect.spawn(
        str(ROOT / "bin" / "sparkspace"),
        ["run", "env PS1='$ ' bash --norc"],
        cwd=str(box.folder),
        env=env,
        dimensions=(33, 91),
        encoding="utf-8",
        timeout=30,
    )
    child.expect(PROMPT)
    yield child
    child.close(force=True)


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("exit 9", 9), ("kill -9 $$", 137), ("no-such-thing", 127)])
def test_exit_code_is_the_commands(box: Box, command: str, code: int) -> None:
    box("run", command, code=code)


def test_streams_stay_apart(box: Box) -> None:
    done = box("run", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_piped_stdin_arrives_whole_and_ends(box: Box) -> None:
    text = "".join(f"line {number}\n" for number in range(200_000))
    assert box.out("run", "sha256sum", stdin=text).split()[0] == hashlib.sha256(text.encode()).hexdigest()


def test_much_output_arrives_whole(box: Box) -> None:
    assert len(box.out("run", "seq 1 400000").splitlines()) == 400_000


def test_arguments_arrive_as_they_are(box: Box) -> None:
    assert box.out("run", "printf", "%s|", "a b", "$HOME", "'\"", "*") == "a b|$HOME|'\"|*|"
    assert box.out("run", "--", "echo", "--size") == "--size\n"


def test_detached_run_logs(box: Box) -> None:
    assert "logs --tail --dyno run." in box("run", "--detach", "echo from afar").stderr
    until(lambda: any(line.endswith(": from afar") for line in box.log()))


def test_one_off_dyno_is_listed_while_it_runs_and_can_be_stopped(box: Box) -> None:
    box("run", "--detach", "sleep 500")
    name = next(iter(box.dynos()))
    assert "=== run: one-off processes (1)" in box.out("ps")
    assert f"{name}: up" in box.out("ps")
    box("stop", name)
    assert box.dynos() == {}


def test_ctrl_c_at_a_pipe_ends_the_dyno(box: Box) -> None:
    process = subprocess.Popen(
        [str(ROOT / "bin" / "sparkspace"), "run", "echo begun; sleep 500"],
        cwd=box.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    with process:
        assert process.stdout and process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    until(lambda: box.dynos() == {})


def test_terminal_has_the_size_of_ours_and_follows_it(terminal: pexpect.spawn) -> None:
    terminal.sendline("stty size")
    terminal.expect("33 91")
    terminal.setwinsize(44, 120)
    terminal.expect(PROMPT)
    terminal.sendline("sleep 1; stty size")
    terminal.expect("44 120")


def test_terminal_ctrl_c_reaches_the_command_alone(terminal: pexpect.spawn) -> None:
    terminal.sendline("sh -c 'echo it-$((1 + 1)); exec sleep 500'")
    terminal.expect("it-2")  # it runs: before that the shell would get the interrupt, and start it nevertheless
    terminal.sendintr()
    terminal.expect(PROMPT)
    terminal.sendline("echo code-$?")
    terminal.expect("code-130")


def test_terminal_edits_lines(terminal: pexpect.spawn) -> None:
    terminal.send("echo wrong\x15echo right\x01\x05\n")  # Ctrl-U, then Ctrl-A and Ctrl-E
    terminal.expect(r"[\r\n]right\r\n")
    terminal.send("\x1b[A\n")  # the line before, by the arrow key
    terminal.expect(r"[\r\n]right\r\n")


def test_terminal_job_control_and_exit_code(terminal: pexpect.spawn) -> None:
    terminal.sendline("sleep 300 & jobs; tty; test -t 0 -a -t 1 -a -t 2 && echo all-three; exit 7")
    terminal.expect("Running")
    terminal.expect("/dev/pts/")
    terminal.expect("all-three")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 7


def test_terminal_that_goes_hangs_up_the_dyno(box: Box, terminal: pexpect.spawn) -> None:
    assert len(box.dynos()) == 1
    terminal.close(force=True)
    until(lambda: box.dynos() == {})
