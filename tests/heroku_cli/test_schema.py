"""The box's replies against Heroku's published schema: its types, as the package @heroku-cli/schema has them.

Heroku makes that package of the schema itself. Fields are all optional there, and others are allowed; here each must be
there, and no other, but for those that the schema of today has and the package has not yet.
"""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ..box.conftest import Box
from .conftest import PROGRAMS

pytestmark = pytest.mark.box
HEAD = f"""\
import type * as Heroku from "{PROGRAMS.parent}/@heroku-cli/schema"
type Named<T> = {{[K in keyof T as string extends K ? never : K]-?: Whole<T[K]>}}
type Whole<T> = T extends (infer E)[] ? Whole<E>[] : T extends object ? Named<T> : T
type Reference = {{id: string, name: string}}
type Account = Whole<Heroku.Account>
type App = Whole<Heroku.App> & {{create_status: "complete", generation: Reference}}
type Collaborator = Whole<Heroku.Collaborator>
type Dyno = Whole<Heroku.Dyno>
type Formation = Whole<Heroku.Formation> & {{dyno_size: Reference}}
type LogSession = Whole<Heroku.LogSession>
type RateLimit = Whole<Heroku.RateLimit>
type Release = Whole<Heroku.Release> & {{eligible_for_rollback: boolean}}
type Size = Omit<Whole<Heroku.DynoSize>, "cost"> & {{cost: null, generation: Reference}}
type SpaceTopology = Whole<Heroku.SpaceTopology>
"""
DYNO = {
    "app": {"id": "", "name": ""}, "attach_url": None, "command": "", "created_at": "", "id": "", "name": "",
    "release": {"id": "", "version": 1}, "size": "", "state": "", "type": "", "updated_at": "",
}  # fmt: skip
WRONG = [
    {**DYNO, "size": None},
    {**DYNO, "more": 1},
    {**DYNO, "release": {"id": ""}},
    {name: value for name, value in DYNO.items() if name != "state"},
]


@pytest.fixture(scope="module")
def replies(box: Box) -> dict[str, Any]:
    """Type → what the box says, with every value that may be null once as it is then."""
    box.api("PATCH", "config-vars", {"A": "1"})
    run = {"command": "sleep 5", "attach": True, "env": {"COLUMNS": 80}}
    topology = box.api("GET", "/spaces/my-app/topology").json()
    for app in topology["apps"]:
        del app["formations"]  # the key that Heroku's own command reads, and the schema has not
    return {
        "Account": box.api("GET", "/account").json(),
        "RateLimit": box.api("GET", "/account/rate-limits").json(),
        "App": box.api("GET", "/apps/my-app").json(),
        "App[]": box.api("GET", "/apps").json(),
        "Collaborator[]": box.api("GET", "collaborators").json(),
        "Dyno[]": [*box.api("GET", "dynos").json(), box.api("POST", "dynos", run).json()],
        "Formation[]": box.api("GET", "formation").json(),
        "Formation": box.api("PATCH", "formation/quiet", {"quantity": 1}).json(),
        "Release[]": box.api("GET", "releases").json(),
        "Release": box.api("GET", "releases/1").json(),
        "Size[]": box.api("GET", "available-dyno-sizes").json(),
        "LogSession": box.api("POST", "log-sessions", {}).json(),
        "SpaceTopology": topology,
        "Heroku.ConfigVars": box.api("GET", "config-vars").json(),
        "Heroku.AddOn[]": box.api("GET", "addons").json(),
    }


def test_replies_have_the_types_of_the_schema(replies: dict[str, Any], tmp_path: Path) -> None:
    lines = [f"const r{n}: {type} = {json.dumps(reply)}" for n, (type, reply) in enumerate(replies.items())]
    wrong = [f"const w{n}: Dyno = {json.dumps(reply)}" for n, reply in enumerate([DYNO, *WRONG])]
    said = compiled(tmp_path / "replies.ts", [*lines, *wrong])
    assert [text for line, text in said if line <= len(lines)] == []
    assert {line - len(lines) for line, _ in said} == {2, 3, 4, 5}  # the first is whole


def compiled(file: Path, lines: list[str]) -> list[tuple[int, str]]:
    """What TypeScript has to say, each with the number of the line, from 1."""
    if not (PROGRAMS / "tsc").exists():
        pytest.skip("TypeScript is not here: scripts/setup dev says why")
    file.write_text(HEAD + "\n".join([*lines, "export {}"]))
    options = "--noEmit --strict --skipLibCheck --lib es2020".split()
    command = [str(PROGRAMS / "tsc"), *options, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=file.parent, timeout=120)
    found = re.findall(r"^replies\.ts\((\d+),\d+\): (.*)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return [(int(line) - HEAD.count("\n"), text) for line, text in found]


def test_ids_and_times_have_the_formats_of_the_schema(replies: dict[str, Any]) -> None:
    seen = set()
    for name, value in pairs(list(replies.values())):
        if name == "id":
            uuid.UUID(value)
        elif name.endswith("_at") and value is not None:
            datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
        seen.add(name)
    assert {"id", "created_at", "updated_at"} <= seen


def pairs(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # any JSON
    """Every name and value, however deep."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield name, inner
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from pairs(inner)
