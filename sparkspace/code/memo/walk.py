"""Everything of the project that a function reaches, followed from the live objects: what they are is what will run.

Each function, class and global value becomes a leaf; a leaf's digest has the names that it looks up and, for each, the
name of the leaf it finds there. So the leaves together say the same as the objects do.
"""

from __future__ import annotations

import builtins
import enum
import importlib
import importlib.util
import inspect
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import CodeType, FunctionType, ModuleType
from typing import Any

from . import origin, packages, references, source, suspects, values
from .leaf import Leaf, digest

# Of a class: where it stands, its text, and what Python derives from the rest or fills in as it goes.
_NOT_OF_A_CLASS = frozenset(
    "__dict__ __weakref__ __doc__ __module__ __qualname__ __firstlineno__ __static_attributes__ __annotate__"
    " __annotate_func__ __annotations_cache__ __annotations__ __abstractmethods__ _abc_impl __orig_bases__"
    " __parameters__ __match_args__ __slotnames__ _member_map_ _member_names_ _value2member_map_ _hashable_values_"
    " _unhashable_values_ _unhashable_values_map_ __subclasshook__".split()
)


@dataclass
class Look:
    """What looking at one function, class or value found: ``met`` in the order in which names were given."""

    name: str
    met: list[tuple[Any, str, bool]] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)  # where code does what can't be followed: all of the project counts
    fresh: list[str] = field(default_factory=list)  # where code asks for the time or for chance
    environment: list[str] = field(default_factory=list)  # where code reads environment variables
    modules: set[tuple[int, frozenset[str]]] = field(default_factory=set)


@dataclass(frozen=True)
class Site:
    """Where names are used: by which function of which module, which names in all, and how (``references``)."""

    where: str
    namespace: Mapping[str, Any]
    names: frozenset[str]
    loose: frozenset[str]
    handed_on: frozenset[str] | None  # to whoever may read type hints; None: that can't be told


# Looks of one moment, by name and id of what was looked at: modules share most of what they reach.
Shared = dict[tuple[str, int], Look]


