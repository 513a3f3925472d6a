"""Score how easy each part of Newton's Opticks is to read, with a Python UDF that uses a module of ours.

The score is Flesch's reading ease: near 100 for a child's book, near 0 for a contract.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from pyspark import RDD, SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from syllables import count_syllables

HERE = Path(__file__).resolve().parent
SLICES = 8  # more than one per executor of a small cluster, so that each gets work

PART_HEADING = re.compile(r"(FIRST|SECOND|THIRD) BOOK\s+OF\s+OPTICKS\s+_PART ([IV]+)\._")
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
SENTENCE_END = re.compile(r"[.?!](?=\W+[A-Z]|\W*$)")  # a capital must follow: "in Fig. 3." ends nothing
COUNTS = ("words", "sentences", "syllables")
MIN_WORDS = 10  # a shorter block is a heading, a caption or a row of a table


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", nargs="?", help="a Hadoop URI of another text, read by Spark as one file")
    return parser.parse_args()


def read_texts(sc: SparkContext, uri: str | None) -> RDD[str]:
    if uri:
        return sc.wholeTextFiles(uri).values()
    # Only the driver needs the file: an executor may have the app at another path, or not at all.
    return sc.parallelize([(HERE / "data" / "opticks.txt").read_text(encoding="utf-8")], 1)


def split_parts(text: str) -> Iterator[tuple[str, str]]:
    opening, *rest = PART_HEADING.split(text)
    yield "Opening", opening
    for book, part, body in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        yield f"{book.capitalize()} Book, Part {part}", body


def split_blocks(text: str) -> Iterator[tuple[int, str, str]]:
    for number, (part, body) in enumerate(split_parts(text)):
        for block in re.split(r"\n\s*\n", body):
            if len(WORD.findall(block)) >= MIN_WORDS:
                yield number, part, block


def measure(block: str) -> tuple[int, int, int]:
    words = WORD.findall(block)
    sentences = len(SENTENCE_END.findall(block.replace("_", "")))
    return len(words), max(1, sentences), sum(map(count_syllables, words))


def score(blocks: DataFrame) -> DataFrame:
    # No Arrow, so that neither the driver nor the Spark workers need pyarrow.
    measure_udf = F.udf(measure, ", ".join(f"{name} INT" for name in COUNTS), useArrow=False)
    sizes = blocks.select("number", "part", measure_udf("block").alias("size"))
    totals = sizes.groupBy("number", "part").agg(*(F.sum(f"size.{name}").alias(name) for name in COUNTS))
    ease = F.expr("206.835D - 1.015D * words / sentences - 84.6D * syllables / words")
    return totals.withColumn("reading_ease", F.round(ease, 1)).orderBy("number").drop("number")


def main() -> None:
    args = parse_args()
    spark = SparkSession.builder.appName("readability").getOrCreate()
    sc = spark.sparkContext
    # The driver finds the module beside this script. Executors have no such folder: send it to them.
    sc.addPyFile(str(HERE / "syllables.py"))
    blocks = read_texts(sc, args.input).flatMap(split_blocks).repartition(SLICES)
    score(spark.createDataFrame(blocks, "number INT, part STRING, block STRING")).show(truncate=False)
    spark.stop()


if __name__ == "__main__":
    main()
