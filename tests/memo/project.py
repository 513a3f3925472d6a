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
    argv: tuple[str, ...] = ()
    conf: dict[str, str] = field(default_factory=dict)
    spark: str = "4.3.0"


def edit(id: str, file: str, old: str, new: str, says: str = "", **more: object) -> Edit:
    return Edit(id, {file: (old, new)}, says=says, **more)  # type: ignore[arg-type]


CLEAN, KINDS, FLOW = "mylib/clean.py", "mylib/kinds.py", "flow.py"
DYNAMIC = {FLOW: ("    total = thing", "    total = eval('1') + thing")}
RESOURCES = {FLOW: ("    total = thing", "    clean.outer()\n    total = thing")}

USE = "    total = thing"


def used(line: str) -> dict[str, tuple[str, str]]:
    """The module with one more line."""
    return {FLOW: (USE, f"    {line}\n{USE}")}


def new(file: str, text: str) -> dict[str, tuple[str, str]]:
    return {file: ("", text)}


PATCHES, SHAPES, INIT, STAR = "mylib/patches.py", "mylib/shapes.py", "mylib/__init__.py", "mylib/star.py"
PATCHED = {FLOW: ("import thing\n", "import thing\nimport mylib.patches\n")}
MINE = "def mine(*args):\n    return 1\n\n\n"
ALL = "a file of flow,mylib, where all count"
CLEANER = """\
class Cleaner:
    def __init__(self, n):
        self.n = n

    def go(self):
        return self.n


CLEANER = Cleaner(3)
"""

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
    Edit("undeclared-argument", argv=("x",)),
    Edit("conf-about-speed", conf={"spark.sql.shuffle.partitions": "7", "spark.executor.memory": "2g"}),
    edit("package-s-function-replaced-unused", PATCHES, "return 1", "return 2",
         base={**PATCHED, **new(PATCHES, f"import thing\n\n\n{MINE}thing.other = mine\n")}),
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

# Where code is not what its text says, or is found by other ways than its names.
UDF = f"""\
from pyspark.sql import types as T
from pyspark.sql.functions import udf


{MINE}TIMES = udf(mine, T.IntegerType(), useArrow=False)
"""

