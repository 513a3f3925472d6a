"""The cluster's bucket, and what goes there by default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigError
from .checks import text, url


@dataclass(frozen=True)
class S3:
    """The bucket of the cluster (Bucketeer, ``--as SPARK_S3``)."""

    bucket: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    region: str
    endpoint: str

    @property
    def is_encrypted(self) -> bool:
        """Whether the store is spoken to over TLS; AWS's always is."""
        return not self.endpoint.lower().startswith("http://")


def bucket(env: Mapping[str, str]) -> S3 | None:
    """The bucket, if there is one."""
    names = ("SPARK_S3_BUCKET_NAME", "SPARK_S3_AWS_ACCESS_KEY_ID", "SPARK_S3_AWS_SECRET_ACCESS_KEY")
    name, key, secret = (text(env, name) for name in names)
    endpoint = url(env, "SPARKSPACE_S3_ENDPOINT", "https://s3.example.com")
    if not (name or key or secret):
        return None
    for var, value in zip(names, (name, key, secret), strict=True):
        if not value:
            raise ConfigError(var, "must be set too when one of the SPARK_S3_… vars is", example="…")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ConfigError(names[0], "must be the name of an S3 bucket", name, "my-bucket")
    for var, value in ((names[1], key), (names[2], secret)):
        if not re.fullmatch(r"[!-~]+", value):
            raise ConfigError(var, "must be printable ASCII without blanks (it is not shown here)", example="…")
    region = text(env, "SPARK_S3_AWS_REGION") or "us-east-1"
    if not re.fullmatch(r"[a-z0-9-]{1,40}", region):
        raise ConfigError("SPARK_S3_AWS_REGION", "must be the name of an AWS region", region, "us-east-1")
    return S3(name, key, secret, region, endpoint)


def event_log_dir(env: Mapping[str, str], in_bucket: S3 | None) -> str:
    """A Hadoop URL: as set, else in the bucket, else empty."""
    return _place(env, "SPARKSPACE_EVENT_LOG_DIR", in_bucket, "spark-events")


def modules_dir(env: Mapping[str, str]) -> str:
    """Where the data of modules are kept. A Hadoop URL: as set, else in the bucket, else empty."""
    return _place(env, "SPARKSPACE_MODULES_DIR", bucket(env), "sparkspace-modules")


def recovery_dir(env: Mapping[str, str], in_bucket: S3 | None) -> str:
    """Where a single master keeps its state. A Hadoop URL: as set, else in the bucket, else empty, as for ``none``."""
    if text(env, "SPARKSPACE_RECOVERY_DIR") == "none":
        return ""
    return _place(env, "SPARKSPACE_RECOVERY_DIR", in_bucket, "spark-recovery")


def notebooks_dir(env: Mapping[str, str], in_bucket: S3 | None) -> str:
    """Where notebooks are kept: ``s3a://bucket/folder`` or ``file:/folder``, as set, else in the bucket, else empty."""
    var = "SPARKSPACE_NOTEBOOKS_DIR"
    found = _place(env, var, in_bucket, "sparkspace-notebooks")
    in_store = re.fullmatch(r"s3a://[a-z0-9][a-z0-9.-]+[a-z0-9]/[^/]\S*", found)
    if found and not (found.startswith("file:/") or in_store):
        raise ConfigError(
            var, "must be a folder of a bucket, or of a disk (file:/…)", found, "s3a://my-bucket/notebooks"
        )
    if in_store and in_bucket is None:
        raise ConfigError(
            var, "is in a bucket, so SPARK_S3_BUCKET_NAME and its keys must be set", found, "file:/notebooks"
        )
    return found.rstrip("/")


def _place(env: Mapping[str, str], var: str, in_bucket: S3 | None, folder: str) -> str:
    found = text(env, var)
    if not found:
        return f"s3a://{in_bucket.bucket}/{folder}" if in_bucket else ""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:/\S*", found, re.IGNORECASE) or not found.isprintable():
        raise ConfigError(var, "must be a Hadoop URL", found, f"s3a://my-bucket/{folder}")
    return found
