"""Which of the modules that are imported here are the user's own, and from which folders they come."""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

# Never the user's, wherever they are: what runs the code, and what Spark's executors have of their own.
NOT_THE_USERS = frozenset({"sparkspace", "pyspark", "py4j", "IPython", "ipykernel", "__main__", "__mp_main__"})
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Root:
    """A folder to import from, and the top-level packages and modules below it that are the user's."""

    path: Path
    units: frozenset[str]


def find(modules: Mapping[str, ModuleType], extra: Iterable[str] = ()) -> tuple[Root, ...]:
    """The roots of all the user's modules among ``modules`` (``sys.modules``), and of whatever these import lazily.

    ``extra`` are names of packages or modules to take besides, where they can be found. What is installed (standard
    library, site-packages) is nobody's own: executors have it, or need it installed. An editable install is.
    """
    places: dict[str, set[Path]] = {}
    for name, module in list(modules.items()):
        top = name.partition(".")[0]
        if top == name and top not in NOT_THE_USERS:
            places.setdefault(top, set()).update(folders(module))
    wanted = [name for name in extra if name not in places] + [name for name, found in places.items() if found]
    _follow(places, wanted)
    by_folder: dict[Path, set[str]] = {}
    for name, found in places.items():
        for folder in found:
            by_folder.setdefault(folder, set()).add(name)
    places_of = {os.path.realpath(entry): place for place, entry in reversed(list(enumerate(sys.path)))}
    ordered = sorted(by_folder.items(), key=lambda item: (places_of.get(str(item[0]), len(sys.path)), item[0]))
    return tuple(Root(path, frozenset(units)) for path, units in ordered)


def folders(module: ModuleType) -> Iterator[Path]:
    """Where a top-level module of the user's comes from: the folders that hold its file or its package."""
    yield from _folders(getattr(module, "__file__", None), getattr(module, "__path__", None))


def _folders(file: str | None, search: Iterable[str] | None) -> Iterator[Path]:
    """``search`` is a package's ``__path__``: a namespace package has no file, and may have several folders."""
    homes = [Path(entry).parent for entry in search] if search is not None else [Path(file).parent] if file else []
    for home in homes:
        if is_the_users(str(home)):
            yield home.resolve()


@functools.lru_cache(maxsize=4096)
def is_the_users(folder: str) -> bool:
    """Whether what lies in ``folder`` was written here, and not installed."""
    path = os.path.realpath(folder)
    if not os.path.isdir(path) or any(part in _INSTALLED for part in Path(path).parts):
        return False
    return not any(path == place or path.startswith(place + os.sep) for place in _installations())


@functools.lru_cache(maxsize=1)
def _installations() -> tuple[str, ...]:
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    spark = importlib.util.find_spec("pyspark")
    if spark and spark.origin:
        paths.append(os.path.dirname(spark.origin))
    return tuple({os.path.realpath(path) for path in paths if path})


def _follow(places: dict[str, set[Path]], wanted: list[str]) -> None:
    """Add to ``places`` what the sources of ``wanted`` import, also where that has not happened yet, and so on."""
    done = set()
    while wanted:
        name = wanted.pop()
        if name in done:
            continue
        done.add(name)
        if not places.get(name):
            places[name] = set(located(name))
        for folder in places[name]:
            wanted += [found for found in imported_below(folder, name) if found not in done]


def located(name: str) -> Iterator[Path]:
    """Where a top-level package or module would be imported from, if it is the user's. Nothing is imported."""
    if name in sys.stdlib_module_names or name in NOT_THE_USERS:
        return
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec:
        yield from _folders(spec.origin, spec.submodule_search_locations)


def imported_below(folder: Path, unit: str) -> Iterator[str]:
    """The top-level names that the sources of a package or module import, wherever in them."""
    for path in sources(folder, unit):
        try:
            state = os.stat(path)
        except OSError:
            continue
        yield from _imported(path, state.st_mtime_ns, state.st_size)


def sources(folder: Path, unit: str) -> Iterator[str]:
    """The Python files of a package or module."""
    package = folder / unit
    if not (package / "__init__.py").is_file():
        yield str(folder / f"{unit}.py")  # a folder beside it has its data, say
    for here, below, files in os.walk(package):
        below[:] = [name for name in below if name.isidentifier() and name != "__pycache__"]
        yield from (os.path.join(here, name) for name in files if name.endswith(".py"))


@functools.lru_cache(maxsize=65536)
def _imported(path: str, mtime_ns: int, size: int) -> frozenset[str]:
    try:
        with open(path, "rb") as file:
            return imported(ast.parse(file.read()))
    except (OSError, SyntaxError, ValueError):
        return frozenset()  # whoever imports it is told


def imported(tree: ast.AST) -> frozenset[str]:
    """The top-level names of all absolute imports of a syntax tree, standard library aside."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found) - sys.stdlib_module_names


def outermost(file: Path) -> Path:
    """The folder from which ``file`` would be imported: above its outermost package."""
    folder = file.resolve().parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def project(start: Path) -> Path | None:
    """The source root of the project that ``start`` lies in: beside its ``pyproject.toml``, in ``src/`` if there."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "src" if (folder / "src").is_dir() else folder
    return None


def packages(source_root: Path) -> Iterator[str]:
    """The packages and modules that lie in a ``src/`` folder: all of it is the project."""
    with os.scandir(source_root) as entries:
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            is_package = entry.is_dir() and entry.name.isidentifier() and entry.name != "__pycache__"
            if is_package or (suffix == ".py" and stem.isidentifier()):
                yield stem
