"""Count the words of a text with RDDs, and name the hosts that counted them."""

import argparse
import os
import re
import socket
from collections.abc import Iterable, Iterator
from operator import add
from pathlib import Path

from pyspark import RDD, Accumulator, AccumulatorParam, SparkContext
from pyspark.sql import SparkSession

TEXT = Path(__file__).resolve().parent / "data" / "opticks.txt"
SLICES = 8  # more than one per executor of a small cluster, so that each gets work
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")  # letters of any alphabet; Newton writes "publish'd"


class HostNames(AccumulatorParam[set[str]]):
    """Joins the names that tasks send back: a task that runs twice changes nothing."""

    def zero(self, value: set[str]) -> set[str]:
        return set()

    def addInPlace(self, value1: set[str], value2: set[str]) -> set[str]:
        return value1 | value2


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", nargs="?", help="a Hadoop URI that Spark reads (default: Newton's Opticks)")
    parser.add_argument("--top", type=int, default=20, help="how many words to print (default: %(default)s)")
    return parser.parse_args()


def read_lines(sc: SparkContext, uri: str | None) -> RDD[str]:
    if uri:
        return sc.textFile(uri, SLICES)
    # Only the driver needs the file: an executor may have the app at another path, or not at all.
    return sc.parallelize(TEXT.read_text(encoding="utf-8").splitlines(), SLICES)


def host_name() -> str:
    """An executor inherits SPARK_LOCAL_IP from the Spark worker that started it."""
    return os.environ.get("SPARK_LOCAL_IP") or socket.gethostname()


def count_words(lines: RDD[str], hosts: Accumulator[set[str]]) -> RDD[tuple[str, int]]:
    def split(part: Iterable[str]) -> Iterator[str]:
        hosts.add({host_name()})
        for line in part:
            yield from WORD.findall(line.lower())

    return lines.mapPartitions(split).map(lambda word: (word, 1)).reduceByKey(add)


def print_report(counts: RDD[tuple[str, int]], top: int) -> None:
    # Equal counts go by the alphabet, so that the order never depends on which task ends first.
    for word, count in counts.takeOrdered(top, key=lambda pair: (-pair[1], pair[0])):
        print(f"{count:>8,}  {word}")
    print(f"{counts.values().sum():>8,}  words, {counts.count():,} of them distinct")


def main() -> None:
    args = parse_args()
    spark = SparkSession.builder.appName("word count").getOrCreate()
    sc = spark.sparkContext
    hosts = sc.accumulator(set(), HostNames())
    print_report(count_words(read_lines(sc, args.input), hosts).cache(), args.top)
    print("hosts:", ", ".join(sorted(hosts.value)))
    spark.stop()


if __name__ == "__main__":
    main()
