"""The shape of the project: which room may import which, what only one place may do, and words that must agree."""

from __future__ import annotations

import ast
import graphlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparkspace import cli
from sparkspace.box import sizes
from sparkspace.config import VARS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sparkspace"

# docs/design.md, "Rooms". A module of a room may import its own room, and rooms with a lower number.
LAYERS = {
    "errors": 0, "log": 0, "ports": 0, "redaction": 0, "templates": 0,
    "config": 1, "archive": 1,
    "topology": 2, "sizing": 2, "conf": 2, "launch": 2,
    "cluster": 3, "heroku": 3,
    "code": 4, "cycling": 4, "box": 4, "proxy": 4, "notebook": 4, "zeppelin": 4,
    "commands": 5,
    "cli": 6,
}  # fmt: skip

# All else is handed its environment as a mapping.
ENVIRON = {
    "cli": "passes it in",
    "box.line": "finds nsenter and unshare on PATH",
    "box.terminal": "describes the terminal it is attached to",
    "cycling.executor": "runs in a Worker's environment, on the way to an executor's",
    "cycling.parent": "is started by a path of its own, and passes it in",
    "code.boot.tasks": "runs in an executor, where nobody hands it anything",
    "code.monitor": "is loaded by a notebook's kernel",
    "code.kernel": "is loaded by a notebook's kernel",
    "notebook.identity": "is loaded by JupyterLab",
    "code.memo.place": "runs in a user's own driver",
    "code.probe": "runs in an executor, where nobody hands it anything",
    "code.python.sparkspace_daemon": "is started by an executor",
    "code.python.sparkspace_startup": "is run by Python's shell",
    "code.shipped": "is called by a user's program, and passes it in",
    "code.session": "is called by a user's program, and passes it in",
    "code.urls": "is called by a user's program, and passes it in",
}
EXEC = {
    "launch": "becomes Spark",
    "box.shim": "becomes a dyno's command",
    "cycling.executor": "becomes an executor's JVM",
    "proxy.deaf": "becomes nginx",
}


@dataclass(frozen=True)
class Import:
    """One module imports another. Ours are named from the package, ``box.dyno``; others by their full name."""

    importer: str
    imported: str
    ours: bool
    eager: bool  # run when the module is loaded: not in a function, not for the type checker alone


def modules(package: Path) -> dict[str, ast.Module]:
    """Name → syntax tree of every module; a room's ``__init__`` has the room's name, the package's an empty one."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports(package: Path) -> list[Import]:
    """Every import statement of the package, wherever it stands."""
    trees = modules(package)
    rooms = {name.rpartition(".")[0] for name in trees if "." in name}
    found = []
    for name, tree in trees.items():
        home = name if name in rooms or not name else name.rpartition(".")[0]
        for node, eager in statements(tree, True):
            for target in targets(node, home.split(".") if home else [], package.name, trees):
                ours = target.split(".")[0] == package.name
                found.append(Import(name, target.partition(".")[2] if ours else target, ours, eager))
    return found


def statements(node: ast.AST, eager: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import statement below ``node``, and whether it runs at load time."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, eager
            continue
        lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        yield from statements(child, eager and not lazy and not typing)


def targets(
    node: ast.Import | ast.ImportFrom, home: list[str], package: str, trees: dict[str, ast.Module]
) -> Iterator[str]:
    """The full names of the modules that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = [package, *home[: len(home) - node.level + 1]] if node.level else []
    base = ".".join([*above, *filter(None, [node.module])])
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full.partition(".")[2] in trees and full.startswith(f"{package}.") else base


def violations(package: Path) -> list[str]:
    """Imports that go up or sideways, and imports of pyspark outside of ``code``."""
    found = []
    for each in imports(package):
        here, there = each.importer.partition(".")[0], each.imported.partition(".")[0]
        if not each.ours:
            if there == "pyspark" and here != "code":
                found.append(f"{each.importer} imports pyspark")
        elif not each.importer and not each.eager:
            continue  # what the package exports, when it is asked for
        elif here not in LAYERS or there not in LAYERS:
            if there:
                found.append(f"{each.importer} imports {each.imported}: which layer is that?")
        elif here != there and LAYERS[there] >= LAYERS[here]:
            found.append(f"{each.importer} ({LAYERS[here]}) imports {each.imported} ({LAYERS[there]})")
    return found


