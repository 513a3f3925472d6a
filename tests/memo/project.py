"""A small project that uses most of what Python has for helpers, and edits of it, each with what has to come of it."""

# ruff: noqa: E501  # a table is read by its columns

from __future__ import annotations

from dataclasses import dataclass, field

FILES = {
    "flow.py": '''\
"""A module and what it uses."""

import functools
import os

import sparkspace.code.memo as sparkspace
import thing
from mylib import clean, registry
from mylib.consts import LIMIT as MOST
from mylib.kinds import Colour, Point, Sub


@sparkspace.module(inputs=["file://DATA"], env=["MODE"])
def daily(spark, factor=2):
    """Every day."""
    # what it does
    total = thing.add(1, MOST)
    words = [clean.strip(word) for word in registry.TABLE["plain"]("a b")]
    half = functools.partial(clean.shorten, size=3)
    if total > 1 and words:
        total += clean.counted(1) + Sub().go(2) + Point(1).x + clean.LATE(1)
    return spark, half, f"{total:>4}", Colour.RED, os.environ["MODE"], clean.lazily(words)


def unrelated():
    return 1
''',
    "mylib/__init__.py": "",
    "mylib/consts.py": "LIMIT = 7\nOTHER = 8\n",
    "mylib/clean.py": '''\
"""Cleaning."""

import functools
import logging
from importlib import resources

from . import deep
from .text import squeeze

log = logging.getLogger(__name__)
WORDS = ["a", "b"]


def plus(n):
    def decorate(function):
        @functools.wraps(function)
        def inner(x):
            return function(x) + n
        return inner
    return decorate


def adder(n):
    def add(x):
        return x + n
    return add


LATE = adder(5)


def strip(word: str, sep: str = " ") -> str:
    """Strip a word."""
    log.debug("strip")
    return deep.down(squeeze(word), sep) + WORDS[0]


def shorten(word, size):
    return word[:size]


@plus(3)
def counted(x):
    return x * 2


@functools.lru_cache(maxsize=9)
def cached(x):
    return x - 1


def lazily(words):
    from .late import later as now
    import mylib.later_still
    return now(words), [key for key in sorted(words, key=lambda w: w[1:])], mylib.later_still.STILL, cached(1)


def outer():
    return resources.files("mylib").joinpath("table.csv").read_text()
''',
    "mylib/deep.py": """\
def down(word, sep):
    return deeper(word) + sep


def deeper(word):
    return word.upper()
""",
    "mylib/text.py": "def squeeze(word):\n    return word.replace('  ', ' ')\n",
    "mylib/late.py": "def later(words):\n    return len(words)\n",
    "mylib/later_still.py": "STILL = 4\n",
    "mylib/registry.py": """\
def plain(text):
    return text.split()


def fancy(text):
    return text.split(",")


TABLE = {"plain": plain, "fancy": fancy}
ORDERS = []


def register(function):
    ORDERS.append(function)
    return function
""",
    "mylib/kinds.py": '''\
from dataclasses import dataclass
from enum import Enum


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Point:
    x: int
    y: int = 0


class Meta(type):
    def __call__(cls, *args):
        return super().__call__(*args)


class Base(metaclass=Meta):
    step = 1

    def go(self, x):
        """Go."""
        return x + self.step + self.size

    @property
    def size(self):
        return 10

    @staticmethod
    def still():
        return 0


class Sub(Base):
    def stay(self):
        return super().go(1)
''',
    "mylib/table.csv": "a,1\n",
    "site-packages/thing/__init__.py": "def add(a, b):\n    return a + b\n",
    "site-packages/thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\nRequires-Dist: under\n",
    "site-packages/thing-1.0.dist-info/top_level.txt": "thing\n",
    "site-packages/under-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: under\nVersion: 1.0\n",
    "data/a.csv": "1\n",
    "data/b.csv": "2\n",
}


