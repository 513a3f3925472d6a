"""The cluster's bucket, asked before a JVM starts: S3 says in a word what Spark would say in pages of stack traces.

A request is signed as ``docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html`` has it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from urllib.parse import quote, urlencode, urlsplit

from ..config import S3
from ..errors import ConfigError, LaunchError

ANSWER_WITHIN_S = 5.0
NOTHING = hashlib.sha256(b"").hexdigest()  # every body here is empty


@dataclass(frozen=True)
class Answer:
    """What the store says: a status, and in an error a code in one word."""

    status: int
    code: str
    region: str  # where the bucket is, when it was looked for elsewhere
    text: str


def refuse_unusable(s3: S3) -> None:
    """Ask whether the bucket is there, and these are its keys. What only the job can find out is left to it.

    Raises:
        ConfigError: they are not.
        LaunchError: the store can't be reached.
    """
    _refuse(ask(s3, "GET", query={"list-type": "2", "max-keys": "1"}), s3)


def make_folder(s3: S3, path: str) -> None:
    """See to it that S3A finds a folder: in a bucket that is an object whose name ends in a slash, or one below it.

    Raises:
        ConfigError, LaunchError: as ``refuse_unusable``.
    """
    marker = path.strip("/") + "/"
    listing = ask(s3, "GET", query={"list-type": "2", "max-keys": "1", "prefix": marker})
    _refuse(listing, s3)
    if listing.status == http.client.OK and "<Key>" not in listing.text and marker != "/":
        ask(s3, "PUT", marker)


def _refuse(answer: Answer, s3: S3) -> None:
    """Only what is certain is refused: a key may well be one that can write and not list."""
    if answer.code == "InvalidAccessKeyId":
        raise ConfigError(
            "SPARK_S3_AWS_ACCESS_KEY_ID", f"is not known at {host(s3)} (it is not shown here)", example="…"
        )
    if answer.code == "SignatureDoesNotMatch":
        must = f"must be the other half of SPARK_S3_AWS_ACCESS_KEY_ID: {host(s3)} refuses what it signs"
        raise ConfigError("SPARK_S3_AWS_SECRET_ACCESS_KEY", must, example="…")
    if answer.code == "NoSuchBucket":
        must = f"must be a bucket that is there: {host(s3)} has none of this name"
        raise ConfigError("SPARK_S3_BUCKET_NAME", must, s3.bucket, "my-bucket")


def ask(s3: S3, method: str, key: str = "", query: Mapping[str, str] | None = None) -> Answer:
    """One signed request, and a second one when the bucket is in another region than the config var says.

    Raises:
        LaunchError: there is no answer.
    """
    answer = _exchange(s3, method, key, query or {})
    elsewhere = answer.status >= http.client.MULTIPLE_CHOICES and answer.region not in ("", s3.region)
    return _exchange(replace(s3, region=answer.region), method, key, query or {}) if elsewhere else answer


def _exchange(s3: S3, method: str, key: str, query: Mapping[str, str]) -> Answer:
    path = quote(f"{urlsplit(s3.endpoint).path.rstrip('/')}/{s3.bucket}/{key}", safe="/-_.~")
    parameters = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    kind = http.client.HTTPSConnection if s3.is_encrypted else http.client.HTTPConnection
    connection = kind(host(s3), timeout=ANSWER_WITHIN_S)
    try:
        headers = signed(s3, method, path, parameters, datetime.now(timezone.utc))
        connection.request(method, f"{path}?{parameters}", headers=headers)
        reply = connection.getresponse()
        text = reply.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise LaunchError(
            f"The store of the bucket, {host(s3)}, does not answer: {error or type(error).__name__}.",
            "SPARKSPACE_S3_ENDPOINT names it. Dynos of a box reach AWS with: bin/sparkspace up --network loopback",
        ) from error
    finally:
        connection.close()
    code = re.search(r"<Code>(\w+)</Code>", text)
    return Answer(reply.status, code[1] if code else "", reply.headers.get("x-amz-bucket-region", ""), text)


def host(s3: S3) -> str:
    """The store's host, with its port if it has one of its own."""
    domain = "amazonaws.com.cn" if s3.region.startswith("cn-") else "amazonaws.com"
    return urlsplit(s3.endpoint).netloc if s3.endpoint else f"s3.{s3.region}.{domain}"


def signed(s3: S3, method: str, path: str, parameters: str, now: datetime) -> dict[str, str]:
    """The headers of a request without a body, among them its signature."""
    headers = {"host": host(s3), "x-amz-content-sha256": NOTHING, "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}"}
    scope = f"{now:%Y%m%d}/{s3.region}/s3/aws4_request"
    names = ";".join(headers)
    lines = [method, path, parameters, *(f"{name}:{value}" for name, value in headers.items()), "", names, NOTHING]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    signature = _hmac(_key(s3, scope), f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={s3.access_key_id}/{scope}"
    return {**headers, "Authorization": f"{credential},SignedHeaders={names},Signature={signature}"}


def _key(s3: S3, scope: str) -> bytes:
    """The key for one day and region, made from the secret one step after another."""
    key = f"AWS4{s3.secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
