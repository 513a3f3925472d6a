"""``bin/zeppelin`` and ``configure`` with a real Zeppelin, on a real cluster in a box.

The one Zeppelin that can be put together here runs on Spark up to 3.2, by its own table and by ours. It is let try 3.5:
by a line of ours (``BEYOND``), and by its own switch.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from buildpack import versions as lines
from sparkspace.zeppelin.versions import CHECK

from .. import spark_lines
from ..box.conftest import Box, copy_of_repository, until
from ..slug.runtimes import java_for
from . import real

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(1800)]

SPARK = "3.5.9"
VAR = "SPARKSPACE_DYNAMIC_ALLOCATION"
USER, PASSWORD = "ann", "the-password-of-the-pages"
BEYOND = """\
import sys
from sparkspace.zeppelin import versions
versions.SPARKS["0.10.0"] = ((2, 0), (3, 5))
from sparkspace.cli import main
sys.exit(main(sys.argv[1:]))
"""
PROCFILE = """\
web: bin/space-proxy
master: bin/spark-master
worker: bin/spark-worker
zeppelin: .venv/bin/python3 beyond.py zeppelin
"""
PARAGRAPH = """\
%spark.sql
select sum(id), version() from range(0, 1000, 1, 4);
set spark.master;
set spark.dynamicAllocation.enabled;
set spark.dynamicAllocation.maxExecutors;
set spark.app.id"""


class Notes:
    """A Zeppelin's REST API, as its page uses it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def call(self, method: str, path: str, body: object = None, **options: Any) -> Any:  # noqa: ANN401
        reply = self.session.request(method, f"{self.url}/api{path}", json=body, timeout=300, **options)
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text[:2000]}"
        return reply.json().get("body") if "json" in reply.headers["Content-Type"] else reply.text

    def login(self) -> None:
        self.call("POST", "/login", data={"userName": USER, "password": PASSWORD})

    def spark(self) -> dict[str, Any]:
        """The Spark interpreter's setting."""
        (found,) = (each for each in self.call("GET", "/interpreter/setting") if each["name"] == "spark")
        return found

    def set(self, **properties: object) -> None:
        """Change properties of it by hand."""
        setting = self.spark()
        for name, value in properties.items():
            setting["properties"][name] = {"name": name, "value": value, "type": "string"}
        body = {name: setting[name] for name in ("properties", "dependencies", "option")}
        self.call("PUT", "/interpreter/setting/spark", body)

    def run(self, text: str) -> dict[str, str]:
        """What a paragraph says: each table's last line, by the cell before it."""
        note = self.call("POST", "/notebook", {"name": uuid.uuid4().hex, "paragraphs": [{"title": "", "text": text}]})
        (paragraph,) = self.call("GET", f"/notebook/{note}")["paragraphs"]
        done = self.call("POST", f"/notebook/run/{note}/{paragraph['id']}", {})
        assert done["code"] == "SUCCESS", done
        rows = [part["data"].strip().splitlines()[-1].split("\t") for part in done["msg"]]
        return dict(rows)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    if shutil.which("mvn") is None:
        pytest.skip("there is no Maven here: scripts/setup dev all, or apt-get install maven")
    spark_home = spark_lines.spark_home(spark_lines.python_with(SPARK))
    home = real.assembled(spark_home, java_for(lines.resolve(SPARK)), spark_lines.cache().parent)
    box = copy_of_repository(tmp_path_factory.mktemp("zeppelin") / "repository")
    (box.folder / "Procfile").write_text(PROCFILE)
    (box.folder / "beyond.py").write_text(BEYOND)
    env = {
        "SPARK_HOME": str(spark_home),
        "ZEPPELIN_HOME": str(home),
        "SPACE_PROXY_BASIC_AUTH": f"{USER}:{{PLAIN}}{PASSWORD}",
        "SPARK_WORKER_CORES": "2",
        "SPARK_DRIVER_MEMORY": "1g",
        VAR: "true",
        f"{VAR}_IDLE_S": "3",
    }
    (box.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in env.items()))
    box("up", "--detach", "--workers", "1", "--network", "loopback")
    box("wait", "--workers", "1", "--timeout", "180")
    box("scale", "zeppelin=1", "web=1")
    yield box
    box("down")