@dataclass(frozen=True)
class Edit:
    """Texts to replace (file → pairs), files to write or (None) remove, and what ``why`` then says; "" for no miss."""

    id: str
    replace: dict[str, tuple[str, str]] = field(default_factory=dict)
    write: dict[str, str | None] = field(default_factory=dict)
    says: str = ""
    base: dict[str, tuple[str, str]] = field(default_factory=dict)  # done to both
    env: dict[str, str] = field(default_factory=dict)
    touch: str = ""


def edit(id: str, file: str, old: str, new: str, says: str = "", **more: object) -> Edit:
    return Edit(id, {file: (old, new)}, says=says, **more)  # type: ignore[arg-type]


CLEAN, KINDS, FLOW = "mylib/clean.py", "mylib/kinds.py", "flow.py"
DYNAMIC = {FLOW: ("    total = thing", "    total = eval('1') + thing")}
RESOURCES = {FLOW: ("    total = thing", "    clean.outer()\n    total = thing")}

NO_MISSES = [
    Edit("nothing"),
    edit("comment", FLOW, "# what it does", "# what it really does"),
    edit("comment-in-helper", CLEAN, "def shorten", "# short\ndef shorten"),
    edit("docstring", FLOW, "Every day.", "Each day."),
    edit("docstring-removed", CLEAN, '    """Strip a word."""\n', ""),
    edit("docstring-of-method", KINDS, '"""Go."""', '"""Going."""'),
    edit("docstring-of-module", CLEAN, '"""Cleaning."""', '"""To clean."""'),
    edit("blank-lines", CLEAN, "def strip", "\n\n\ndef strip"),
    edit("a-line-split", FLOW, "if total > 1 and words:", "if (\n        total > 1\n        and words\n    ):"),
    edit("lines-joined", CLEAN, "    return now(words), [key", "    return now(words), [\n        key"),
    edit("parentheses", "mylib/deep.py", "return word.upper()", "return (word.upper())"),
    edit("quotes", "mylib/text.py", "'  '", '"  "'),
    edit("number-written-otherwise", "mylib/consts.py", "LIMIT = 7", "LIMIT = 0x7"),
    edit("pass", "mylib/deep.py", "    return word.upper()", "    pass\n    return word.upper()"),
    edit("type-hint", CLEAN, "sep: str = ", "sep: 'object' = "),
    edit("type-hint-of-local", "mylib/deep.py", "x: float", "x: int",
         base={"mylib/deep.py": ("return word.upper()", "x: float = 1\n    return word.upper()")}),
    edit("new-unrelated-function", CLEAN, "def shorten", "def other():\n    return 1\n\n\ndef shorten"),
    edit("unrelated-function", FLOW, "return 1\n", "return 2\n"),
    edit("unrelated-constant", "mylib/consts.py", "OTHER = 8", "OTHER = 9"),
    edit("data-file-nobody-reads", "mylib/table.csv", "a,1", "a,2"),
    edit("logger", CLEAN, "getLogger(__name__)", "getLogger('x')"),
    Edit("input-touched", touch="data/a.csv"),
    Edit("input-hidden-file", write={"data/_SUCCESS": ""}),
    Edit("new-module", write={"mylib/new.py": "X = 1\n"}),
    Edit("undeclared-variable", env={"OTHER_MODE": "x"}),
]  # fmt: skip

