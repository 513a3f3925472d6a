"""``Settings``: the config vars of the operator, checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigError
from . import checks, users
from .allocation import Allocation
from .backend import Backend
from .cycling import Cycling
from .s3 import S3, bucket, event_log_dir, modules_dir, notebooks_dir, recovery_dir
from .scaling import Scaling
from .users import User

# Dynos of one process type in a Private Space: devcenter.heroku.com/articles/dyno-scaling-and-process-limits
MOST_MASTERS = 10

# Every config var that this version reads. docs/config-vars.md and app.json are held equal to it by tests.
VARS = (
    "SPARK_EXECUTOR_MEMORY",
    "SPARK_DRIVER_MEMORY",
    "SPARK_DEFAULT_CORES",
    "SPARK_MASTERS",
    "SPARKSPACE_MASTER_WAIT_S",
    "SPARK_ZK_ZOOKEEPER_URL",
    "SPARKSPACE_ZOOKEEPERS",
    "SPARK_REVERSE_PROXY_URL",
    "SPACE_PROXY_BASIC_AUTH",
    "SPACE_PROXY_DEFAULT_BACKEND",
    "SPARK_S3_BUCKET_NAME",
    "SPARK_S3_AWS_ACCESS_KEY_ID",
    "SPARK_S3_AWS_SECRET_ACCESS_KEY",
    "SPARK_S3_AWS_REGION",
    "LOG_LEVEL",
    "SPARK_HEROKU_ACCESS_TOKEN",
    "SPARKSPACE_SECRET",
    "SPARKSPACE_MASTER_APP",
    "SPARKSPACE_S3_ENDPOINT",
    "SPARKSPACE_CONF",
    "SPARKSPACE_EVENT_LOG_DIR",
    "SPARKSPACE_EVENT_LOG_DAYS",
    "SPARKSPACE_DYNAMIC_ALLOCATION",
    "SPARKSPACE_DYNAMIC_ALLOCATION_MIN_EXECUTORS",
    "SPARKSPACE_DYNAMIC_ALLOCATION_MAX_EXECUTORS",
    "SPARKSPACE_DYNAMIC_ALLOCATION_IDLE_S",
    "SPARKSPACE_DYNAMIC_ALLOCATION_CACHED_IDLE_S",
    "SPARKSPACE_MODULES_DIR",
    "SPARKSPACE_RECOVERY_DIR",
    "SPARKSPACE_NOTEBOOKS_DIR",
    "SPARKSPACE_PROXY_APPS",
    "SPARKSPACE_CYCLING",
    "SPARKSPACE_CYCLING_WAIT_S",
    "SPARKSPACE_CYCLING_AGE_MINUTES",
    "SPARKSPACE_DYNO_LIFETIME_HOURS",
    "SPARKSPACE_WORKERS_MIN",
    "SPARKSPACE_WORKERS_MAX",
    "SPARKSPACE_IDLE_MINUTES",
    "SPARKSPACE_MAX_DYNO_HOURS_PER_DAY",
    "SPARKSPACE_URL",  # push reads it, on a laptop
    "SPARKSPACE_CLASS_DIR",
    "SPARKSPACE_NOTEBOOK",  # the build reads this and the next three
    "SPARKSPACE_ZEPPELIN_VERSION",
    "SPARKSPACE_KEEP",
    "SPARKSPACE_IVY_SETTINGS",
)
SECRET_VARS = (
    "SPARK_S3_AWS_ACCESS_KEY_ID",
    "SPARK_S3_AWS_SECRET_ACCESS_KEY",
    "SPARKSPACE_SECRET",
    "SPACE_PROXY_BASIC_AUTH",
    "SPARK_HEROKU_ACCESS_TOKEN",
)

# Spark's own variables that look like a misspelling of ours (sbin/, bin/ and docs/configuration.md of Spark).
_SPARKS_OWN = ("SPARK_MASTER", "SPARK_MASTER_HOST", "SPARK_EXECUTOR_CORES", "SPARK_LOG_LEVEL")


@dataclass(frozen=True)
class Settings:
    """The config vars that belong to launching, checked. Empty text means: not set."""

    executor_memory_mb: int | None
    driver_memory_mb: int | None
    default_cores: int
    allocation: Allocation | None
    masters: int
    master_wait_s: int
    zookeepers: str  # host:port,host:port, of somebody else's ensemble
    ensemble: int  # how many ZooKeepers of our own
    reverse_proxy_url: str
    s3: S3 | None
    log_level: str
    secret: str = field(repr=False)
    master_app: str
    extra_conf: tuple[tuple[str, str], ...] = field(repr=False)  # an operator may have put anything here
    event_log_dir: str
    event_log_days: int
    modules_dir: str
    recovery_dir: str
    notebooks_dir: str
    proxy_users: tuple[User, ...] = field(repr=False)
    proxy_default: Backend | None
    proxy_apps: tuple[str, ...]
    cycling: Cycling | None
    scaling: Scaling | None
    class_dirs: tuple[str, ...]

    @property
    def has_zookeeper(self) -> bool:
        """Whether masters elect their leader, and recover, by ZooKeeper: by our own ensemble or another."""
        return bool(self.zookeepers or self.ensemble)

    @property
    def serves_shuffles(self) -> bool:
        """Whether Workers serve the shuffle files of executors that have gone."""
        return bool(self.allocation and self.allocation.by_service)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check every config var of ``VARS``.

        Raises:
            ConfigError: a value is wrong, or a name is a misspelling of one of ``VARS``.
        """
        refuse_misspelt(env)
        _refuse_other_encodings(env)
        s3 = bucket(env)
        return cls(
            executor_memory_mb=checks.memory_mb(env, "SPARK_EXECUTOR_MEMORY", "4g"),
            driver_memory_mb=checks.memory_mb(env, "SPARK_DRIVER_MEMORY", "2g"),
            default_cores=checks.whole(env, "SPARK_DEFAULT_CORES", 4, 1, 100_000),
            allocation=Allocation.from_env(env),
            masters=checks.whole(env, "SPARK_MASTERS", 1, 1, MOST_MASTERS),
            master_wait_s=checks.whole(env, "SPARKSPACE_MASTER_WAIT_S", 120, 0, 3600),
            zookeepers=checks.zookeepers(env),
            ensemble=checks.ensemble(env),
            reverse_proxy_url=checks.reverse_proxy_url(env),
            s3=s3,
            log_level=checks.log_level(env),
            secret=checks.secret(env),
            master_app=checks.app_name(env, "SPARKSPACE_MASTER_APP"),
            extra_conf=checks.extra_conf(env),
            event_log_dir=event_log_dir(env, s3),
            event_log_days=checks.whole(env, "SPARKSPACE_EVENT_LOG_DAYS", 30, 1, 36_500),
            modules_dir=modules_dir(env),
            recovery_dir=recovery_dir(env, s3),
            notebooks_dir=notebooks_dir(env, s3),
            proxy_users=users.users(env),
            proxy_default=Backend.from_env(env, "SPACE_PROXY_DEFAULT_BACKEND"),
            proxy_apps=checks.app_names(env, "SPARKSPACE_PROXY_APPS"),
            cycling=Cycling.from_env(env),
            scaling=Scaling.from_env(env),
            class_dirs=checks.class_dirs(env),
        )


def refuse_misspelt(env: Mapping[str, str]) -> None:
    """Refuse a name that can only be meant for us: an unknown ``SPARKSPACE_…``, or nearly one of ``VARS``.

    Raises:
        ConfigError: with the nearest name that exists.
    """
    for name in sorted(env):
        if not name.startswith(("SPARK_", "SPARKSPACE_", "SPACE_PROXY_")) or name in VARS or name in _SPARKS_OWN:
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