class Walk:
    """All looks that start from one function."""

    def __init__(self, shared: Shared) -> None:
        self.looks: list[Look] = []
        self._shared = shared
        self._look = Look("")
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}
        self._values: set[str] = set()
        self._waiting: deque[tuple[Any, str, Callable[[Any, str], None]]] = deque()

    def start(self, function: FunctionType) -> None:
        """Follow ``function`` to the end."""
        self.name(function)
        while self._waiting:
            thing, name, look = self._waiting.popleft()
            known = self._shared.get((name, id(thing)))
            if known is None or not self._meets(known):
                known = self._look = Look(name)
                look(thing, name)
                self._shared[name, id(thing)] = known
            self.looks.append(known)

    def _meets(self, known: Look) -> bool:
        """Give names as an earlier look did; False if one comes out otherwise here, and so would its leaf."""
        self._look = Look("")
        for thing, name, is_value in known.met:
            if is_value:
                self.value(thing, name)
            elif self.name(thing) != name:
                return False
        return True

    @property
    def leaves(self) -> list[Leaf]:
        """All leaves, each once."""
        return list({leaf[:2]: leaf for look in self.looks for leaf in look.leaves}.values())

    def doubts(self, kind: str) -> list[str]:
        """All of ``whole``, ``fresh`` or ``environment``."""
        return [each for look in self.looks for each in getattr(look, kind)]

    def doubt(self, kind: str, where: str) -> None:
        """Note something that makes the leaves unsure."""
        getattr(self._look, kind).append(where)

    def add(self, kind: str, name: str, content: str, note: str = "") -> None:
        """Note a leaf."""
        self._look.leaves.append(Leaf(kind, name, content, note))

    def name(self, thing: Any) -> str:  # noqa: ANN401
        """The name of a function's or class's leaf. At the first call it is queued to be looked at."""
        name = self._names.get(id(thing))
        if name is None:
            plain = f"{origin.home(thing.__module__ or '')}.{thing.__qualname__}"
            count = self._taken[plain] = self._taken.get(plain, 0) + 1
            name = plain if count == 1 else f"{plain}#{count}"  # two closures of one function, say
            self._names[id(thing)] = name
            self._waiting.append((thing, name, self._class if isinstance(thing, type) else self._function))
        self._look.met.append((thing, name, False))
        return name

    def value(self, thing: Any, name: str) -> str:  # noqa: ANN401
        """The name of a global value's leaf, which is queued likewise."""
        if name not in self._values:
            self._values.add(name)
            self._waiting.append((thing, name, self._value))
        self._look.met.append((thing, name, True))
        return name

    def _value(self, thing: Any, name: str) -> None:  # noqa: ANN401
        self.add("value", name, digest(values.word(self, thing, name)))

    def code(self, thing: FunctionType | type, hands_on: bool = True) -> str:
        """A word for a function or class, wherever it comes from. ``hands_on``: somebody may read its type hints."""
        where = origin.of_class(thing) if isinstance(thing, type) else origin.of_function(thing)
        plain = f"{thing.__module__}.{thing.__qualname__}"
        if isinstance(thing, type) and where != origin.PROJECT:
            return self.installed(thing.__module__, plain)
        if where == origin.PROJECT:
            if hands_on and isinstance(thing, FunctionType):
                self.add("hints", self.name(thing), digest(self._hints(thing)))
            return self.name(thing)
        word = self.installed(str(thing.__globals__.get("__name__")), plain)  # type: ignore[union-attr]
        # A decorator of theirs around something of ours.
        inner = [values.word(self, cell) for cell in _cells(thing)]  # type: ignore[arg-type]
        return f"{word}({','.join(inner)})"

    def installed(self, module: str, name: str) -> str:
        """A word for something of Python's or of a package, whose version becomes a leaf."""
        found = sys.modules.get(module)
        if found is not None and origin.of_module(module, vars(found)) == origin.PACKAGE:
            self._look.leaves += packages.leaves(module)
        return name

    def _function(self, function: FunctionType, name: str) -> None:
        code, namespace = function.__code__, function.__globals__
        uses = references.of(code)
        text = source.find(code, namespace)
        place = origin.place(code.co_filename, code.co_firstlineno)
        looked_up, handed_on = (text.looked_up, text.handed_on) if text else (frozenset(), None)
        site = Site(f"{name} ({place})" if place else name, namespace, uses.names | looked_up, uses.loose, handed_on)
        if suspects.are_dynamic(uses, text, namespace):
            self.doubt("whole", site.where)
        edges = [f"{each}={self._looked_up(each, site)}" for each in sorted(uses.globals)]
        for words, made_by in text.decorators if text else ():
            edges += self._decorator(words, made_by, site)
        edges += [self._imported(each, site) for each in uses.imports]
        edges += [f"cell {key}={values.word(self, value)}" for key, value in _closure(function)]
        given = {"defaults": function.__defaults__, "keywords": function.__kwdefaults__, "own": vars(function)}
        edges += [f"{key}={values.word(self, value)}" for key, value in given.items() if value]
        self.add("code", name, digest(text.digest if text else source.shape(code), *edges), place)

    def _decorator(self, words: str, code: CodeType, site: Site) -> list[str]:
        """What a decorator is made of. Ours are left out: what they are told has leaves of its own."""
        uses = references.of(code)
        if any(_is_ours(site.namespace.get(name)) for name in uses.globals):
            return []
        here = replace(site, names=uses.names, loose=uses.loose, handed_on=None)
        return [f"decorator {words}", *(self._looked_up(name, here) for name in sorted(uses.globals))]

    def _looked_up(self, name: str, site: Site) -> str:
        if name in site.namespace:
            module = origin.home(str(site.namespace.get("__name__", "__main__")))
            return self._global(module, name, site.namespace[name], name, site)
        return f"builtin {name}" if hasattr(builtins, name) else "absent"

    def _global(self, module: str, name: str, found: Any, own: str, site: Site) -> str:  # noqa: ANN401
        """A global ``name`` of a module, which is called ``own`` where it is used."""
        suspects.note(self, found, site.names, site.where)
        if isinstance(found, ModuleType):
            return self._module(found, own in site.loose, site)
        if isinstance(found, FunctionType | type):
            return self.code(found, site.handed_on is None or own in site.handed_on)
        return self.value(found, f"{module}.{name}")

    def _module(self, module: ModuleType, is_loose: bool, site: Site) -> str:
        """What code can have of a module: those of its names that the code has. A module handed on is had whole."""
        name, contents = module.__name__, vars(module)
        if origin.of_module(name, contents) != origin.PROJECT:
            return self.installed(name, name)
        is_compiled = str(contents.get("__file__", "")).endswith(".so")
        if is_loose or is_compiled or "__getattr__" in contents or "__dict__" in site.names:
            self.doubt("whole", site.where)
        wanted = sorted(each for each in site.names if each in contents and each not in suspects.OF_A_MODULE)
        return f"{name}({','.join(f'{each}={self._part(module, each, site)}' for each in wanted)})"

    def _part(self, module: ModuleType, name: str, site: Site) -> str:
        found = vars(module)[name]
        if isinstance(found, ModuleType):
            if (id(found), site.names) in self._look.modules:
                return f"module {found.__name__}"
            self._look.modules.add((id(found), site.names))
        return self._global(origin.home(module.__name__), name, found, name, replace(site, loose=frozenset()))

    def _imported(self, wanted: references.Import, site: Site) -> str:
        """An import in a function: done now, if it is of the project, as the function would."""
        full = "." * wanted.level + wanted.module
        full = importlib.util.resolve_name(full, str(site.namespace.get("__package__") or "")) if wanted.level else full
        top = full.partition(".")[0]
        if top in sys.stdlib_module_names:
            suspects.note_module(self, full, site.names, site.where)
            return full
        if not origin.is_found(top):
            self._look.leaves += packages.leaves(full)  # not loaded for this: that may take seconds
            return full
        try:
            module = importlib.import_module(full)
        except Exception:  # whatever its top level raises
            self.doubt("whole", site.where)
            return full
        if not wanted.names:
            both = {each.__name__: each for each in (sys.modules[top], module)}
            is_loose = bool(site.loose & set(wanted.own))
            return ",".join(self._module(both[each], is_loose, site) for each in sorted(both))
        parts = zip(wanted.names, wanted.own, strict=True)
        return full + ",".join(
            f"{each}={self._global(full, each, getattr(module, each, None), own, site)}" for each, own in parts
        )

    def _class(self, cls: type, name: str) -> None:
        parts = [f"base {self.code(base)}" for base in cls.__bases__ if base is not object]
        if type(cls) is not type:
            parts.append(f"metaclass {self.code(type(cls))}")
        parts.append(f"hints {self._hints(cls)}")
        if issubclass(cls, enum.Enum):
            parts += [f"{key} is {values.word(self, each.value, name)}" for key, each in cls.__members__.items()]
        for key, value in sorted(vars(cls).items()):
            if key not in _NOT_OF_A_CLASS:
                parts.append(f"{key}={values.member(self, cls, value, f'{name}.{key}')}")
        code = next((each.__code__ for each in vars(cls).values() if isinstance(each, FunctionType)), None)
        self.add("code", name, digest(*parts), _place_of_class(cls, code))

    def _hints(self, thing: Any) -> str:  # noqa: ANN401
        try:
            hints = inspect.get_annotations(thing)
        except Exception:  # Python 3.14 evaluates them now, and they may name what is only there for the type checker
            import annotationlib  # type: ignore[import-not-found,unused-ignore]

            hints = annotationlib.get_annotations(thing, format=annotationlib.Format.STRING)
        return ",".join(f"{name}:{self._hint(value)}" for name, value in hints.items())

    def _hint(self, value: object) -> str:
        return self.code(value) if isinstance(value, type) and not hasattr(value, "__args__") else repr(value)


def _is_ours(thing: object) -> bool:
    name = thing.__name__ if isinstance(thing, ModuleType) else str(getattr(thing, "__module__", ""))
    return name.partition(".")[0] == "sparkspace"


def _closure(function: FunctionType) -> list[tuple[str, Any]]:
    found = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # not yet filled
            found.append((name, None))
    return found


def _cells(function: FunctionType) -> list[Any]:
    """What a wrapper wraps: functions, and what can be compared; the wrapper's own machinery belongs to its package."""
    wrapped = [value for _, value in _closure(function) if values.is_code(value)]
    inner = getattr(function, "__wrapped__", None)
    return wrapped + [inner for _ in [0] if inner is not None and all(inner is not each for each in wrapped)]


def _place_of_class(cls: type, code: CodeType | None) -> str:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or (code.co_filename if code else "")
    line = vars(cls).get("__firstlineno__") or (code.co_firstlineno if code and code.co_filename == file else 1)
    return origin.place(file, line)
