"""What a process knows: ``Dyno``, the facts of the platform, and ``Settings``, the config vars of the operator.

Both are frozen and made once from a mapping that is passed in. A wrong value ends here, before anything starts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import ConfigError, PlatformError

LOG_LEVELS = ("ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF")
MOST_MASTERS = (
    10  # dynos of one process type in a Private Space: devcenter.heroku.com/articles/dyno-scaling-and-process-limits
)
LEAST_MEMORY_MB = (
    512  # Spark refuses a JVM that reports under 450 MiB (UnifiedMemoryManager), and a JVM reports less than its -Xmx
)
SHORTEST_SECRET = 16

# Every config var that this version reads. docs/config-vars.md and app.json are held equal to it by tests.
VARS = (
    "SPARK_EXECUTOR_MEMORY",
    "SPARK_DRIVER_MEMORY",
    "SPARK_DEFAULT_CORES",
    "SPARK_MASTERS",
    "SPARK_ZK_ZOOKEEPER_URL",
    "SPARK_REVERSE_PROXY_URL",
    "SPARK_S3_BUCKET_NAME",
    "SPARK_S3_AWS_ACCESS_KEY_ID",
    "SPARK_S3_AWS_SECRET_ACCESS_KEY",
    "SPARK_S3_AWS_REGION",
    "LOG_LEVEL",
    "SPARKSPACE_SECRET",
    "SPARKSPACE_MASTER_APP",
    "SPARKSPACE_S3_ENDPOINT",
    "SPARKSPACE_CONF",
    "SPARKSPACE_EVENT_LOG_DIR",
)
SECRET_VARS = ("SPARK_S3_AWS_ACCESS_KEY_ID", "SPARK_S3_AWS_SECRET_ACCESS_KEY", "SPARKSPACE_SECRET")

# Spark's own variables that look like a misspelling of ours (sbin/, bin/ and docs/configuration.md of Spark).
_SPARKS_OWN = ("SPARK_MASTER", "SPARK_MASTER_HOST", "SPARK_EXECUTOR_CORES", "SPARK_LOG_LEVEL")


@dataclass(frozen=True)
class Dyno:
    """The facts that Heroku gives a dyno of a Cedar Private Space with DNS service discovery.

    Source: devcenter.heroku.com/articles/dyno-dns-service-discovery.
    """

    name: str  # worker.2
    private_ip: str
    app_domain: str  # myapp.app.localspace
    dns_name: str  # 2.worker.myapp.app.localspace

    @property
    def process_type(self) -> str:
        """``worker`` of ``worker.2``."""
        return self.name.partition(".")[0]

    @property
    def app_name(self) -> str:
        """``myapp`` of ``myapp.app.localspace``."""
        return self.app_domain.partition(".")[0]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Dyno:
        """Read the platform's facts from ``env``.

        Raises:
            PlatformError: this is not a dyno of a Cedar Private Space with DNS service discovery.
        """
        name = env.get("DYNO", "")
        if not name:
            raise PlatformError(
                "This is not a dyno: DYNO is not set.",
                "On a laptop, open a box first: bin/sparkspace up --detach\n"
                "Then run the command in it: bin/sparkspace run COMMAND",
            )
        process_type, dot, number = name.partition(".")
        if not dot or not number.isdigit():
            raise PlatformError(
                f"{name!r} is not the name of a dyno of a Cedar-generation space.",
                "Fir-generation spaces have no DNS service discovery: create a Cedar Private Space for the cluster.",
            )
        private_ip = env.get("HEROKU_PRIVATE_IP", "")
        if not private_ip:
            raise PlatformError(
                "HEROKU_PRIVATE_IP is not set: this dyno is not in a Private Space.",
                "Dynos of the Common Runtime can't reach each other. Create the app in a space: "
                "heroku create APP --space SPACE",
            )
        app_domain = env.get("HEROKU_DNS_APP_NAME", "")
        if not app_domain:
            raise PlatformError(
                "HEROKU_DNS_APP_NAME is not set: DNS service discovery is off for this app.",
                "Turn it on with: heroku features:enable spaces-dns-discovery -a APP && heroku restart -a APP",
            )
        dns_name = env.get("HEROKU_DNS_DYNO_NAME") or f"{number}.{process_type}.{app_domain}"
        return cls(name, private_ip, app_domain, dns_name)


@dataclass(frozen=True)
class S3:
    """The bucket of the cluster (Bucketeer, ``--as SPARK_S3``)."""

    bucket: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    region: str
    endpoint: str


@dataclass(frozen=True)
class Settings:
    """The config vars that belong to launching, checked. Empty text means: not set."""

    executor_memory_mb: int | None
    driver_memory_mb: int | None
    default_cores: int
    masters: int
    zookeepers: str  # host:port,host:port
    reverse_proxy_url: str
    s3: S3 | None
    log_level: str
    secret: str = field(repr=False)
    master_app: str
    extra_conf: tuple[tuple[str, str], ...] = field(repr=False)  # an operator may have put anything here
    event_log_dir: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check every config var of ``VARS``.

        Raises:
            ConfigError: a value is wrong, or a name is a misspelling of one of ``VARS``.
        """
        refuse_misspelt(env)
        _refuse_other_encodings(env)
        s3 = _s3(env)
        return cls(
            executor_memory_mb=_memory_mb(env, "SPARK_EXECUTOR_MEMORY", "4g"),
            driver_memory_mb=_memory_mb(env, "SPARK_DRIVER_MEMORY", "2g"),
            default_cores=_whole(env, "SPARK_DEFAULT_CORES", 4, 1, 100_000),
            masters=_whole(env, "SPARK_MASTERS", 1, 1, MOST_MASTERS),
            zookeepers=_zookeepers(env),
            reverse_proxy_url=_url(env, "SPARK_REVERSE_PROXY_URL", "https://spark.example.com").rstrip("/"),
            s3=s3,
            log_level=_log_level(env),
            secret=_secret(env),
            master_app=_app_name(env),
            extra_conf=_extra_conf(env),
            event_log_dir=_event_log_dir(env, s3),
        )


