"""nginx's configuration: for every case of ``cases/nginx``, it says what is meant, nginx takes it, gixy finds nothing.

::

    routes     fields of Routes; ``{port}`` is a free port
    chosen     how many backends people have chosen
    upstreams  all that nginx may connect to, beside the desk; not looked at unless given
    has        lines that are there
    has_not    texts that are nowhere
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sparkspace.config import Backend, User
from sparkspace.proxy.lookout import MOST_CHOSEN
from sparkspace.proxy.nginx import Nginx
from sparkspace.proxy.routes import Chosen, Routes
from sparkspace.proxy.seal import Seal

from . import real_nginx

CASES = sorted((Path(__file__).parent / "cases" / "nginx").glob("*.json"))
DESK = {"desk", "unknown", "nobody"}
# host_spoofing wants $host, which has no port: Jupyter compares Origin with Host, and so does our desk. Nothing that is
#   shown is kept for others or sent to them, and redirects lose their host.
# missing_resolver takes $backend for a name to look up: it is always the name of an upstream here, and a resolver is
#   what names out of requests must never reach.
# proxy_pass_normalized minds a path behind the name: $notebook_path is part of $request_uri, which is as it came.
NOT_FOR_US = "host_spoofing,missing_resolver,proxy_pass_normalized"


@dataclass(frozen=True)
class Rendered:
    """A case, and its file below ``folder``."""

    meant: dict[str, Any]
    folder: Path
    text: str


def render(case: Path, folder: Path) -> Rendered:
    """Render a case beside the files that nginx needs."""
    port = str(real_nginx.free_port())
    meant = json.loads(case.read_text().replace("{port}", port))
    folder.mkdir()
    Nginx("", folder).prepare([User("spark", "{PLAIN}x")])
    fields = {"app": "myapp", "listen": port, "access_log": "/dev/stdout", **meant["routes"]}
    routes = Routes(folder=str(folder), chosen=chosen(meant.get("chosen", 0)), **fields)
    (folder / "nginx.conf").write_text(routes.render())
    return Rendered(meant, folder, routes.render())


def chosen(number: int) -> tuple[Chosen, ...]:
    """So many, with names as long as they can be when there are several."""
    seal, found = Seal((), "myapp.app.localspace"), []
    for each in range(1, number + 1):
        kind, app = ("worker", "myapp") if number == 1 else ("w" * 63, "a" * 30)
        backend = Backend(f"{each}.{kind}.{app}.app.localspace", app, 8081)
        found.append(Chosen(seal.token(backend), f"10.1.0.{each}:8081"))
    return tuple(found)


@pytest.fixture(params=CASES, ids=lambda case: case.stem)
def rendered(request: pytest.FixtureRequest, tmp_path: Path) -> Rendered:
    return render(request.param, tmp_path / "nginx")


def test_configuration_is_the_one_meant(rendered: Rendered) -> None:
    lines = {line.strip() for line in rendered.text.splitlines()}
    assert [line for line in rendered.meant.get("has", []) if line not in lines] == []
    assert [text for text in rendered.meant.get("has_not", []) if text in rendered.text] == []


def test_nginx_connects_to_nobody_else(rendered: Rendered) -> None:
    named = dict(re.findall(r"upstream (\w+) \{\s+server (\S+?)(?: max_fails=0)?;", rendered.text))
    assert {named.pop(name) for name in DESK} == {f"unix:{rendered.folder}/desk"}
    if "upstreams" in rendered.meant:
        assert named == rendered.meant["upstreams"]
    assert [each for each in named.values() if not re.fullmatch(r"(\d+\.){3}\d+:\d+", each)] == []
    targets = set(re.findall(r"proxy_pass http://(\S+);", rendered.text))
    assert targets <= {*named, "desk", "$backend", "notebook/$notebook_path"}
    kept = dict(re.findall(r'^ +"(.*-[0-9a-f]{40})" (chosen\d+);$', rendered.text, re.MULTILINE))
    assert set(kept.values()) == {name for name in named if name.startswith("chosen")}
    assert len(kept) == rendered.meant.get("chosen", 0)


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [real_nginx.program(), "-t", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_nginx_takes_it(rendered: Rendered) -> None:
    done, file = checked(rendered.folder), rendered.folder / "nginx.conf"
    said = [line for line in done.stderr.splitlines() if os.geteuid() == 0 or '"user" directive' not in line]
    assert said == [
        f"nginx: the configuration file {file} syntax is ok",
        f"nginx: configuration file {file} test is successful",
    ]
    assert done.returncode == 0


def test_there_is_a_case_of_as_many_as_can_be_chosen() -> None:
    assert max(json.loads(case.read_text()).get("chosen", 0) for case in CASES) == MOST_CHOSEN


# Jetty believes what these say; the password is for the proxy alone; a hop's own headers are not the next one's.
SET = (
    "Authorization", "X-Sender", "Connection", "Forwarded", "Host", "Upgrade", "X-Forwarded-Context", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Server",
    "X-Proxied-Https",
)  # fmt: skip


def test_what_spark_would_believe_is_set_wherever_anything_is(rendered: Rendered) -> None:
    """nginx forgets all of a level's proxy_set_header as soon as a location has one of its own."""
    server = rendered.text.partition("\n    server {")[2]
    blocks = re.split(r"\n        location ", server)
    all_of_them = sorted(re.findall(r"proxy_set_header (\S+) ", blocks[0]))
    assert [name for name in SET if name not in all_of_them] == []
    for block in blocks[1:]:
        found = re.findall(r"proxy_set_header (\S+) ", block)
        if found and "proxy_pass http://desk" not in block:
            assert sorted(found) == all_of_them, block


def gixy(*files: Path) -> list[dict[str, str]]:
    """What gixy finds in these files."""
    command = [sys.executable, "-m", "gixy", "-f", "json", "--skips", NOT_FOR_US, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_gixy_finds_nothing(tmp_path: Path) -> None:
    files = [render(case, tmp_path / case.stem).folder / "nginx.conf" for case in CASES]
    assert [(Path(each["path"]).parent.name, each["plugin"], each["config"]) for each in gixy(*files)] == []


@pytest.mark.parametrize(
    ("line", "plugin"),
    [
        ("location ~ ^/x/(?<name>.*)$ { add_header X-Name $name; }", "http_splitting"),
        ("location ~ ^/x/(.*)$ { proxy_pass http://$1; }", "ssrf"),
        ("location /x { alias /var/; }", "alias_traversal"),
    ],
)
def test_gixy_would_find_it(tmp_path: Path, line: str, plugin: str) -> None:
    rendered = render(CASES[0].with_name("history.json"), tmp_path / "nginx")
    file = rendered.folder / "nginx.conf"
    text = rendered.text.replace("        location / {", f"        {line}\n        location / {{", 1)
    file.write_text(text)
    assert text != rendered.text
    assert plugin in {each["plugin"] for each in gixy(file)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("server_tokens off", "server_tokenz off"),
        ("map_hash_bucket_size 256", "map_hash_bucket_size 64"),
        ("map $cookie_backend $backend", "map $cookie_backend $other"),
    ],
)
def test_nginx_would_refuse_it(tmp_path: Path, before: str, after: str) -> None:
    rendered = render(CASES[0].with_name("as-many-chosen-as-can-be.json"), tmp_path / "nginx")
    assert before in rendered.text
    (rendered.folder / "nginx.conf").write_text(rendered.text.replace(before, after))
    assert checked(rendered.folder).returncode == 1
