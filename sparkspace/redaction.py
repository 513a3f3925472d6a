"""Which names and values are nobody's business: one list, for Spark's pages and for ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Spark's default leaves DATABASE_URL, REDIS_URL, HEROKU_API_KEY and others of Heroku's names readable. Spark applies
# it to values too, so a bare "auth" or "cert" would blank harmless settings.
PATTERN = (
    r"(?i)secret|passw|token|access[._-]?key|api[._-]?key|private[._-]?key|client[._-]?cert|basic[._-]?auth|credential"
    r"|(database|redis|kafka|zookeeper|mongo\w*|_db|amqp|postgres\w*)_?(tls_)?url|://[^/\s:@]*:[^/\s@]+@"
)
# About secrets, and not secret.
HARMLESS = ("spark.redaction.regex", "spark.hadoop.fs.s3a.aws.credentials.provider")
PLACEHOLDER = "spark.authenticate.secret=in-the-environment"
MASK = "*********(redacted)"  # as Spark writes it
LEAST_SECRET = 8


def masked(properties: str) -> str:
    """A properties file with the values of all that looks secret masked."""
    return "\n".join(map(_masked_line, properties.split("\n")))


def _masked_line(line: str) -> str:
    key, equals, value = line.partition("=")
    harmless = line.startswith("#") or not equals or key in HARMLESS or line == PLACEHOLDER
    if harmless or not re.search(PATTERN, line):
        return line
    return f"{key}={MASK}"


def secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """The values of all variables whose names look secret, the longest first. Short ones would blank plain words."""
    found = {value for name, value in env.items() if len(value) >= LEAST_SECRET and re.search(PATTERN, name)}
    return tuple(sorted(found, key=len, reverse=True))


def without(line: str, secrets: Iterable[str]) -> str:
    """A line of somebody's log without these secrets, and without the password of any URL."""
    for secret in secrets:
        line = line.replace(secret, MASK)
    return re.sub(r"(://[^/\s:@]*:)[^/\s@]+@", rf"\1{MASK}@", line)
