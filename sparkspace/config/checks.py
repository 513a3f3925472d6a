"""Reading one config var each: its value, checked, or a ``ConfigError`` that says what would do."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import ConfigError

LOG_LEVELS = ("ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF")
# Spark refuses a JVM that reports under 450 MiB (UnifiedMemoryManager), and a JVM reports less than its -Xmx.
LEAST_MEMORY_MB = 512
SHORTEST_SECRET = 16
# Sizes of an ensemble of ZooKeepers. A majority has to agree to each change: of 3 one may be away, of 4 still only one.
ENSEMBLES = {"": 0, "0": 0, "3": 3, "5": 5, "7": 7}
APP_NAME = r"[a-z][a-z0-9-]{1,28}[a-z0-9]"


def text(env: Mapping[str, str], var: str) -> str:
    """An unset var and an empty one are the same: Heroku's dashboard can't tell them apart."""
    return env.get(var, "").strip()


def memory_mb(env: Mapping[str, str], var: str, example: str) -> int | None:
    """A size with its unit, in MB (binary); None: not set."""
    found = text(env, var)
    if not found:
        return None
    match = re.fullmatch(r"(\d{1,12})\s*([mgt])b?", found, re.IGNORECASE)
    if not match:
        raise ConfigError(var, "must be a size with its unit, like 512m or 12g", found, example)
    mb = int(match[1]) * {"m": 1, "g": 1024, "t": 1024 * 1024}[match[2].lower()]
    if mb < LEAST_MEMORY_MB:
        raise ConfigError(var, f"must be at least {LEAST_MEMORY_MB}m, the least that Spark starts with", found, example)
    return mb


def whole(env: Mapping[str, str], var: str, default: int, least: int, most: int) -> int:
    """A whole number."""
    found = text(env, var)
    if not found:
        return default
    # isascii: int() takes '٣', and a very long number of digits would be an error of its own
    if not (found.isascii() and found.isdigit() and len(found) < 10 and least <= int(found) <= most):
        raise ConfigError(var, f"must be a whole number from {least} to {most}", found, str(default))
    return int(found)


def url(env: Mapping[str, str], var: str, example: str) -> str:
    """An ``http://`` or ``https://`` URL; empty: not set."""
    found = text(env, var)
    if found and not is_web_url(found):
        raise ConfigError(var, "must be an http:// or https:// URL with a host name", found, example)
    return found