BY_OTHER_WAYS = [
    edit("global-bound-again", "mylib/consts.py", "OTHER = 8", "OTHER = 8\nLIMIT = 9", "value flow.MOST changed"),
    edit("global-bound-by-a-function", "mylib/consts.py", "+= 1", "+= 2", "value flow.MOST changed",
         base={"mylib/consts.py": ("OTHER = 8\n", "\n\ndef grow():\n    global LIMIT\n    LIMIT += 1\n\n\ngrow()\n")}),
    edit("class-attribute-set-elsewhere", PATCHES, "= 3", "= 4", "helper mylib.kinds.Base changed",
         base={**PATCHED, **new(PATCHES, "from .kinds import Base\n\nBase.step = 3\n")}),
    edit("our-function-replaced-at-import", PATCHES, "return 1", "return 2", "helper mylib.patches.mine changed",
         base={**PATCHED, **new(PATCHES, f"from . import clean\n\n\n{MINE}clean.shorten = mine\n")}),
    edit("package-s-function-replaced", PATCHES, "return 1", "return 2", "helper mylib.patches.mine changed",
         base={**PATCHED, **new(PATCHES, f"import thing\n\n\n{MINE}thing.add = mine\n")}),
    edit("python-s-function-replaced", PATCHES, "return 1", "return 2", "helper mylib.patches.mine changed",
         base={CLEAN: ("import logging\n", "import logging\nfrom . import patches\n"),
               **used("import textwrap\n    textwrap.wrap(1)"), **new(PATCHES, f"import textwrap\n\n\n{MINE}textwrap.wrap = mine\n")}),
    edit("builtin-replaced", PATCHES, "return 1", "return 2", "helper mylib.patches.mine changed",
         base={CLEAN: ("import logging\n", "import logging\nfrom . import patches\n"), **used("ascii(1)"),
               **new(PATCHES, f"import builtins\n\n\n{MINE}builtins.ascii = mine\n")}),
    edit("method-given-to-a-package-s-class", PATCHES, "return 1", "return 2", "helper mylib.patches.mine changed",
         base={CLEAN: ("import logging\n", "import logging\nfrom . import patches\n"), **used("thing.Frame().mine()"),
               "site-packages/thing/__init__.py": ("def add", "class Frame:\n    pass\n\n\ndef add"),
               **new(PATCHES, f"import thing\n\n\n{MINE}thing.Frame.mine = mine\n")}),
    edit("method-given-to-dataframes", PATCHES, "return 1", "return 2", "helper mylib.patches.mine changed",
         base={CLEAN: ("import logging\n", "import logging\nfrom . import patches\n"), **used("spark.range(3).mine()"),
               **new(PATCHES, f"from pyspark.sql import DataFrame\n\n\n{MINE}DataFrame.mine = mine\n")}),
    edit("getattr-of-a-constant", SHAPES, "return 1", "return 2", "helper mylib.shapes.mine changed",
         base={**used("from mylib import shapes\n    getattr(shapes, 'mine')()"), **new(SHAPES, MINE)}),
    edit("import-module", SHAPES, "return 1", "return 2", ALL,
         base={**used("import importlib\n    importlib.import_module('mylib.shapes').mine()"), **new(SHAPES, MINE)}),
    edit("import-module-by-another-name", SHAPES, "return 1", "return 2", ALL,
         base={CLEAN: ("from importlib import resources", "from importlib import resources, import_module as load"),
               **used("clean.load('mylib.shapes')"), **new(SHAPES, MINE)}),
    edit("frame-of-the-caller", SHAPES, "return 1", "return 2", ALL,
         base={**used("import sys\n    sys._getframe(1)"), **new(SHAPES, MINE)}),
    edit("lambda-in-a-dict", "mylib/registry.py", 'lambda t: t.split(",")', 'lambda t: t.split(";")', "helper mylib.registry.<lambda>#2 changed",
         base={"mylib/registry.py": ('{"plain": plain, "fancy": fancy}',
                                     '{"plain": lambda t: t.split(), "fancy": lambda t: t.split(",")}')}),
    edit("partial", CLEAN, "size=3)", "size=4)", "value mylib.clean.LATE changed",
         base={CLEAN: ("def shorten(word, size):\n    return word[:size]\n",
                    "def shorten(word, size):\n    return word[:size]\n\n\nLATE = functools.partial(shorten, size=3)\n")}),
    edit("star-import", STAR, "MOST = 7", "MOST = 8", "value flow.MOST changed",
         base={FLOW: ("from mylib.consts import LIMIT as MOST", "from mylib.star import *"), **new(STAR, "MOST = 7\n")}),
    edit("exported-by-the-package", INIT, "text import squeeze", "deep import deeper", "helper flow.daily changed",
         base={**used("import mylib\n    mylib.tight('a')"), **new(INIT, "from .text import squeeze as tight\n")}),
    edit("exported-by-the-package-lazily", SHAPES, "return 1", "return 2", ALL,
         base={**used("import mylib\n    mylib.tight()"), **new(SHAPES, MINE),
               **new(INIT, "def __getattr__(name):\n    from .shapes import mine\n    return mine\n")}),
    edit("singledispatch", SHAPES, "return x", "return x + 1", "helper mylib.shapes._ changed",
         base={**used("from mylib import shapes\n    shapes.area(1)"),
               **new(SHAPES, "from functools import singledispatch\n\n\n@singledispatch\ndef area(x):\n    return 0\n\n\n"
                             "@area.register\ndef _(x: int):\n    return x\n")}),
    edit("type-of-a-udf", SHAPES, "T.IntegerType()", "T.LongType()", "value mylib.shapes.TIMES changed",
         base={**used("from mylib import shapes\n    shapes.TIMES"),
               **new(SHAPES, UDF)}),
    edit("body-of-a-udf", SHAPES, "return 1", "return 2", "helper mylib.shapes.mine changed",
         base={**used("from mylib import shapes\n    shapes.TIMES"),
               **new(SHAPES, UDF)}),
    edit("context-manager", SHAPES, "yield 1", "yield 2", "helper mylib.shapes.opened changed",
         base={**used("from mylib import shapes\n    shapes.opened()"),
               **new(SHAPES, "import contextlib\n\n\n@contextlib.contextmanager\ndef opened():\n    yield 1\n")}),
    edit("state-of-an-object", SHAPES, "Cleaner(3)", "Cleaner(4)", "value mylib.shapes.CLEANER changed",
         base={**used("from mylib import shapes\n    shapes.CLEANER.go()"), **new(SHAPES, CLEANER)}),
    edit("method-of-an-object", SHAPES, "return self.n", "return -self.n", "helper mylib.shapes.Cleaner.go changed",
         base={**used("from mylib import shapes\n    shapes.CLEANER.go()"), **new(SHAPES, CLEANER)}),
    edit("default-of-a-named-tuple", SHAPES, "x: int = 1", "x: int = 2", "helper mylib.shapes.Pair",
         base={**used("from mylib import shapes\n    shapes.Pair()"),
               **new(SHAPES, "from typing import NamedTuple\n\n\nclass Pair(NamedTuple):\n    x: int = 1\n")}),
    edit("attribute-of-a-function", SHAPES, "mine.most = 1", "mine.most = 2", "helper mylib.shapes.mine changed",
         base={**used("from mylib import shapes\n    shapes.mine()"), **new(SHAPES, f"{MINE}mine.most = 1\n")}),
    edit("decorator-of-a-class", KINDS, "@dataclass\n", "@dataclass(frozen=True)\n", "helper mylib.kinds.Point"),
    edit("made-by-exec", SHAPES, "return 1", "return 2", "helper mylib.shapes.made changed",
         base={**used("from mylib import shapes\n    shapes.made()"), **new(SHAPES, 'exec("def made(): return 1")\n')}),
    edit("nested-function", FLOW, "return x * 7", "return x * 8", "helper flow.daily changed",
         base=used("def inner(x):\n        return x * 7\n    inner(1)")),
    edit("file-beside-the-code", "mylib/table.csv", "a,1", "a,2", "where all count for mylib.clean.WORDS",
         base={CLEAN: ('WORDS = ["a", "b"]', 'import pathlib\nWORDS = [pathlib.Path(__file__).parent / "table.csv"]')}),
    Edit("argument-of-the-program", base=used("import sys\n    len(sys.argv)"), argv=("x",), says="value sys.argv changed"),
    Edit("variable-read-at-import", env={"OTHER_MODE": "x"}, says="value mylib.clean.WORDS changed",
         base={CLEAN: ('WORDS = ["a", "b"]', 'import os\nWORDS = [os.environ.get("OTHER_MODE", "")]')}),
    Edit("conf", conf={"spark.sql.ansi.enabled": "false"}, says="conf spark.sql.ansi.enabled was true, is false"),
    Edit("conf-set", conf={"spark.sql.caseSensitive": "true"}, says="conf spark.sql.caseSensitive was not set, is true"),
    Edit("time-zone", conf={"spark.sql.session.timeZone": "Asia/Tokyo"}, says="conf spark.sql.session.timeZone was UTC"),
    Edit("spark-upgraded", spark="4.4.0", says="Spark 4.3.0 → 4.4.0"),
]  # fmt: skip
MISSES += BY_OTHER_WAYS