def refuse_misspelt(env: Mapping[str, str]) -> None:
    """Refuse a name that can only be meant for us: an unknown ``SPARKSPACE_…``, or nearly one of ``VARS``.

    Raises:
        ConfigError: with the nearest name that exists.
    """
    for name in sorted(env):
        if not name.startswith(("SPARK_", "SPARKSPACE_")) or name in VARS or name in _SPARKS_OWN:
            continue
        ours = name.startswith("SPARKSPACE_")
        near = difflib.get_close_matches(name, VARS, 1, 0.8 if ours else 0.9)
        if near or ours:
            hint = f"Did you mean {near[0]}?" if near else "docs/config-vars.md lists those there are."
            error = ConfigError(name, "is not a config var of this version")
            error.cure = f"{hint} Remove it with: heroku config:unset {name}"
            raise error


def _refuse_other_encodings(env: Mapping[str, str]) -> None:
    """Python keeps bytes that are no UTF-8 as lone surrogates, and fails when it writes them."""
    for var in VARS:
        if re.search("[\ud800-\udfff]", env.get(var, "")):
            raise ConfigError(var, "must be text in UTF-8 (it is not shown here)", example="…")


def _text(env: Mapping[str, str], var: str) -> str:
    """An unset var and an empty one are the same: Heroku's dashboard can't tell them apart."""
    return env.get(var, "").strip()


def _memory_mb(env: Mapping[str, str], var: str, example: str) -> int | None:
    found = _text(env, var)
    if not found:
        return None
    match = re.fullmatch(r"(\d{1,12})\s*([mgt])b?", found, re.IGNORECASE)
    if not match:
        raise ConfigError(var, "must be a size with its unit, like 512m or 12g", found, example)
    mb = int(match[1]) * {"m": 1, "g": 1024, "t": 1024 * 1024}[match[2].lower()]
    if mb < LEAST_MEMORY_MB:
        raise ConfigError(var, f"must be at least {LEAST_MEMORY_MB}m, the least that Spark starts with", found, example)
    return mb