def is_web_url(text: str) -> bool:
    """Whether this is a URL with a host name, without a query."""
    if re.search(r"[\s\x00-\x1f\"'\\<>]", text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:  # a port that is no number, a half of an IPv6 address
        return False


def reverse_proxy_url(env: Mapping[str, str]) -> str:
    """The URL at which people see the web process, without a slash at its end.

    A path is for a gateway in front of several apps. Spark's pages find an application's id by the segment after
    "proxy" or "history" (so ``spark.ui.reverseProxyUrl`` refuses both), and nginx's rules need plain segments.
    """
    var, example = "SPARK_REVERSE_PROXY_URL", "https://spark.example.com"
    found = url(env, var, example).rstrip("/")
    host, path = urlsplit(found).netloc, urlsplit(found).path
    if found and not re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?", host):
        raise ConfigError(var, "must be an http:// or https:// URL with a host name", found, example)
    if not re.fullmatch(r"(/[A-Za-z0-9_-][A-Za-z0-9._~-]*)*", path) or "#" in found:
        raise ConfigError(var, "must have a path of plain letters, digits, '-', '_' and '.', or none", found, example)
    if set(path.split("/")[1:2]) & {"sparkspace", "finished", "notebook", "set-backend", "healthz"}:
        raise ConfigError(var, "must not have a path that begins with one of our own pages' names", found, example)
    if {"proxy", "history"} & set(path.split("/")):
        raise ConfigError(
            var, "must not have 'proxy' or 'history' in its path: Spark's pages would break", found, example
        )
    return found


def zookeepers(env: Mapping[str, str]) -> str:
    """``host:port,host:port`` from ``zookeeper://host:port,…``."""
    var = "SPARK_ZK_ZOOKEEPER_URL"
    found = text(env, var)
    if not found:
        return ""
    servers = []
    for part in found.split(","):
        match = re.fullmatch(r"zookeeper://([\w.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?", part.strip(), re.ASCII)
        if not match:
            raise ConfigError(
                var,
                "must be zookeeper://host:port, several with a comma between",
                found,
                "zookeeper://10.1.1.1:2181,zookeeper://10.1.1.2:2181,zookeeper://10.1.1.3:2181",
            )
        servers.append(f"{match[1]}:{match[2] or 2181}")
    return ",".join(servers)


def ensemble(env: Mapping[str, str]) -> int:
    """How many ZooKeepers of our own; 0: none. ``ENSEMBLES`` has the reason for what is refused."""
    var = "SPARKSPACE_ZOOKEEPERS"
    found = text(env, var)
    if found not in ENSEMBLES:
        raise ConfigError(
            var,
            "must be 0, 3, 5 or 7 (most of them have to run: 1 or 2 bear no loss, and 4 no more than 3)",
            found,
            "3",
        )
    if ENSEMBLES[found] and text(env, "SPARK_ZK_ZOOKEEPER_URL"):
        raise ConfigError(var, "must be 0 when SPARK_ZK_ZOOKEEPER_URL names another ensemble", found, "0")
    return ENSEMBLES[found]


def log_level(env: Mapping[str, str]) -> str:
    """One of ``LOG_LEVELS``."""
    found = text(env, "LOG_LEVEL")
    level = found.upper() or "INFO"
    if level not in LOG_LEVELS:
        raise ConfigError("LOG_LEVEL", f"must be one of {', '.join(LOG_LEVELS)}", found, "WARN")
    return level


def secret(env: Mapping[str, str]) -> str:
    """The secret itself is never part of a message, and never trimmed: what two apps share must be the same text."""
    secret = env.get("SPARKSPACE_SECRET", "")
    if secret and not re.fullmatch(rf"[!-~]{{{SHORTEST_SECRET},}}", secret):
        raise ConfigError(
            "SPARKSPACE_SECRET",
            f"must be at least {SHORTEST_SECRET} printable ASCII characters without blanks (it has {len(secret)})",
            example="$(openssl rand -hex 32)",
        )
    return secret


def app_names(env: Mapping[str, str], var: str) -> tuple[str, ...]:
    """Names of Heroku apps, with commas between."""
    found = text(env, var)
    names = tuple(filter(None, (name.strip() for name in found.split(","))))
    if not all(re.fullmatch(APP_NAME, name) for name in names):
        raise ConfigError(var, "must be names of Heroku apps of the same space, with commas between", found, "my-jobs")
    return names


def class_dirs(env: Mapping[str, str]) -> tuple[str, ...]:
    """Directories of compiled classes, with ``:`` between; they may be made later."""
    var = "SPARKSPACE_CLASS_DIR"
    found = text(env, var)
    names = tuple(filter(None, (name.strip() for name in found.split(os.pathsep))))
    if "://" in found or any(os.path.exists(name) and not os.path.isdir(name) for name in names):
        raise ConfigError(var, "must be directories of .class files, with ':' between", found, "target/classes")
    return names


def app_name(env: Mapping[str, str], var: str) -> str:
    """The name of a Heroku app; empty: not set."""
    found = text(env, var)
    if found and not re.fullmatch(APP_NAME, found):
        raise ConfigError(var, "must be the name of a Heroku app of the same space", found, "my-spark-cluster")
    return found


def extra_conf(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """``key=value`` pairs, a line each, or with ``;`` between when all is on one line."""
    var = "SPARKSPACE_CONF"
    found = env.get(var, "")
    pairs: dict[str, str] = {}
    lines = filter(str.strip, found.split("\n" if "\n" in found.strip() else ";"))
    for number, line in enumerate(lines, 1):
        key, equals, value = line.partition("=")
        key = key.strip()
        if not equals or not re.fullmatch(r"spark\.[A-Za-z0-9._$-]+", key):
            # What is not a pair may be the rest of a secret with a ";" in it.
            raise ConfigError(
                var,
                "must be Spark properties, key=value per line or with ';' between; "
                f"number {number} is none (it is not shown here)",
                example="spark.sql.ansi.enabled=true",
            )
        pairs[key] = value.strip()
    return tuple(pairs.items())
