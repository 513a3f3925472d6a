"""A flow of three modules on a disk, which tests edit and load again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from sparkspace.code import memo
from sparkspace.code.memo import decide, place
from sparkspace.code.memo.store import Store

FLOW = """\
import sparkspace.code.memo as sparkspace
from pyspark.sql import functions as F
from tidy import clean


@sparkspace.module(inputs=["DATA"])
def raw(spark):
    return spark.read.csv("DATA", header=True, schema="word string, n int")


@sparkspace.module
def tidied(spark, raw):
    return raw.withColumn("word", clean(F.col("word")))


@sparkspace.module
def counted(tidied):
    return tidied.groupBy("word").agg(F.sum("n").alias("n"))
"""
TIDY = """\
from pyspark.sql import functions as F


def clean(column):
    return F.upper(strip(column))


def strip(column):
    return F.trim(column)
"""


class Project:
    """A flow of three modules, its helper and its data, which tests edit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "a.csv").write_text("word,n\n ape,1\nbee ,2\nape,4\n")
        self.write("tidy.py", TIDY)
        self.write("flow.py", FLOW.replace("DATA", self.data.as_uri()))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self) -> Any:  # noqa: ANN401
        """The flow, imported anew with what it needs: what hot deploy does, or the next process."""
        for name in ("flow", "tidy"):
            sys.modules.pop(name, None)
        return __import__("flow")

    @property
    def store(self) -> Store:
        return place.find(decide.session())

    def runs(self) -> dict[str, int]:
        """Name → how many results were ever written."""
        manifests = [path for path in self.store.folder.files() if path.endswith(".json")]
        names = [path.partition("/")[0].rpartition(".")[2] for path in manifests]
        return {name: names.count(name) for name in names}


def rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, frame.collect()))


def states(plan: memo.Plan) -> list[str]:
    return [step.state for step in plan]