def _whole(env: Mapping[str, str], var: str, default: int, least: int, most: int) -> int:
    found = _text(env, var)
    if not found:
        return default
    # isascii: int() takes '٣', and a very long number of digits would be an error of its own
    if not (found.isascii() and found.isdigit() and len(found) < 10 and least <= int(found) <= most):
        raise ConfigError(var, f"must be a whole number from {least} to {most}", found, str(default))
    return int(found)


def _url(env: Mapping[str, str], var: str, example: str) -> str:
    found = _text(env, var)
    if found and not _is_web_url(found):
        raise ConfigError(var, "must be an http:// or https:// URL with a host name", found, example)
    return found


def _is_web_url(text: str) -> bool:
    if re.search(r"[\s\x00-\x1f\"'\\<>]", text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:  # a port that is no number, a half of an IPv6 address
        return False


def _zookeepers(env: Mapping[str, str]) -> str:
    var = "SPARK_ZK_ZOOKEEPER_URL"
    found = _text(env, var)
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


def _log_level(env: Mapping[str, str]) -> str:
    found = _text(env, "LOG_LEVEL")
    level = found.upper() or "INFO"
    if level not in LOG_LEVELS:
        raise ConfigError("LOG_LEVEL", f"must be one of {', '.join(LOG_LEVELS)}", found, "WARN")
    return level


def _secret(env: Mapping[str, str]) -> str:
    """The secret itself is never part of a message, and never trimmed: what two apps share must be the same text."""
    secret = env.get("SPARKSPACE_SECRET", "")
    if secret and not re.fullmatch(rf"[!-~]{{{SHORTEST_SECRET},}}", secret):
        raise ConfigError(
            "SPARKSPACE_SECRET",
            f"must be at least {SHORTEST_SECRET} printable ASCII characters without blanks (it has {len(secret)})",
            example="$(openssl rand -hex 32)",
        )
    return secret


def _app_name(env: Mapping[str, str]) -> str:
    var = "SPARKSPACE_MASTER_APP"
    found = _text(env, var)
    if found and not re.fullmatch(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", found):
        raise ConfigError(var, "must be the name of a Heroku app of the same space", found, "my-spark-cluster")
    return found


def _s3(env: Mapping[str, str]) -> S3 | None:
    names = ("SPARK_S3_BUCKET_NAME", "SPARK_S3_AWS_ACCESS_KEY_ID", "SPARK_S3_AWS_SECRET_ACCESS_KEY")
    bucket, key, secret = (_text(env, name) for name in names)
    endpoint = _url(env, "SPARKSPACE_S3_ENDPOINT", "https://s3.example.com")
    if not (bucket or key or secret):
        return None
    for name, value in zip(names, (bucket, key, secret), strict=True):
        if not value:
            raise ConfigError(name, "must be set too when one of the SPARK_S3_… vars is", example="…")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ConfigError(names[0], "must be the name of an S3 bucket", bucket, "my-bucket")
    for name, value in ((names[1], key), (names[2], secret)):
        if not re.fullmatch(r"[!-~]+", value):
            raise ConfigError(name, "must be printable ASCII without blanks (it is not shown here)", example="…")
    region = _text(env, "SPARK_S3_AWS_REGION") or "us-east-1"
    if not re.fullmatch(r"[a-z0-9-]{1,40}", region):
        raise ConfigError("SPARK_S3_AWS_REGION", "must be the name of an AWS region", region, "us-east-1")
    return S3(bucket, key, secret, region, endpoint)


def _event_log_dir(env: Mapping[str, str], s3: S3 | None) -> str:
    var = "SPARKSPACE_EVENT_LOG_DIR"
    found = _text(env, var)
    if not found:
        return f"s3a://{s3.bucket}/spark-events" if s3 else ""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:/\S*", found, re.IGNORECASE) or not found.isprintable():
        raise ConfigError(var, "must be a Hadoop URL", found, "s3a://my-bucket/spark-events")
    return found


def _extra_conf(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """``key=value`` pairs, a line each, or with ``;`` between when all is on one line."""
    var = "SPARKSPACE_CONF"
    text = env.get(var, "")
    pairs: dict[str, str] = {}
    lines = filter(str.strip, text.split("\n" if "\n" in text.strip() else ";"))
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