MISSES = [
    edit("body", FLOW, "total > 1", "total > 2", "helper flow.daily changed (flow.py:13)"),
    edit("default-of-module", FLOW, "factor=2", "factor=3", "helper flow.daily changed"),
    edit("helper", CLEAN, "return word[:size]", "return word[size:]", "helper mylib.clean.shorten changed (mylib/clean.py:"),
    edit("helper-of-helper", "mylib/text.py", "' ')", "'_')", "helper mylib.text.squeeze changed (mylib/text.py:1)"),
    edit("helper-of-helper-of-helper", "mylib/deep.py", "upper", "lower", "helper mylib.deep.deeper changed (mylib/deep.py:5)"),
    edit("default-argument", CLEAN, 'sep: str = " "', 'sep: str = "-"', "helper mylib.clean.strip changed"),
    edit("decorator-argument", CLEAN, "@plus(3)", "@plus(4)", "helper mylib.clean.counted changed"),
    edit("decorator-body", CLEAN, "function(x) + n", "function(x) - n", "mylib.clean.counted changed"),
    edit("decorator-removed", CLEAN, "@plus(3)\n", "", "mylib.clean.counted"),
    edit("decorated-body", CLEAN, "x * 2", "x * 3", "mylib.clean.counted#2 changed"),
    edit("closure-value", CLEAN, "adder(5)", "adder(6)", "helper mylib.clean.adder.<locals>.add changed"),
    edit("closure-body", CLEAN, "return x + n", "return x - n", "helper mylib.clean.adder.<locals>.add changed"),
    edit("cached-function", CLEAN, "return x - 1", "return x - 2", "helper mylib.clean.cached changed"),
    edit("class-attribute", KINDS, "step = 1", "step = 2", "helper mylib.kinds.Base changed"),
    edit("base-class-method", KINDS, "return x + self.step", "return x - self.step", "helper mylib.kinds.Base.go changed"),
    edit("own-method", KINDS, "super().go(1)", "super().go(2)", "helper mylib.kinds.Sub.stay changed"),
    edit("property", KINDS, "return 10", "return 11", "helper mylib.kinds.Base.size changed"),
    edit("static-method", KINDS, "return 0", "return 5", "helper mylib.kinds.Base.still changed"),
    edit("metaclass", KINDS, "super().__call__(*args)", "super().__call__()", "helper mylib.kinds.Meta.__call__ changed"),
    edit("base-class", KINDS, "class Sub(Base)", "class Sub(Meta)", "helper mylib.kinds.Sub changed"),
    edit("method-added", KINDS, "class Sub(Base):\n", "class Sub(Base):\n    def go(self, x):\n        return 1\n\n",
         "helper mylib.kinds.Sub.go is new"),
    edit("dataclass-field", KINDS, "y: int = 0", "y: int = 0\n    z: int = 0", "mylib.kinds.Point"),
    edit("dataclass-default", KINDS, "y: int = 0", "y: int = 1", "mylib.kinds.Point"),
    edit("dataclass-type", KINDS, "y: int = 0", "y: float = 0", "helper mylib.kinds.Point changed"),
    edit("enum-value", KINDS, "RED = 1", "RED = 3", "helper mylib.kinds.Colour changed"),
    edit("lambda", CLEAN, "lambda w: w[1:]", "lambda w: w[2:]", "helper mylib.clean.lazily changed"),
    edit("comprehension", FLOW, 'clean.strip(word) for word in', 'clean.strip(word, "x") for word in', "helper flow.daily changed"),
    edit("constant-by-from", "mylib/consts.py", "LIMIT = 7", "LIMIT = 8", "value flow.MOST changed"),
    edit("constant-type", "mylib/consts.py", "LIMIT = 7", "LIMIT = 7.0", "value flow.MOST changed"),
    edit("another-constant-by-that-name", FLOW, "import LIMIT as MOST", "import OTHER as MOST", "value flow.MOST changed"),
    edit("another-function-by-that-name", CLEAN, "from .text import squeeze", "from .deep import deeper as squeeze",
         "helper mylib.clean.strip changed"),
    edit("functions-swapped", "mylib/registry.py", '{"plain": plain, "fancy": fancy}', '{"plain": fancy, "fancy": plain}',
         "value mylib.registry.TABLE changed"),
    edit("function-in-dict", "mylib/registry.py", 'text.split(",")', 'text.split(";")', "helper mylib.registry.fancy changed"),
    edit("lazy-import", "mylib/late.py", "len(words)", "len(words) + 1", "helper mylib.late.later changed (mylib/late.py:1)"),
    edit("lazy-import-of-constant", "mylib/later_still.py", "STILL = 4", "STILL = 5", "value mylib.later_still.STILL changed"),
    edit("lazy-import-of-another", CLEAN, "import later as now", "import other as now", "mylib.late.other is new",
         base={"mylib/late.py": ("def later", "def other(words):\n    return 0\n\n\ndef later")}),
    edit("global-list", CLEAN, '["a", "b"]', '["c", "b"]', "value mylib.clean.WORDS changed"),
    edit("global-list-appended", CLEAN, "LATE = ", 'WORDS.append("x")\nLATE = ', "value mylib.clean.WORDS changed"),
    edit("list-to-tuple", CLEAN, '["a", "b"]', '("a", "b")', "value mylib.clean.WORDS changed"),
    edit("renamed-local", CLEAN, "return word[:size]", "w = word\n    return w[:size]", "helper mylib.clean.shorten changed"),
    edit("f-string", FLOW, "{total:>4}", "{total:>5}", "helper flow.daily changed"),
    edit("operator", "mylib/deep.py", "deeper(word) + sep", "deeper(word) * sep", "helper mylib.deep.down changed"),
    edit("keyword-of-partial", FLOW, "size=3", "size=4", "helper flow.daily changed"),
    edit("true-for-one", FLOW, "Point(1)", "Point(True)", "helper flow.daily changed"),
    edit("helper-shadowed", FLOW, "def unrelated", "def sorted(x):\n    return x\n\n\ndef unrelated", "helper flow.sorted is new",
         base={FLOW: ("    total = thing", "    sorted([1])\n    total = thing")}),
    Edit("helper-moved", {CLEAN: ("from .text import squeeze", "from .deep import squeeze")},
         {"mylib/text.py": None,
          "mylib/deep.py": FILES["mylib/deep.py"] + "\n\n" + FILES["mylib/text.py"]}, "helper mylib.clean.strip changed"),
    edit("helper-deleted", "mylib/deep.py", "def deeper", "def deepest", "helper mylib.deep.down changed"),
    edit("type-hint-somebody-reads", CLEAN, "word: str", "word: bytes", "a type hint of mylib.clean.strip changed",
         base={FLOW: ("    total = thing", "    half = spark.udf(clean.strip)\n    total = thing")}),
    edit("eval", "mylib/new.py", "X = 1", "X = 2", "a file of flow,mylib, where all count for flow.daily (flow.py:13), changed",
         base={**DYNAMIC, "mylib/new.py": ("", "X = 1\n")}),
    edit("getattr", "mylib/registry.py", "text.split(\",\")", "text.split(\";\")", "a file of flow,mylib, where all count",
         base={FLOW: ("    total = thing", "    getattr(clean, MOST)\n    total = thing")}),
    edit("data-file-by-importlib", "mylib/table.csv", "a,1", "a,2", "a file of flow,mylib, where all count",
         base=RESOURCES),
    edit("module-handed-on", "mylib/consts.py", "OTHER = 8", "OTHER = 9", "a file of flow,mylib, where all count",
         base={FLOW: ("    total = thing", "    registry.plain(clean)\n    total = thing")}),
    Edit("package-upgraded", {"site-packages/thing-1.0.dist-info/METADATA": ("Version: 1.0", "Version: 1.1")},
         says="package thing 1.0 → 1.1"),
    Edit("package-of-package-upgraded", {"site-packages/under-1.0.dist-info/METADATA": ("Version: 1.0", "Version: 2.0")},
         says="package under 1.0 → 2.0"),
    edit("input-changed", "data/a.csv", "1", "3", "input file://DATA changed: other content"),
    Edit("input-more", write={"data/c.csv": "1\n", "data/d.csv": "1\n"}, says="input file://DATA changed: 2 files more"),
    Edit("input-fewer", write={"data/b.csv": None}, says="input file://DATA changed: 1 file fewer"),
    Edit("declared-variable", env={"MODE": "slow"}, says="environment variable MODE changed"),
    edit("version", FLOW, 'env=["MODE"]', 'env=["MODE"], version=2', "version was not set, is 2"),
    edit("input-added", FLOW, 'inputs=["file://DATA"]', 'inputs=["file://DATA", "file://DATA/a.csv"]',
         "input file://DATA/a.csv is new"),
]  # fmt: skip
