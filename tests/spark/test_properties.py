"""Spark's own loader and log4j's own, in one JVM, read every conf file of ``cases/conf`` as it was meant."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from py4j.java_gateway import JavaGateway
from pyspark.java_gateway import launch_gateway

from .. import conf_cases

pytestmark = pytest.mark.spark
REDACTION = json.loads((conf_cases.CASES[0].parent.parent / "redaction.json").read_text(encoding="utf-8"))
each_case = pytest.mark.parametrize("case", conf_cases.CASES, ids=lambda case: case.stem)
each_role = pytest.mark.parametrize("role", conf_cases.ROLES)


@pytest.fixture(scope="module")
def jvm() -> Iterator[Any]:
    """A JVM with Spark's classes, and nothing of Spark started in it."""
    gateway: JavaGateway = launch_gateway(popen_kwargs={"env": {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}})
    yield gateway.jvm
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(30)


def loaded(jvm: Any, path: Path) -> dict[str, str]:  # noqa: ANN401
    """A properties file as Spark reads it."""
    properties = jvm.org.apache.spark.util.Utils.getPropertiesFromFile(str(path))
    return dict(jvm.scala.jdk.javaapi.CollectionConverters.asJava(properties))


def written(folder: Path, case: Path, role: str) -> tuple[conf_cases.Rendered, Path]:
    rendered = conf_cases.render(case, role)
    for name, text in rendered.files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return rendered, folder


@each_case
@each_role
def test_spark_reads_what_is_meant(jvm: Any, tmp_path: Path, case: Path, role: str) -> None:  # noqa: ANN401
    rendered, folder = written(tmp_path, case, role)
    found = loaded(jvm, folder / "spark-defaults.conf")
    assert {key: found.get(key) for key in rendered.expected} == rendered.expected
    assert [key for key in rendered.absent if key in found] == []
    if rendered.whole:
        assert found == rendered.expected
    strangers = [key for key in found if not key.startswith("spark.")]
    assert strangers == [], "Spark warns of properties that are not its own, and drops them"


@each_case
@each_role
def test_log4j_logs_at_the_level_that_is_meant(jvm: Any, tmp_path: Path, case: Path, role: str) -> None:  # noqa: ANN401
    rendered, folder = written(tmp_path, case, role)
    log4j = jvm.org.apache.logging.log4j.core
    source = log4j.config.ConfigurationSource(jvm.java.io.FileInputStream(str(folder / "log4j2.properties")))
    context = log4j.LoggerContext("test")
    configuration = log4j.config.properties.PropertiesConfigurationFactory().getConfiguration(context, source)
    configuration.initialize()
    levels = {
        name: configuration.getLoggerConfig(name).getLevel().name() for name in ("", "org.apache.spark.repl.Main")
    }
    assert levels == {"": rendered.level, "org.apache.spark.repl.Main": "WARN"}
    assert list(configuration.getRootLogger().getAppenders()) == ["stderr"]
    assert configuration.getAppender("stderr").getTarget().name() == "SYSTEM_ERR"
    assert "%ex" in configuration.getAppender("stderr").getLayout().getConversionPattern()


def test_java_redacts_what_we_do(jvm: Any, tmp_path: Path) -> None:  # noqa: ANN401
    _, folder = written(tmp_path, conf_cases.CASES[0].with_name("nothing-set.json"), "driver")
    regex = loaded(jvm, folder / "spark-defaults.conf")["spark.redaction.regex"]
    pattern = jvm.java.util.regex.Pattern.compile(regex)
    assert [text for text in REDACTION["secret"] if not pattern.matcher(text).find()] == []
    assert [text for text in REDACTION["harmless"] if pattern.matcher(text).find()] == []
