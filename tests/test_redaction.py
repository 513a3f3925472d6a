"""Which names and values are masked, on Spark's pages and in ``sparkspace conf``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sparkspace import redaction

CASES = json.loads((Path(__file__).parent / "cases" / "redaction.json").read_text())


@pytest.mark.parametrize("text", CASES["secret"])
def test_secret_is_found(text: str) -> None:
    assert re.search(redaction.PATTERN, text)


@pytest.mark.parametrize("text", CASES["harmless"])
def test_harmless_is_left(text: str) -> None:
    assert not re.search(redaction.PATTERN, text)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("spark.ssl.keyPassword=abc", f"spark.ssl.keyPassword={redaction.MASK}"),
        ("spark.executorEnv.DATABASE_URL=postgres://u:p@h/d", f"spark.executorEnv.DATABASE_URL={redaction.MASK}"),
        ("spark.my.url=https://u:p@h/", f"spark.my.url={redaction.MASK}"),
        ("spark.my.token=a=b", f"spark.my.token={redaction.MASK}"),
        ("spark.my.token=", f"spark.my.token={redaction.MASK}"),
        ("spark.authenticate.secret=chosen-by-the-operator", f"spark.authenticate.secret={redaction.MASK}"),
        ("spark.authenticate.secret=in-the-environment", "spark.authenticate.secret=in-the-environment"),
        ("spark.authenticate=true", "spark.authenticate=true"),
        ("spark.redaction.regex=(?i)secret", "spark.redaction.regex=(?i)secret"),
        ("# a secret in a comment=x", "# a secret in a comment=x"),
        ("spark.app.name=x", "spark.app.name=x"),
        ("no secret here", "no secret here"),
        ("", ""),
    ],
)
def test_line_of_a_properties_file(line: str, shown: str) -> None:
    assert redaction.masked(f"a=1\n{line}\n") == f"a=1\n{shown}\n"