@pytest.fixture(scope="module")
def zeppelin(box: Box) -> Notes:
    """The one of ``bin/zeppelin``, as it came up, but that it tries this Spark."""
    found = Notes(f"http://{box.address('zeppelin.1')}:8080")
    until(lambda: requests.get(f"{found.url}/api/version", timeout=5).ok, 180)
    found.login()
    found.set(**{CHECK: "false"})
    return found


@pytest.fixture(scope="module")
def master(box: Box) -> str:
    """The URL of the master's page."""
    return f"http://{box.address('master.1')}:8080/json/"


def is_idle(master: str, application: str) -> bool:
    """Whether an application runs, and has no executor."""
    page = requests.get(master, timeout=10).json()
    assert application in {each["id"] for each in page["activeapps"]}, page["activeapps"]
    return bool(page["coresused"] == 0)


def configure(box: Box, *, most: int = 10) -> str:
    """What it says."""
    url = f"http://1.zeppelin.{box.record['app']}.app.localspace:8080"
    command = f".venv/bin/python3 beyond.py sparkspace zeppelin configure --url {url}"
    return box.out("run", f"env {VAR}_MAX_EXECUTORS={most} {command}")


def runs_on_the_cluster(master: str, zeppelin: Notes, most: int) -> str:
    """Run a paragraph, and see that its executors come and go. Its application's id."""
    said = zeppelin.run(PARAGRAPH)
    assert said["499500"].startswith(SPARK)
    assert said["spark.master"].startswith("spark://1.master.")
    assert said["spark.dynamicAllocation.enabled"] == "true"
    assert said["spark.dynamicAllocation.maxExecutors"] == str(most)
    application = said["spark.app.id"]
    until(lambda: is_idle(master, application), 60)
    return application


def test_paragraphs_before_and_after_configure(box: Box, master: str, zeppelin: Notes) -> None:
    before = runs_on_the_cluster(master, zeppelin, most=10)
    said = configure(box, most=3)
    assert re.search(r"^spark.dynamicAllocation.maxExecutors +10 +3\s*$", said, re.MULTILINE), said
    after = runs_on_the_cluster(master, zeppelin, most=3)
    assert after != before
    assert zeppelin.spark()["properties"][CHECK]["value"] == "false"
    assert "Nothing to change." in configure(box, most=3)
    assert zeppelin.run(PARAGRAPH)["spark.app.id"] == after  # so it was not restarted


def test_an_interpreter_that_nobody_configured(box: Box, master: str, zeppelin: Notes) -> None:
    zeppelin.set(**{"spark.master": "local[2]", "spark.dynamicAllocation.enabled": "", "spark.executor.instances": "2"})
    assert zeppelin.run(PARAGRAPH)["spark.master"] == "local[2]"
    assert re.search(r"^spark.master +local\[2\] +spark://", configure(box), re.MULTILINE)
    runs_on_the_cluster(master, zeppelin, most=10)


def test_who_is_let_in(box: Box, zeppelin: Notes) -> None:
    asked = requests.get(f"{zeppelin.url}/api/interpreter/setting", timeout=30, allow_redirects=False)
    assert asked.status_code in (302, 401)
    wrong = requests.post(f"{zeppelin.url}/api/login", data={"userName": USER, "password": "wrong"}, timeout=30)
    assert wrong.status_code == 403


def test_the_web_process_shows_it(box: Box, zeppelin: Notes) -> None:
    page = requests.Session()
    page.auth = (USER, PASSWORD)
    web = box.record["web"]
    until(lambda: page.get(f"{web}/healthz", timeout=10).ok)
    page.get(f"{web}/set-backend/1.zeppelin.{box.record['app']}.app.localspace:8080", timeout=30, allow_redirects=False)
    assert page.get(f"{web}/api/version", timeout=30).json()["body"]["version"] == "0.10.0"


def test_no_secret_is_in_its_log_or_files(box: Box, zeppelin: Notes) -> None:
    secret = box.out("config:get", "SPARKSPACE_SECRET").strip()
    zeppelin.run(PARAGRAPH)
    log = "\n".join(box.log())
    assert "org.apache.zeppelin" in log or "ZeppelinServer" in log
    assert secret and secret not in log and PASSWORD not in log
    files = box.out("run:inside", "zeppelin.1", "cat $TMPDIR/sparkspace-conf-*/*/*")
    assert "iniRealm" in files and secret not in files and PASSWORD not in files