def cycle(package: Path) -> list[str]:
    """Modules that need each other to be loaded; empty if there are none."""
    graph: dict[str, set[str]] = {}
    for each in imports(package):
        if each.ours and each.eager and each.imported != each.importer:
            graph.setdefault(each.importer, set()).add(each.imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def users_of(package: Path, pattern: str) -> set[str]:
    """The modules that use an attribute of ``os`` that matches."""
    found = set()
    for name, tree in modules(package).items():
        for node in ast.walk(tree):
            attribute = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
            names = [node.attr] if attribute else []
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                names = [alias.name for alias in node.names]
            if any(re.fullmatch(pattern, each) for each in names):
                found.add(name)
    return found


def test_imports_point_down() -> None:
    assert violations(PACKAGE) == []


def test_no_module_needs_itself() -> None:
    assert cycle(PACKAGE) == []


@pytest.mark.parametrize(
    ("importer", "statement", "found"),
    [
        ("topology.py", "from .config import Dyno", []),
        ("commands/up.py", "from ..box import handle\nfrom . import down", []),
        ("box/dyno.py", "from .. import launch\nfrom . import names", []),
        ("box/__init__.py", "from .names import find", []),
        ("code/session.py", "from pyspark.sql import SparkSession", []),
        ("config/settings.py", "from .. import __doc__", []),
        ("errors.py", "from .config import Dyno", ["errors (0) imports config (1)"]),
        ("topology.py", "from .sizing import capacity", ["topology (2) imports sizing (2)"]),
        ("topology.py", "from . import sizing", ["topology (2) imports sizing (2)"]),
        ("cluster/roles.py", "from ..heroku import client", ["cluster.roles (3) imports heroku.client (3)"]),
        ("cluster/roles.py", "from .. import commands", ["cluster.roles (3) imports commands (5)"]),
        ("cluster/roles.py", "import sparkspace.cli", ["cluster.roles (3) imports cli (6)"]),
        ("cluster/roles.py", "from sparkspace.box.names import find", ["cluster.roles (3) imports box.names (4)"]),
        ("cluster/roles.py", "from sparkspace import cli", ["cluster.roles (3) imports cli (6)"]),
        ("cluster/__init__.py", "from ..box import names", ["cluster (3) imports box.names (4)"]),
        ("conf.py", "def late():\n    from .box import names", ["conf (2) imports box.names (4)"]),
        ("conf.py", "if TYPE_CHECKING:\n    from .cli import main", ["conf (2) imports cli (6)"]),
        ("conf.py", "class A:\n    async def b(self):\n        from . import cli", ["conf (2) imports cli (6)"]),
        ("cluster/roles.py", "import pyspark.sql", ["cluster.roles imports pyspark"]),
        ("cluster/roles.py", "def f():\n    from pyspark import x", ["cluster.roles imports pyspark"]),
        ("helpers/text.py", "from ..errors import A", ["helpers.text imports errors: which layer is that?"]),
        ("cli.py", "from .odd import a", ["cli imports odd: which layer is that?"]),
    ],
)
def test_layers_are_told_apart(tmp_path: Path, importer: str, statement: str, found: list[str]) -> None:
    plant(tmp_path, {"odd.py": "", importer: statement})
    assert violations(tmp_path / "sparkspace") == found


@pytest.mark.parametrize(
    ("other", "is_cycle"),
    [
        ("from . import a", True),
        ("from .a import x", True),
        ("try:\n    from .a import x\nexcept ImportError:\n    x = 1", True),
        ("class C:\n    from .a import x", True),
        ("def f():\n    from .a import x", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import x", False),
        ("", False),
    ],
)
def test_cycles_are_found(tmp_path: Path, other: str, is_cycle: bool) -> None:
    plant(tmp_path, {"box/a.py": "from .b import y", "box/b.py": "from . import c", "box/c.py": other})
    assert set(cycle(tmp_path / "sparkspace")) == ({"box.a", "box.b", "box.c"} if is_cycle else set())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import os\nx = os.environ", {"conf"}),
        ("import os\ndef f(): return os.getenv('X')", {"conf"}),
        ("from os import environ", {"conf"}),
        ("env = {}\nx = env.environ", set()),
    ],
)
def test_uses_of_the_environment_are_found(tmp_path: Path, text: str, found: set[str]) -> None:
    plant(tmp_path, {"conf.py": text})
    assert users_of(tmp_path / "sparkspace", "environb?|getenvb?") == found


def plant(folder: Path, files: dict[str, str]) -> None:
    """A package with a module of every room, and these files."""
    rooms = ("box", "cluster", "code", "commands", "config", "heroku", "notebook", "proxy", "zeppelin")
    tree = {f"{room}/__init__.py": "" for room in rooms}
    tree |= {f"{name}.py": "" for name in LAYERS if name not in rooms}
    tree |= {"__init__.py": "", "box/names.py": "", "box/handle.py": "", "commands/down.py": "", "heroku/client.py": ""}
    for name, text in {**tree, **files}.items():
        path = folder / "sparkspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_modules_are_named_after_what_they_hold() -> None:
    empty_words = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    assert [name for name in modules(PACKAGE) if set(name.split(".")) & empty_words] == []


def test_the_environment_is_passed_in() -> None:
    assert users_of(PACKAGE, "environb?|getenvb?|putenv|unsetenv") == set(ENVIRON)


def test_exec_is_in_few_places() -> None:
    assert users_of(PACKAGE, "exec.*|spawn.*|posix_spawnp?|system|popen") == set(EXEC)


