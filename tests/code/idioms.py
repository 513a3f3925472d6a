"""Idioms of Python projects, each with an edit: what a line gives before, and what it has to give after.

``PKG`` stands for the project's package, a name of its own for each idiom. ``everywhere(job)`` is the shell's: what a
job gives on the driver and on both executors, which has to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Idiom:
    """``ask`` gives ``gives`` before the edit, and ``then`` after; ``files`` and ``edit``: path → text (None: it goes).

    ``places``: the folders to import from.
    """

    name: str
    files: Mapping[str, str]
    begin: str
    ask: str
    gives: Any
    edit: Mapping[str, str | None]
    then: Any
    places: tuple[str, ...] = ("",)


IDIOMS = [
    Idiom(
        "lazy_import",
        {
            "PKG/__init__.py": """
                def f(x):
                    from PKG.low import g
                    import PKG.low as low

                    return g(x) + low.VALUE
                """,
            "PKG/low.py": """
                VALUE = 1


                def g(x):
                    return x * 10
                """,
        },
        begin="import PKG",
        ask="everywhere(lambda: PKG.f(1))",
        gives=11,
        edit={
            "PKG/low.py": """
                VALUE = 2


                def g(x):
                    return x * 20
                """,
        },
        then=22,
    ),
    Idiom(
        "import_in_the_lambda",
        {
            "PKG/__init__.py": "",
            "PKG/deep.py": "def f(x): return x + 1\n",
        },
        begin="""
            def job():
                import PKG.deep

                return PKG.deep.f(1)
            """,
        ask="everywhere(job)",
        gives=2,
        edit={
            "PKG/deep.py": "def f(x): return x + 2\n",
        },
        then=3,
    ),
    Idiom(
        "relative",
        {
            "PKG/__init__.py": "from .a import f\n",
            "PKG/a.py": """
                from . import b
                from .sub.c import three


                def f():
                    from .sub import c
                    from . import b as again

                    return b.two() + three() + c.FOUR + again.two()
                """,
            "PKG/b.py": "def two(): return 2\n",
            "PKG/sub/__init__.py": "",
            "PKG/sub/c.py": """
                from ..b import two

                FOUR = 4


                def three():
                    return two() + 1
                """,
        },
        begin="from PKG import f",
        ask="everywhere(lambda: f())",
        gives=11,
        edit={
            "PKG/b.py": "def two(): return 20\n",
        },
        then=65,
    ),
    Idiom(
        "circular",
        {
            "PKG/__init__.py": "",
            "PKG/a.py": """
                import PKG.b

                BASE = 1


                class A:
                    def other(self):
                        return PKG.b.B()

                    def value(self):
                        return BASE
                """,
            "PKG/b.py": """
                import PKG.a


                class B:
                    def value(self):
                        return PKG.a.A().value() * 100
                """,
        },
        begin="from PKG.a import A",
        ask="everywhere(lambda: A().other().value())",
        gives=100,
        edit={
            "PKG/a.py": """
                import PKG.b

                BASE = 5


                class A:
                    def other(self):
                        return PKG.b.B()

                    def value(self):
                        return BASE
                """,
        },
        then=500,
    ),
    Idiom(
        "cache",
        {
            "PKG.py": """
                from functools import cache, lru_cache


                @lru_cache(maxsize=4)
                def f(x):
                    return x + 1


                @cache
                def g(x):
                    return x + 10
                """,
        },
        begin="from PKG import f, g",
        ask="everywhere(lambda: (f(1), g(1)))",
        gives=(2, 11),
        edit={
            "PKG.py": """
                from functools import cache, lru_cache


                @lru_cache(maxsize=4)
                def f(x):
                    return x + 2


                @cache
                def g(x):
                    return x + 20
                """,
        },
        then=(3, 21),
    ),
    Idiom(
        "resources",
        {
            "PKG/__init__.py": """
                import importlib.resources


                def text():
                    return (importlib.resources.files("PKG") / "data" / "a.txt").read_text()
                """,
            "PKG/data/a.txt": "one",
        },
        begin="import PKG",
        ask="everywhere(lambda: PKG.text())",
        gives="one",
        edit={
            "PKG/data/a.txt": "two",
        },
        then="two",
    ),
    Idiom(
        "data_beside_the_file",
        {
            "PKG/__init__.py": """
                import json, os

                TABLE = json.load(open(os.path.join(os.path.dirname(__file__), "table.json")))
                """,
            "PKG/table.json": '{"a": 1}',
        },
        begin="from PKG import TABLE",
        ask="everywhere(lambda: TABLE['a'])",
        gives=1,
        edit={
            "PKG/table.json": '{"a": 2}',
        },
        then=2,
    ),
    Idiom(
        "dataclass",
        {
            "PKG.py": """
                from dataclasses import dataclass


                @dataclass(frozen=True)
                class P:
                    x: int

                    def twice(self):
                        return self.x * 2
                """,
        },
        begin="""
            import PKG
            from PKG import P

            p = P(3)
            """,
        ask="""
            [
                everywhere(lambda: p.twice()),
                p == P(3),
                sc.parallelize([0, 1], 2).map(lambda x: P(x)).collect() == [P(0), P(1)],
                isinstance(p, PKG.P),
            ]
            """,
        gives=[6, True, True, True],
        edit={
            "PKG.py": """
                from dataclasses import dataclass


                @dataclass(frozen=True)
                class P:
                    x: int
                    y: int = 7

                    def twice(self):
                        return self.x * 20 + self.y
                """,
        },
        then=[67, True, True, True],
    ),
    Idiom(
        "enumeration",
        {
            "PKG.py": """
                from enum import Enum, IntFlag


                class Color(Enum):
                    RED = 1
                    BLUE = 2


                class Flag(IntFlag):
                    A = 1
                    B = 2


                DEFAULT = Color.RED
                """,
        },
        begin="""
            import PKG
            from PKG import Color, Flag

            red, held = Color.RED, [Color.BLUE]
            """,
        ask="""
            [
                all(
                    c is Color.RED for c in sc.parallelize([0, 1], 2).map(lambda x: Color.RED).collect()
                ),
                all(
                    sc.parallelize([red] * 2, 2)
                    .map(lambda c: c is Color.RED and c is PKG.DEFAULT)
                    .collect()
                ),
                all(sc.parallelize([0, 1], 2).map(lambda x: held[0] is Color.BLUE).collect()),
                held[0] is Color.BLUE,
                red is PKG.Color.RED,
                everywhere(lambda: [c.name for c in Color]),
                everywhere(lambda: (Flag.A | Flag.B).value),
            ]
            """,
        gives=[True, True, True, True, True, ["RED", "BLUE"], 3],
        edit={
            "PKG.py": """
                from enum import Enum, IntFlag


                class Color(Enum):
                    RED = 1
                    BLUE = 2
                    GREEN = 3


                class Flag(IntFlag):
                    A = 1
                    B = 4


                DEFAULT = Color.RED
                """,
        },
        then=[True, True, True, True, True, ["RED", "BLUE", "GREEN"], 5],
    ),
    Idiom(
        "isinstance_on_cached",
        {
            "PKG.py": """
                class C:
                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x
                """,
        },
        begin="""
            from PKG import C

            kept = sc.parallelize([1, 2], 2).map(C).cache()
            kept.count()
            made = sc.parallelize([C(1), C(2)], 2).cache()
            made.count()
            """,
        ask="[r.map(lambda c: (isinstance(c, C), c.get())).collect() for r in (kept, made)]",
        gives=[[(True, 1), (True, 2)], [(True, 1), (True, 2)]],
        edit={
            "PKG.py": """
                class C:
                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x * 10
                """,
        },
        then=[[(True, 10), (True, 20)], [(True, 10), (True, 20)]],
    ),
    Idiom(
        "isinstance_on_broadcast",
        {
            "PKG.py": """
                class C:
                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x
                """,
        },
        begin="""
            from PKG import C

            b = sc.broadcast({"c": C(1), "kind": C})
            """,
        ask="everywhere(lambda: (isinstance(b.value['c'], C), b.value['kind'] is C, b.value['c'].get()))",
        gives=(True, True, 1),
        edit={
            "PKG.py": """
                class C:
                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x * 10
                """,
        },
        then=(True, True, 10),
    ),
    Idiom(
        "super",
        {
            "PKG/__init__.py": """
                from .low import A, B


                class C(A, B):
                    def who(self):
                        return "C" + super().who()
                """,
            "PKG/low.py": """
                class Base:
                    def who(self):
                        return "."


                class A(Base):
                    def who(self):
                        return "A" + super().who()


                class B(Base):
                    def who(self):
                        return "B" + super().who()
                """,
        },
        begin="""
            from PKG import C

            c = C()
            """,
        ask="""
            [
                everywhere(lambda: C().who()),
                everywhere(lambda: c.who()),
                everywhere(lambda: [k.__name__ for k in C.__mro__][:4]),
            ]
            """,
        gives=["CAB.", "CAB.", ["C", "A", "B", "Base"]],
        edit={
            "PKG/low.py": """
                class Base:
                    def who(self):
                        return "!"


                class A(Base):
                    def who(self):
                        return "a" + super().who()


                class B(Base):
                    def who(self):
                        return "b" + super().who()
                """,
        },
        then=["Cab!", "Cab!", ["C", "A", "B", "Base"]],
    ),
    Idiom(
        "metaclass",
        {
            "PKG.py": """
                class Meta(type):
                    def __new__(m, name, bases, body):
                        body["tag"] = 1
                        return super().__new__(m, name, bases, body)

                    def hello(cls):
                        return cls.__name__ + "1"


                class A(metaclass=Meta):
                    pass


                class B(A):
                    pass
                """,
        },
        begin="""
            from PKG import B, Meta

            b = B()
            """,
        ask="everywhere(lambda: (B.tag, B.hello(), type(B) is Meta, b.tag, isinstance(b, B)))",
        gives=(1, "B1", True, 1, True),
        edit={
            "PKG.py": """
                class Meta(type):
                    def __new__(m, name, bases, body):
                        body["tag"] = 2
                        return super().__new__(m, name, bases, body)

                    def hello(cls):
                        return cls.__name__ + "2"


                class A(metaclass=Meta):
                    pass


                class B(A):
                    pass
                """,
        },
        then=(2, "B2", True, 2, True),
    ),
    Idiom(
        "slots",
        {
            "PKG.py": """
                class S:
                    __slots__ = ("x",)

                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x
                """,
        },
        begin="""
            from PKG import S

            s = S(1)
            """,
        ask="everywhere(lambda: (s.get(), S(2).get(), isinstance(s, S)))",
        gives=(1, 2, True),
        edit={
            "PKG.py": """
                class S:
                    __slots__ = ("x",)

                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x * 10
                """,
        },
        then=(10, 20, True),
    ),
    Idiom(
        "named_tuple",
        {
            "PKG.py": """
                from typing import NamedTuple
                from collections import namedtuple


                class N(NamedTuple):
                    a: int

                    def twice(self):
                        return self.a * 2


                M = namedtuple("M", "x")
                """,
        },
        begin="""
            from PKG import N, M

            n, m = N(1), M(1)
            """,
        ask="""
            [
                everywhere(lambda: (n.twice(), isinstance(n, N), isinstance(m, M))),
                sc.parallelize([0, 1], 2).map(lambda x: N(x)).collect() == [N(0), N(1)],
                all(isinstance(x, N) for x in sc.parallelize([0, 1], 2).map(lambda x: N(x)).collect()),
            ]
            """,
        gives=[(2, True, True), True, True],
        edit={
            "PKG.py": """
                from typing import NamedTuple
                from collections import namedtuple


                class N(NamedTuple):
                    a: int

                    def twice(self):
                        return self.a * 20


                M = namedtuple("M", "x")
                """,
        },
        then=[(20, True, True), True, True],
    ),
    Idiom(
        "singledispatch",
        {
            "PKG/__init__.py": """
                from functools import singledispatch


                @singledispatch
                def show(x):
                    return "any"
                """,
            "PKG/kinds.py": """
                from . import show


                @show.register
                def _(x: int):
                    return "int"
                """,
        },
        begin="""
            import PKG.kinds
            from PKG import show
            """,
        ask="everywhere(lambda: (PKG.kinds and [show(1), show('a')]))",
        gives=["int", "any"],
        edit={
            "PKG/kinds.py": """
                from . import show


                @show.register
                def _(x: int):
                    return "INT"


                @show.register
                def _(x: str):
                    return "str"
                """,
        },
        then=["INT", "str"],
    ),
    Idiom(
        "namespace_package",
        {
            "one/PKG/a.py": "def f(): return 1\n",
            "two/PKG/b.py": """
                from PKG.a import f


                def g():
                    return f() + 1
                """,
        },
        begin="import PKG.a, PKG.b",
        ask="everywhere(lambda: (PKG.a.f(), PKG.b.g()))",
        gives=(1, 2),
        edit={
            "one/PKG/a.py": "def f(): return 10\n",
        },
        then=(10, 11),
        places=("one", "two"),
    ),
    Idiom(
        "closure",
        {
            "PKG.py": """
                def make_adder(n):
                    def add(x):
                        return x + n

                    return add
                """,
        },
        begin="""
            from PKG import make_adder

            add = make_adder(3)
            """,
        ask="everywhere(lambda: add(1))",
        gives=4,
        edit={
            "PKG.py": """
                LIMIT = 100


                def make_adder(n):
                    def add(x):
                        return x + n + LIMIT

                    return add
                """,
        },
        then=104,
    ),
    Idiom(
        "closure_passed_itself",
        {
            "PKG.py": """
                SCALE = 2


                def make(n):
                    return lambda x: x * n * SCALE
                """,
        },
        begin="""
            from PKG import make

            times = make(3)
            rdd = sc.parallelize([1, 2], 2)
            """,
        ask="rdd.map(times).collect() + [times(1)]",
        gives=[6, 12, 6],
        edit={
            "PKG.py": """
                SCALE = 10


                def make(n):
                    return lambda x: x * n * SCALE
                """,
        },
        then=[30, 60, 30],
    ),
    Idiom(
        "lambdas_in_a_dict",
        {
            "PKG.py": "OPS = {'inc': lambda x: x + 1, 'dec': lambda x: x - 1}\n",
        },
        begin="""
            from PKG import OPS

            inc = OPS["inc"]
            """,
        ask="[everywhere(lambda: OPS['inc'](1)), sc.parallelize([1, 2], 2).map(OPS['dec']).collect()]",
        gives=[2, [0, 1]],
        edit={
            "PKG.py": "OPS = {'inc': lambda x: x + 10, 'dec': lambda x: x - 10}\n",
        },
        then=[11, [-9, -8]],
    ),
    Idiom(
        "generators",
        {
            "PKG.py": """
                def each(part):
                    for x in part:
                        yield x + 1
                """,
        },
        begin="""
            from PKG import each

            rdd = sc.parallelize([1, 2], 2)
            lazy = rdd.mapPartitions(each)
            """,
        ask="[rdd.mapPartitions(each).collect(), lazy.collect()]",
        gives=[[2, 3], [2, 3]],
        edit={
            "PKG.py": """
                def each(part):
                    for x in part:
                        yield x + 10
                """,
        },
        then=[[11, 12], [11, 12]],
    ),
    Idiom(
        "module_state",
        {
            "PKG.py": """
                COUNT = 0
                STEP = 1


                def tick():
                    global COUNT
                    COUNT += STEP
                    return COUNT
                """,
        },
        begin="import PKG",
        ask="""
            everywhere(
                lambda: (
                    PKG.tick(),
                    PKG.tick(),
                    [PKG.tick() for _ in range(3)][0] > 0,
                    setattr(PKG, "COUNT", 0),
                )
            )
            """,
        gives=(1, 2, True, None),
        edit={
            "PKG.py": """
                COUNT = 0
                STEP = 5


                def tick():
                    global COUNT
                    COUNT += STEP
                    return COUNT
                """,
        },
        then=(5, 10, True, None),
    ),
    Idiom(
        "main_subclass",
        {
            "PKG.py": """
                class Base:
                    def who(self):
                        return "base1"

                    def both(self):
                        return self.who() + self.mine()
                """,
        },
        begin="""
            import PKG


            class Mine(PKG.Base):
                def mine(self):
                    return "-mine"


            mine = Mine()
            """,
        ask="everywhere(lambda: (mine.both(), Mine().both(), isinstance(mine, PKG.Base)))",
        gives=("base1-mine", "base1-mine", True),
        edit={
            "PKG.py": """
                class Base:
                    def who(self):
                        return "base2"

                    def both(self):
                        return self.who() + self.mine()
                """,
        },
        then=("base2-mine", "base2-mine", True),
    ),
    Idiom(
        "udf",
        {
            "PKG.py": "def f(x): return x + 1\n",
        },
        begin="""
            from PKG import f
            import PKG
            from pyspark.sql.functions import udf

            u, v = udf(f, "int"), udf(lambda x: PKG.f(x), "int")
            frame = spark.range(0, 2, 1, 2).select(u("id").alias("a"), v("id").alias("b"))
            """,
        ask="""
            [
                [tuple(r) for r in spark.range(0, 2, 1, 2).select(u("id"), v("id")).collect()],
                spark.range(0, 2, 1, 2).filter(u("id") > 5).count(),
            ]
            """,
        gives=[[(1, 1), (2, 2)], 0],
        edit={
            "PKG.py": "def f(x): return x + 10\n",
        },
        then=[[(10, 10), (11, 11)], 2],
    ),
    Idiom(
        "udf_of_the_project",
        {
            "PKG.py": """
                from pyspark.sql.functions import udf


                @udf("int")
                def f(x):
                    return x + 1
                """,
        },
        begin="""
            import PKG
            from PKG import f
            """,
        ask="[tuple(r) for r in spark.range(0, 2, 1, 2).select(f('id'), PKG.f('id')).collect()]",
        gives=[(1, 1), (2, 2)],
        edit={
            "PKG.py": """
                from pyspark.sql.functions import udf


                @udf("int")
                def f(x):
                    return x + 10
                """,
        },
        then=[(10, 10), (11, 11)],
    ),
    Idiom(
        "pandas_scalar",
        {
            "PKG.py": "def f(s): return s + 1\n",
        },
        begin="""
            import pandas as pd
            import PKG
            from pyspark.sql.functions import pandas_udf


            @pandas_udf("long")
            def u(s: pd.Series) -> pd.Series:
                return PKG.f(s)
            """,
        ask="[r[0] for r in spark.range(0, 2, 1, 2).select(u('id')).collect()]",
        gives=[1, 2],
        edit={
            "PKG.py": "def f(s): return s + 10\n",
        },
        then=[10, 11],
    ),
    Idiom(
        "pandas_iterator_with_state",
        {
            "PKG.py": """
                class Model:
                    def __init__(self):
                        self.k = 1

                    def predict(self, s):
                        return s + self.k


                model = None


                def get():
                    global model
                    model = model or Model()
                    return model
                """,
        },
        begin="""
            import pandas as pd
            import PKG
            from collections.abc import Iterator
            from pyspark.sql.functions import pandas_udf


            @pandas_udf("long")
            def u(parts: Iterator[pd.Series]) -> Iterator[pd.Series]:
                m = PKG.get()
                for s in parts:
                    yield m.predict(s)
            """,
        ask="[r[0] for r in spark.range(0, 2, 1, 2).select(u('id')).collect()]",
        gives=[1, 2],
        edit={
            "PKG.py": """
                class Model:
                    def __init__(self):
                        self.k = 10

                    def predict(self, s):
                        return s + self.k


                model = None


                def get():
                    global model
                    model = model or Model()
                    return model
                """,
        },
        then=[10, 11],
    ),
    Idiom(
        "pandas_grouped_agg",
        {
            "PKG.py": "def f(s): return float(s.sum())\n",
        },
        begin="""
            import pandas as pd
            import PKG
            from pyspark.sql.functions import pandas_udf


            @pandas_udf("double")
            def u(s: pd.Series) -> float:
                return PKG.f(s)
            """,
        ask="spark.range(0, 2, 1, 2).agg(u('id')).collect()[0][0]",
        gives=1.0,
        edit={
            "PKG.py": "def f(s): return float(s.sum()) + 10\n",
        },
        then=11.0,
    ),
    Idiom(
        "apply_in_pandas",
        {
            "PKG.py": "def f(frame): return frame.assign(v=frame.id + 1)\n",
        },
        begin="import PKG",
        ask="""
            sorted(
                r.v
                for r in spark.range(0, 2, 1, 2)
                .groupBy("id")
                .applyInPandas(PKG.f, "id long, v long")
                .collect()
            )
            """,
        gives=[1, 2],
        edit={
            "PKG.py": "def f(frame): return frame.assign(v=frame.id + 10)\n",
        },
        then=[10, 11],
    ),
    Idiom(
        "map_in_pandas_and_arrow",
        {
            "PKG.py": """
                import pyarrow as pa


                def f(frames):
                    for frame in frames:
                        yield frame + 1


                def g(batches):
                    for batch in batches:
                        yield pa.RecordBatch.from_pylist(
                            [{"id": r["id"] + 1} for r in batch.to_pylist()]
                        )
                """,
        },
        begin="""
            import PKG
            from PKG import f, g
            """,
        ask="""
            [
                [r.id for r in spark.range(0, 2, 1, 2).mapInPandas(f, "id long").collect()],
                [r.id for r in spark.range(0, 2, 1, 2).mapInArrow(g, "id long").collect()],
            ]
            """,
        gives=[[1, 2], [1, 2]],
        edit={
            "PKG.py": """
                import pyarrow as pa


                def f(frames):
                    for frame in frames:
                        yield frame + 10


                def g(batches):
                    for batch in batches:
                        yield pa.RecordBatch.from_pylist(
                            [{"id": r["id"] + 10} for r in batch.to_pylist()]
                        )
                """,
        },
        then=[[10, 11], [10, 11]],
    ),
    Idiom(
        "udtf",
        {
            "PKG.py": """
                class T:
                    def eval(self, n: int):
                        for i in range(n):
                            yield (i + 1,)
                """,
        },
        begin="""
            from PKG import T
            from pyspark.sql.functions import udtf, lit

            t = udtf(T, returnType="x: int")
            spark.udtf.register("PKG_t", t)
            """,
        ask="[[r.x for r in t(lit(2)).collect()], [r.x for r in spark.sql('SELECT * FROM PKG_t(2)').collect()]]",
        gives=[[1, 2], [1, 2]],
        edit={
            "PKG.py": """
                class T:
                    def eval(self, n: int):
                        for i in range(n):
                            yield (i + 10,)
                """,
        },
        then=[[10, 11], [10, 11]],
    ),
    Idiom(
        "sql_function",
        {
            "PKG.py": """
                def f(x):
                    return x + 1


                class K:
                    @staticmethod
                    def g(x):
                        return x + 2
                """,
        },
        begin="""
            import PKG
            from pyspark.sql.functions import udf

            spark.udf.register("PKG_f", PKG.f, "int")
            spark.udf.register("PKG_l", lambda x: PKG.f(x), "int")
            spark.udf.register("PKG_u", udf(PKG.K.g, "int"))
            spark.sql(
                "CREATE OR REPLACE TEMP VIEW PKG_v AS SELECT PKG_f(id) AS x FROM range(0, 2, 1, 2)"
            )
            """,
        ask="""
            [
                [r[0] for r in spark.sql(f"SELECT PKG_{k}(id) FROM range(0, 2, 1, 2)").collect()]
                for k in "flu"
            ] + [[r[0] for r in spark.table("PKG_v").collect()]]
            """,
        gives=[[1, 2], [1, 2], [2, 3], [1, 2]],
        edit={
            "PKG.py": """
                def f(x):
                    return x + 10


                class K:
                    @staticmethod
                    def g(x):
                        return x + 20
                """,
        },
        then=[[10, 11], [10, 11], [20, 21], [10, 11]],
    ),
    Idiom(
        "accumulator",
        {
            "PKG.py": """
                from pyspark import AccumulatorParam


                class Vector(AccumulatorParam):
                    def zero(self, v):
                        return [0, 0]

                    def addInPlace(self, a, b):
                        return [a[0] + b[0], a[1] + b[1]]


                def each(x):
                    return [x, 1]
                """,
        },
        begin="""
            import PKG
            from PKG import Vector
            """,
        ask="""
            (
                globals().update(acc=sc.accumulator([0, 0], Vector())),
                sc.parallelize([1, 2], 2).foreach(lambda x: acc.add(PKG.each(x))),
                acc.value,
            )[2]
            """,
        gives=[3, 2],
        edit={
            "PKG.py": """
                from pyspark import AccumulatorParam


                class Vector(AccumulatorParam):
                    def zero(self, v):
                        return [0, 0]

                    def addInPlace(self, a, b):
                        return [a[0] + b[0], a[1] + b[1]]


                def each(x):
                    return [x, 10]
                """,
        },
        then=[3, 20],
    ),
    Idiom(
        "decorator",
        {
            "PKG/__init__.py": """
                from .deco import twice


                @twice
                def f(x):
                    return x + 1
                """,
            "PKG/deco.py": """
                import functools


                def twice(f):
                    @functools.wraps(f)
                    def inner(x):
                        return f(x) * 2

                    return inner
                """,
        },
        begin="""
            from PKG import f
            import PKG

            rdd = sc.parallelize([1, 2], 2)
            """,
        ask="""
            [
                everywhere(lambda: (f(1), PKG.f(1), f.__wrapped__(1))),
                rdd.map(f).collect(),
                rdd.map(f.__wrapped__).collect(),
            ]
            """,
        gives=[(4, 4, 2), [4, 6], [2, 3]],
        edit={
            "PKG/deco.py": """
                import functools


                def twice(f):
                    @functools.wraps(f)
                    def inner(x):
                        return f(x) * 20

                    return inner
                """,
        },
        then=[(40, 40, 2), [40, 60], [2, 3]],
    ),
    Idiom(
        "partial",
        {
            "PKG.py": "def f(a, x): return a + x\n",
        },
        begin="""
            import functools
            from PKG import f

            p = functools.partial(f, 100)
            rdd = sc.parallelize([1, 2], 2)
            """,
        ask="[everywhere(lambda: p(1)), rdd.map(p).collect()]",
        gives=[101, [101, 102]],
        edit={
            "PKG.py": "def f(a, x): return a * x\n",
        },
        then=[100, [100, 200]],
    ),
    Idiom(
        "methods",
        {
            "PKG.py": """
                class C:
                    K = 1

                    def __init__(self, x):
                        self.x = x

                    def add(self, y):
                        return self.x + y

                    @staticmethod
                    def static(x):
                        return x + 1

                    @classmethod
                    def made(cls, x):
                        return cls(x + cls.K)

                    @property
                    def prop(self):
                        return self.x
                """,
        },
        begin="""
            from PKG import C

            c = C(100)
            bound, static, made = c.add, C.static, C.made
            rdd = sc.parallelize([1, 2], 2)
            """,
        ask="""
            [
                rdd.map(bound).collect(),
                rdd.map(static).collect(),
                rdd.map(made).map(lambda c: c.prop).collect(),
                everywhere(lambda: (bound(1), static(1), made(1).prop, c.prop)),
            ]
            """,
        gives=[[101, 102], [2, 3], [2, 3], (101, 2, 2, 100)],
        edit={
            "PKG.py": """
                class C:
                    K = 10

                    def __init__(self, x):
                        self.x = x

                    def add(self, y):
                        return self.x * y

                    @staticmethod
                    def static(x):
                        return x + 10

                    @classmethod
                    def made(cls, x):
                        return cls(x + cls.K)

                    @property
                    def prop(self):
                        return self.x + 7
                """,
        },
        then=[[100, 200], [11, 12], [18, 19], (100, 11, 18, 107)],
    ),
    Idiom(
        "star",
        {
            "PKG/__init__.py": "from .low import *\n",
            "PKG/low.py": """
                __all__ = ["f", "LIMIT"]
                LIMIT = 1


                def f(x):
                    return x + LIMIT
                """,
        },
        begin="from PKG import *",
        ask="everywhere(lambda: (f(1), LIMIT))",
        gives=(2, 1),
        edit={
            "PKG/low.py": """
                __all__ = ["f", "LIMIT"]
                LIMIT = 10


                def f(x):
                    return x + LIMIT
                """,
        },
        then=(11, 10),
    ),
    Idiom(
        "import_as",
        {
            "PKG/__init__.py": "",
            "PKG/low.py": """
                LIMIT = 1


                def f(x):
                    return x + LIMIT
                """,
        },
        begin="""
            import PKG.low as m
            from PKG.low import f as g, LIMIT as most
            from PKG import low
            """,
        ask="everywhere(lambda: (m.f(1), g(1), most, m.LIMIT, low.LIMIT))",
        gives=(2, 2, 1, 1, 1),
        edit={
            "PKG/low.py": """
                LIMIT = 10


                def f(x):
                    return x + LIMIT
                """,
        },
        then=(11, 11, 10, 10, 10),
    ),
    Idiom(
        "constants_of_another_module",
        {
            "PKG/__init__.py": "",
            "PKG/conf.py": """
                LIMIT = 1
                NAMES = ["a"]
                """,
            "PKG/use.py": """
                from .conf import LIMIT, NAMES

                TWICE = LIMIT * 2


                def f():
                    return (LIMIT, TWICE, NAMES)
                """,
        },
        begin="from PKG.use import f",
        ask="everywhere(lambda: f())",
        gives=(1, 2, ["a"]),
        edit={
            "PKG/conf.py": """
                LIMIT = 10
                NAMES = ["b"]
                """,
        },
        then=(10, 20, ["b"]),
    ),
    Idiom(
        "typing",
        {
            "PKG.py": """
                from typing import Generic, Protocol, TypedDict, TypeVar, runtime_checkable

                T = TypeVar("T")


                class D(TypedDict):
                    a: int


                @runtime_checkable
                class P(Protocol):
                    def go(self) -> int: ...


                class Box(Generic[T]):
                    def __init__(self, x: T) -> None:
                        self.x = x

                    def go(self) -> int:
                        return self.x + 1


                class IntBox(Box[int]):
                    pass
                """,
        },
        begin="""
            from PKG import D, P, Box, IntBox

            box = Box[int](1)
            """,
        ask="""
            everywhere(
                lambda: (
                    D(a=1),
                    sorted(D.__annotations__),
                    isinstance(box, P),
                    isinstance(box, Box),
                    IntBox(1).go(),
                    box.go(),
                )
            )
            """,
        gives=({"a": 1}, ["a"], True, True, 2, 2),
        edit={
            "PKG.py": """
                from typing import Generic, Protocol, TypedDict, TypeVar, runtime_checkable

                T = TypeVar("T")


                class D(TypedDict):
                    a: int
                    b: int


                @runtime_checkable
                class P(Protocol):
                    def go(self) -> int: ...


                class Box(Generic[T]):
                    def __init__(self, x: T) -> None:
                        self.x = x

                    def go(self) -> int:
                        return self.x + 10


                class IntBox(Box[int]):
                    pass
                """,
        },
        then=({"a": 1}, ["a", "b"], True, True, 11, 11),
    ),
    Idiom(
        "user_defined_type",
        {
            "PKG.py": """
                from pyspark.sql.types import UserDefinedType, LongType


                class UDT(UserDefinedType):
                    @classmethod
                    def sqlType(cls):
                        return LongType()

                    @classmethod
                    def module(cls):
                        return "PKG"

                    def serialize(self, o):
                        return o.x

                    def deserialize(self, d):
                        return Point(d)


                class Point:
                    __UDT__ = UDT()

                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x + 1
                """,
        },
        begin="""
            import PKG
            from PKG import Point, UDT
            from pyspark.sql.functions import udf
            from pyspark.sql.types import StructType, StructField

            def frame():
                return spark.createDataFrame(
                [(Point(0),), (Point(1),)], StructType([StructField("p", UDT())])
            )
            """,
        ask="""
            [
                [r[0] for r in frame().select(udf(lambda p: p.get(), "long")("p")).collect()],
                [type(r.p) is Point and r.p.get() for r in frame().collect()],
                [
                    r.p.get()
                    for r in frame().select(
                        udf(lambda p: Point(p.x + 1), UDT())("p").alias("p")
                    ).collect()
                ],
            ]
            """,
        gives=[[1, 2], [1, 2], [2, 3]],
        edit={
            "PKG.py": """
                from pyspark.sql.types import UserDefinedType, LongType


                class UDT(UserDefinedType):
                    @classmethod
                    def sqlType(cls):
                        return LongType()

                    @classmethod
                    def module(cls):
                        return "PKG"

                    def serialize(self, o):
                        return o.x

                    def deserialize(self, d):
                        return Point(d)


                class Point:
                    __UDT__ = UDT()

                    def __init__(self, x):
                        self.x = x

                    def get(self):
                        return self.x + 10
                """,
        },
        then=[[10, 11], [10, 11], [11, 12]],
    ),
    Idiom(
        "renamed_module",
        {
            "PKG/__init__.py": "from .old import f\n",
            "PKG/old.py": "def f(): return 'old'\n",
        },
        begin="""
            import PKG
            from PKG import f
            """,
        ask="everywhere(lambda: (PKG.f(), f()))",
        gives=("old", "old"),
        edit={
            "PKG/__init__.py": "from .new import f\n",
            "PKG/old.py": None,
            "PKG/new.py": "def f(): return 'new'\n",
        },
        then=("new", "new"),
    ),
    Idiom(
        "init_of_a_package",
        {
            "PKG/__init__.py": """
                import logging

                log = logging.getLogger(__name__)
                VERSION = 1
                from .low import f
                """,
            "PKG/low.py": """
                import PKG


                def f():
                    return PKG.VERSION
                """,
        },
        begin="""
            from PKG import f, VERSION
            import PKG
            """,
        ask="everywhere(lambda: (f(), VERSION, PKG.VERSION, PKG.log.name))",
        gives=(1, 1, 1, "idiom_init_of_a_package"),
        edit={
            "PKG/__init__.py": """
                import logging

                log = logging.getLogger(__name__)
                VERSION = 2
                from .low import f
                """,
        },
        then=(2, 2, 2, "idiom_init_of_a_package"),
    ),
    Idiom(
        "same_size_at_once",
        {
            "PKG.py": "VALUE = 1\n",
        },
        begin="import PKG",
        ask="everywhere(lambda: PKG.VALUE)",
        gives=1,
        edit={
            "PKG.py": "VALUE = 2\n",
        },
        then=2,
    ),
    Idiom(
        "function_to_class",
        {
            "PKG.py": "def make(x): return ('function', x)\n",
        },
        begin="""
            import PKG
            from PKG import make
            """,
        ask="everywhere(lambda: repr(make(1)))",
        gives="('function', 1)",
        edit={
            "PKG.py": """
                class make:
                    def __init__(self, x):
                        self.x = x

                    def __repr__(self):
                        return f"class {self.x}"
                """,
        },
        then="class 1",
    ),
    Idiom(
        "new_function_and_module",
        {
            "PKG/__init__.py": "def f(): return 1\n",
        },
        begin="import PKG",
        ask="everywhere(lambda: PKG.f())",
        gives=1,
        edit={
            "PKG/__init__.py": """
                from .extra import more


                def f():
                    return 1 + more()
                """,
            "PKG/extra.py": "def more(): return 10\n",
        },
        then=11,
    ),
    Idiom(
        "plugin_by_name",
        {
            "PKG/__init__.py": """
                import importlib


                def load(name):
                    return importlib.import_module("PKG.plugins." + name).VALUE
                """,
            "PKG/plugins/__init__.py": "",
            "PKG/plugins/a.py": "VALUE = 1\n",
        },
        begin="import PKG",
        ask="everywhere(lambda: PKG.load('a'))",
        gives=1,
        edit={
            "PKG/plugins/a.py": "VALUE = 2\n",
        },
        then=2,
    ),
    Idiom(
        "thread_local_and_lock",
        {
            "PKG.py": """
                import threading

                LOCK = threading.Lock()
                LOCAL = threading.local()


                def f(x):
                    with LOCK:
                        LOCAL.x = x
                        return LOCAL.x + 1
                """,
        },
        begin="from PKG import f",
        ask="everywhere(lambda: f(1))",
        gives=2,
        edit={
            "PKG.py": """
                import threading

                LOCK = threading.Lock()
                LOCAL = threading.local()


                def f(x):
                    with LOCK:
                        LOCAL.x = x
                        return LOCAL.x + 10
                """,
        },
        then=11,
    ),
    Idiom(
        "default_arguments",
        {
            "PKG.py": "def f(x, k=1, *, m=1): return x * k * m\n",
        },
        begin="""
            from PKG import f

            rdd = sc.parallelize([1, 2], 2)
            kept = rdd.map(f)
            """,
        ask="[everywhere(lambda: f(3)), kept.collect()]",
        gives=[3, [1, 2]],
        edit={
            "PKG.py": "def f(x, k=2, *, m=5): return x * k * m\n",
        },
        then=[30, [10, 20]],
    ),
    Idiom(
        "inner_class",
        {
            "PKG.py": """
                class Out:
                    class In:
                        def get(self):
                            return 1

                    def make(self):
                        return Out.In()
                """,
        },
        begin="""
            from PKG import Out

            o, i = Out(), Out.In()
            """,
        ask="everywhere(lambda: (o.make().get(), i.get(), Out.In().get(), isinstance(i, Out.In)))",
        gives=(1, 1, 1, True),
        edit={
            "PKG.py": """
                class Out:
                    class In:
                        def get(self):
                            return 2

                    def make(self):
                        return Out.In()
                """,
        },
        then=(2, 2, 2, True),
    ),
    Idiom(
        "abstract_class",
        {
            "PKG/__init__.py": """
                from .shapes import Shape


                class Square(Shape):
                    def __init__(self, a):
                        self.a = a

                    def area(self):
                        return self.a**2
                """,
            "PKG/shapes.py": """
                from abc import ABC, abstractmethod


                class Shape(ABC):
                    @abstractmethod
                    def area(self): ...
                    def twice(self):
                        return self.area() * 2
                """,
        },
        begin="""
            from PKG import Square

            s = Square(2)
            """,
        ask="everywhere(lambda: (s.twice(), Square(1).twice()))",
        gives=(8, 2),
        edit={
            "PKG/shapes.py": """
                from abc import ABC, abstractmethod


                class Shape(ABC):
                    @abstractmethod
                    def area(self): ...
                    def twice(self):
                        return self.area() * 20
                """,
        },
        then=(80, 20),
    ),
    Idiom(
        "cached_property_and_descriptor",
        {
            "PKG.py": """
                from functools import cached_property


                class Field:
                    def __get__(self, o, kind=None):
                        return 1


                class C:
                    f = Field()

                    @cached_property
                    def slow(self):
                        return 1
                """,
        },
        begin="from PKG import C",
        ask="everywhere(lambda: (C().f, C().slow))",
        gives=(1, 1),
        edit={
            "PKG.py": """
                from functools import cached_property


                class Field:
                    def __get__(self, o, kind=None):
                        return 2


                class C:
                    f = Field()

                    @cached_property
                    def slow(self):
                        return 2
                """,
        },
        then=(2, 2),
    ),
    Idiom(
        "future_annotations_and_logger",
        {
            "PKG.py": """
                from __future__ import annotations
                import logging, re

                LOG = logging.getLogger(__name__)
                WORD = re.compile("a+")


                def f(x: Missing) -> Gone:
                    LOG.debug("x")
                    return len(WORD.findall(x))
                """,
        },
        begin="from PKG import f",
        ask="everywhere(lambda: f('aab'))",
        gives=1,
        edit={
            "PKG.py": """
                from __future__ import annotations
                import logging, re

                LOG = logging.getLogger(__name__)
                WORD = re.compile("a")


                def f(x: Missing) -> Gone:
                    LOG.debug("x")
                    return len(WORD.findall(x))
                """,
        },
        then=2,
    ),
]
