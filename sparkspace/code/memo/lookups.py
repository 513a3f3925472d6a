"""What the names that a function uses stand for: globals, parts of modules, imports in its body."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from . import origin, packages, references, suspects
from .look import Site

if TYPE_CHECKING:
    from .walk import Walk


def words(walk: Walk, names: Iterable[str], site: Site) -> list[str]:
    """What each of these names, looked up as a function does, stands for."""
    return [f"{name}={_looked_up(walk, name, site)}" for name in sorted(names)]


def _looked_up(walk: Walk, name: str, site: Site) -> str:
    if name in site.namespace:
        module = origin.home(str(site.namespace.get("__name__", "__main__")))
        return _global(walk, module, name, site.namespace[name], name, site)
    if not hasattr(builtins, name):
        return "absent"
    return f"builtin {name}{attached(walk, builtins, replace(site, names=frozenset([name])))}"


def _global(walk: Walk, module: str, name: str, found: Any, own: str, site: Site) -> str:  # noqa: ANN401
    """A global ``name`` of a module, which is called ``own`` where it is used."""
    suspects.note(walk, found, site.names, site.where)
    if isinstance(found, ModuleType):
        return _module(walk, found, own in site.loose, site)
    if isinstance(found, type):
        return walk.code(found) + attached(walk, found, site)
    if isinstance(found, FunctionType) and _is_of_the_project(found):
        return walk.code(found, site.handed_on is None or own in site.handed_on)
    return walk.value(found, f"{module}.{name}")


def _module(walk: Walk, module: ModuleType, is_loose: bool, site: Site) -> str:
    """What code can have of a module: those of its names that the code has. A module handed on is had whole."""
    name, contents = module.__name__, vars(module)
    if origin.of_module(name, contents) != origin.PROJECT:
        return _foreign(walk, module, site)
    is_compiled = str(contents.get("__file__", "")).endswith(".so")
    if is_loose or is_compiled or "__getattr__" in contents or "__dict__" in site.names:
        walk.doubt("whole", site.where)
    wanted = sorted(each for each in site.names if each in contents and each not in suspects.OF_A_MODULE)
    return f"{name}({','.join(f'{each}={_part(walk, module, each, site)}' for each in wanted)})"


def _foreign(walk: Walk, module: ModuleType, site: Site) -> str:
    if module is sys and "argv" in site.names:
        walk.value(sys.argv, "sys.argv")
    parts = (vars(module).get(each) for each in sorted(site.names))
    holders: list[ModuleType | type] = [module, *(each for each in parts if isinstance(each, type))]
    own = "".join(attached(walk, holder, site) for holder in holders)
    return walk.installed(module.__name__, module.__name__) + own


def attached(walk: Walk, holder: ModuleType | type, site: Site) -> str:
    """What the project has put into somebody else's module or class, of the names that are used here."""
    contents = vars(holder)
    found = [name for name in sorted(site.names) if isinstance(contents.get(name), FunctionType | type)]
    ours = [name for name in found if _is_of_the_project(contents[name])]
    if ours and isinstance(holder, type) and _is_of_the_project(holder):
        return ""  # its own look has them
    return "".join(f",{holder.__name__}.{name}={walk.code(contents[name])}" for name in ours)


def _is_of_the_project(thing: FunctionType | type) -> bool:
    return (origin.of_class(thing) if isinstance(thing, type) else origin.of_function(thing)) == origin.PROJECT


def _part(walk: Walk, module: ModuleType, name: str, site: Site) -> str:
    found = vars(module)[name]
    if isinstance(found, ModuleType) and not walk.enter(found, site.names):
        return f"module {found.__name__}"
    return _global(walk, origin.home(module.__name__), name, found, name, replace(site, loose=frozenset()))


def imported(walk: Walk, wanted: references.Import, site: Site) -> str:
    """An import in a function: done now, if it is of the project, as the function would."""
    full = "." * wanted.level + wanted.module
    full = importlib.util.resolve_name(full, str(site.namespace.get("__package__") or "")) if wanted.level else full
    top = full.partition(".")[0]
    if top in sys.stdlib_module_names:
        suspects.note_module(walk, full, site.names, site.where)
        return _foreign(walk, sys.modules[full], site) if full in sys.modules else full
    if not origin.is_found(top):
        walk.depend(packages.leaves(full))  # not loaded for this: that may take seconds
        return _foreign(walk, sys.modules[full], site) if full in sys.modules else full
    try:
        module = importlib.import_module(full)
    except Exception:  # whatever its top level raises
        walk.doubt("whole", site.where)
        return full
    return _modules(walk, top, module, wanted, site) if not wanted.names else _names(walk, module, wanted, site)


def _modules(walk: Walk, top: str, module: ModuleType, wanted: references.Import, site: Site) -> str:
    both = {each.__name__: each for each in (sys.modules[top], module)}
    is_loose = bool(site.loose & set(wanted.own))
    return ",".join(_module(walk, both[each], is_loose, site) for each in sorted(both))


def _names(walk: Walk, module: ModuleType, wanted: references.Import, site: Site) -> str:
    full = module.__name__
    parts = zip(wanted.names, wanted.own, strict=True)
    return full + ",".join(
        f"{each}={_global(walk, full, each, _had(walk, module, each, site), own, site)}" for each, own in parts
    )


def _had(walk: Walk, module: ModuleType, name: str, site: Site) -> Any:  # noqa: ANN401
    """What ``from module import name`` gives: a submodule is imported by that."""
    if not hasattr(module, name) and hasattr(module, "__path__"):
        try:
            return importlib.import_module(f"{module.__name__}.{name}")
        except Exception:  # there is none, or it raises
            walk.doubt("whole", site.where)
    return getattr(module, name, None)