def test_no_shell_stands_between() -> None:
    calls = [
        (name, node.lineno)
        for name, tree in modules(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(keyword.arg == "shell" for keyword in node.keywords)
    ]
    assert calls == []


def launchers() -> list[Path]:
    return sorted(path for path in (ROOT / "bin").iterdir() if path.name not in HOOKS)


HOOKS = {"detect", "compile", "release", "report"}  # Heroku's own names, run by its build


def test_launchers_are_one_file() -> None:
    assert {path.name for path in launchers()} == {*cli.LAUNCHERS, "sparkspace"}
    assert len({path.read_bytes() for path in launchers()}) == 1
    assert [path.name for path in launchers() if not os.access(path, os.X_OK) or path.is_symlink()] == []


def test_heroku_s_programs_are_one_file_too() -> None:
    assert len({(ROOT / "bin" / name).read_bytes() for name in HOOKS}) == 1


def test_the_build_needs_little_of_the_product() -> None:
    """It begins before what the launchers import is installed; what compiles templates comes after that."""
    trees = modules(ROOT / "buildpack")
    nodes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = {node.module for node in nodes if not node.level and (node.module or "").startswith("sparkspace")}
    assert ours == {"sparkspace", "sparkspace.archive", "sparkspace.errors", "sparkspace.log", "sparkspace.zeppelin"}


def test_every_command_has_its_module() -> None:
    words = {*cli.LAUNCHERS.values(), *(module for module, _ in cli.COMMANDS.values()), *cli.FAMILIES.values()}
    assert [word for word in words if not (PACKAGE / "commands" / f"{word}.py").is_file()] == []
    assert [word for word in cli.ALIASES.values() if word not in cli.COMMANDS] == []


def process_types() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(re.fullmatch(r"(\S+): (.+)", line).groups() for line in lines)  # type: ignore[union-attr]


def test_procfile_runs_launchers() -> None:
    assert [command for command in process_types().values() if command not in {f"bin/{n}" for n in cli.LAUNCHERS}] == []


def test_process_types_can_be_host_names() -> None:
    assert [name for name in process_types() if not re.fullmatch("[a-z][a-z0-9-]*", name)] == []


def test_app_json_forms_what_the_procfile_has() -> None:
    formation = json.loads((ROOT / "app.json").read_text())["formation"]
    assert set(formation) == set(process_types())
    assert all(sizes.canonical(line["size"]) for line in formation.values())


def test_app_json_sets_vars_that_are_read() -> None:
    assert [var for var in json.loads((ROOT / "app.json").read_text())["env"] if var not in VARS] == []


def document(name: str) -> str:
    path = ROOT / name
    assert path.is_file(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


def test_config_vars_are_documented_and_no_others() -> None:
    rows = re.findall(r"^\|\s*`(\w+)`\s*\|", document("docs/config-vars.md"), re.MULTILINE)
    assert sorted(set(VARS) - set(rows)) == [], "read, but not in the table"
    ours = [var for var in rows if var.startswith("SPARK") or var == "LOG_LEVEL"]
    assert [var for var in ours if var not in VARS] == [], "in the table, but not read"


def code_of(markdown: str) -> str:
    """What stands in code blocks and between backticks."""
    blocks = re.findall(r"^```.*?^```", markdown, re.MULTILINE | re.DOTALL)
    return "\n".join(blocks + re.findall(r"`[^`\n]+`", re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S)))


def test_readme_names_every_launcher_and_command() -> None:
    code = code_of(document("README.md"))
    wanted = [f"bin/{path.name}" for path in launchers()] + list(cli.COMMANDS)
    assert [word for word in wanted if not re.search(rf"(?<![\w:/-]){re.escape(word)}(?![\w:-])", code)] == []


def test_one_place_names_the_version_of_spark() -> None:
    default = json.loads((ROOT / "buildpack" / "versions.json").read_text())["default"]
    places = [ROOT / "pyproject.toml", ROOT / "Procfile", ROOT / "app.json", ROOT / "requirements.txt"]
    for folder in ("bin", "conf-templates", "scripts", "sparkspace"):
        places += [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [str(path.relative_to(ROOT)) for path in places if default in path.read_text(encoding="utf-8")] == []


def test_app_json_builds_in_the_order_that_works() -> None:
    """Java and Python come before what needs them: facts of heroku/jvm and heroku/python, docs/operations.md."""
    names = [buildpack["url"] for buildpack in json.loads((ROOT / "app.json").read_text())["buildpacks"]]
    assert names == ["heroku-community/apt", "heroku/jvm", "heroku/python", "heroku-community/inline"]
    for text in (document("README.md"), document("docs/operations.md")):
        assert [text.find(name) for name in names] == sorted(text.find(name) for name in names)
    java = re.search(r"java.runtime.version=(\d+)", document("system.properties"))
    table = json.loads((ROOT / "buildpack" / "versions.json").read_text())
    line = table["lines"][table["default"]]
    assert java and int(java[1]) in line["java"]
    lowest, python, highest = (
        tuple(map(int, each.split(".")))
        for each in (line["python"][0], document(".python-version").strip(), line["python"][1])
    )
    assert lowest <= python <= highest
