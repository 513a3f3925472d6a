"""One short job on the Spark that is installed without some families touches as much of Spark as it can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import pruned, touch

pytestmark = pytest.mark.spark

JOB = Path(touch.__file__)
# zstd is the codec of event logs, and lz4 that of a shuffle, if nothing else is said.
CONF = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.ansi.enabled": "true",
    "spark.ui.enabled": "false",
}
FOUND = {
    "joins": [[None, 2], ["blue", None], ["red", 4]],
    "windows": ["Bob", "Cy"],
    "formats": {f"{format} {codec}": 6 for format, codecs in touch.CODECS.items() for codec in codecs},
    "table": [sum(n * n for n in (0, 2, 4, 6, 8, 10)), "MANAGED"],
    "rdd": [["a", 1], ["b", 3], ["c", 1]],
    "udf": 12,
    "estimator": [3.0, 1.0],
    "stream": [["a", 2], ["b", 1], ["a", 2 + 4], ["b", 1 + 2], True],
    "natives": {
        "zstd": True,
        "lz4": "LZ4Factory:JNI",
        "snappy": 32 + 6 + 6 // 6,
        "openssl": True,
        "epoll": True,
        "leveldb": "1.8",
        "crypto": True,
    },
}


def test_a_job_that_touches_much(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.mkdir()
    conf = [f"--conf={name}={value}" for name, value in {**CONF, "spark.eventLog.dir": events.as_uri()}.items()]
    done = pruned.run("bin/spark-submit", "--master", "local[2]", *conf, JOB, folder=tmp_path)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {name: what for each in found for name, what in each.items()} == FOUND
    [log] = events.iterdir()
    assert log.suffix == ".zstd" and log.read_bytes()[:4] == b"\x28\xb5\x2f\xfd", log
