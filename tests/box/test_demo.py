"""``bin/sparkspace demo``, as a stranger types it in a fresh clone, and as an ordinary user."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkspace.box import network

from .conftest import (
    ROOT,
    Box,
    assert_nothing_is_left,
    copy_of_repository,
    processes_of,
    until,
    watching,
)

pytestmark = [pytest.mark.box, pytest.mark.spark]
# Without its capabilities, and by a path lookup of its own (sh): root's rights would open what an ordinary user can't.
NOBODY = [
    "setpriv",
    "--reuid=nobody",
    "--regid=nogroup",
    "--clear-groups",
    "--inh-caps=-all",
    "sh",
    "-c",
    'exec "$@"',
    "sh",
]
EXPECTED = (ROOT / "examples" / "expected" / "word_count.txt").read_text()


def test_demo_gives_the_right_answer_and_leaves_nothing(tmp_path: Path) -> None:
    box = copy_of_repository(tmp_path / "clone")
    with watching(str(box.folder)) as seen:
        done = box("demo", timeout=600)
    answer, _, hosts = done.stdout.partition("hosts: ")
    assert answer == EXPECTED
    assert len(hosts.split(",")) == 2
    stages = re.findall(r"^-----> (.*?) +\d+\.\d s$", done.stderr, re.MULTILINE)
    assert [stage.partition(" (")[0] for stage in stages] == [
        "open a box",
        "start a master and 2 workers",
        "bin/spark-submit examples/word_count.py in a one-off dyno",
        "close the box",
    ]
    assert processes_of(str(box.folder)) == []
    assert seen or network.lack_of_namespaces()
    until(lambda: not any(process.is_running() for process in seen), timeout_s=20)
    assert {path.name for path in box.folder.iterdir()} <= {path.name for path in ROOT.iterdir()}
    assert not (box.folder / ".sparkspace").exists()


@pytest.fixture
def user() -> Iterator[Box]:
    """A clone that belongs to an ordinary user, with a Python that this user can run and the packages of ours."""
    if os.geteuid():
        pytest.skip("the tests run as an ordinary user already")
    python = next((path for path in (sys._base_executable, "/usr/bin/python3") if same_python(path)), "")
    if not python:
        pytest.skip(
            f"an ordinary user can run no Python {sys.version_info[0]}.{sys.version_info[1]} here: install python3"
        )
    top = Path(tempfile.mkdtemp(prefix="user-", dir="/var/tmp"))  # an ordinary user may not look into pytest's folders
    top.chmod(0o755)
    folder = top / "repository"
    box = copy_of_repository(folder)
    (folder / ".venv").unlink()
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    (site,) = (folder / ".venv").glob("lib/python*/site-packages")
    (site / "ours.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    nobody = pwd.getpwnam("nobody")
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    if as_nobody(box, "help").returncode:
        pytest.skip("the repository is in a folder that an ordinary user can't read")
    yield box
    as_nobody(box, "down")
    shutil.rmtree(top)


def same_python(path: str) -> bool:
    """Whether an ordinary user can run it, and it is of our version."""
    ask = [*NOBODY, path, "-c", "import sys; print(sys.version_info[:2])"]
    return subprocess.run(ask, capture_output=True, text=True).stdout.strip() == str(sys.version_info[:2])


def as_nobody(box: Box, *args: str) -> subprocess.CompletedProcess[str]:
    """Run ``bin/sparkspace …`` as the user nobody."""
    env = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(box.folder),
        "JAVA_HOME": os.environ.get("JAVA_HOME", ""),
    }
    command = [*NOBODY, str(box.folder / "bin" / "sparkspace"), *args]
    return subprocess.run(command, cwd=box.folder, capture_output=True, text=True, timeout=600, env=env)


@pytest.mark.parametrize("network", ["namespaces", pytest.param("loopback", marks=pytest.mark.long)])
def test_ordinary_user_has_a_cluster_too(user: Box, network: str) -> None:
    opened = as_nobody(user, "up", "--detach", "--workers", "2", "--network", network)
    if network == "namespaces" and "can't be had here" in opened.stderr:
        pytest.skip(opened.stderr)
    assert opened.returncode == 0, opened.stderr
    assert "enforcement of memory limits, which dynos only see" in opened.stderr
    record = user.record
    assert as_nobody(user, "wait", "--workers", "2", "--timeout", "180").returncode == 0
    job = as_nobody(user, "run", "bin/spark-submit examples/word_count.py")
    assert job.stdout.partition("hosts: ")[0] == EXPECTED, job.stderr
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in os.listdir("/proc") if pid.isdigit() and belongs(pid, record)}
    assert owners == {pwd.getpwnam("nobody").pw_uid}
    assert as_nobody(user, "down").returncode == 0
    assert_nothing_is_left(record)


def belongs(pid: str, record: dict[str, str]) -> bool:
    """Whether a process is of this box."""
    try:
        return record["folder"].encode() in Path(f"/proc/{pid}/environ").read_bytes() or pid == str(record["pid"])
    except OSError:
        return False
