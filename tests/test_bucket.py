"""The bucket asked before a driver starts, by a store of our own; its signatures are those of AWS's documentation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sparkspace.cluster import bucket
from sparkspace.config import S3
from sparkspace.errors import ConfigError, LaunchError

AWS = S3("examplebucket", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "")
LISTING = "/my-bucket/?list-type=2&max-keys=1"


@pytest.mark.parametrize(
    ("parameters", "signature"),
    [
        ("lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_signatures_are_those_of_the_documentation(parameters: str, signature: str) -> None:
    s3 = S3(AWS.bucket, AWS.access_key_id, AWS.secret_access_key, AWS.region, "https://examplebucket.s3.amazonaws.com")
    headers = bucket.signed(s3, "GET", "/", parameters, datetime(2013, 5, 24, tzinfo=UTC))
    assert headers["Authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("region", "endpoint", "host"),
    [
        ("eu-west-1", "", "s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "", "s3.cn-north-1.amazonaws.com.cn"),
        ("us-east-1", "http://10.0.0.9:9000/a", "10.0.0.9:9000"),
    ],
)
def test_host(region: str, endpoint: str, host: str) -> None:
    assert bucket.host(S3("b", "k", "s", region, endpoint)) == host


class Store(ThreadingHTTPServer):
    """Answers one request after the other as it was told, and remembers them."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str, dict[str, str]]] = []
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def s3(self) -> S3:
        return S3("my-bucket", "the-key", "the-secret", "us-east-1", f"http://127.0.0.1:{self.server_port}")

    def will_answer(self, status: int, text: str = "", **headers: str) -> None:
        self.answers.append((status, text, {name.replace("_", "-"): value for name, value in headers.items()}))


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        store: Any = self.server
        region = self.headers["Authorization"].split("/")[2]
        store.asked.append(f"{self.command} {self.path} {region}")
        status, text, headers = store.answers.pop(0)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing: pytest shows what goes wrong."""


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as store:
        thread = threading.Thread(target=store.serve_forever, args=(0.01,))
        thread.start()
        yield store
        store.shutdown()
        thread.join()


def error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>No.</Message></Error>"


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "InvalidAccessKeyId", "SPARK_S3_AWS_ACCESS_KEY_ID is not known at {host} (it is not shown here)."),
        (
            403,
            "SignatureDoesNotMatch",
            "SPARK_S3_AWS_SECRET_ACCESS_KEY must be the other half of SPARK_S3_AWS_ACCESS_KEY_ID: {host} refuses what "
            "it signs.",
        ),
        (
            404,
            "NoSuchBucket",
            "SPARK_S3_BUCKET_NAME must be a bucket that is there: {host} has none of this name, but it is 'my-bucket'.",
        ),
    ],
)
@pytest.mark.parametrize("check", [bucket.refuse_unusable, lambda s3: bucket.make_folder(s3, "/spark-events")])
def test_refused(store: Store, check: Callable[[S3], None], status: int, code: str, message: str) -> None:
    store.will_answer(status, error(code))
    with pytest.raises(ConfigError) as refused:
        check(store.s3)
    assert refused.value.message == message.format(host=f"127.0.0.1:{store.server_port}")
    assert "the-secret" not in repr(refused.value) and "the-key" not in repr(refused.value)


@pytest.mark.parametrize("answer", [(200, "<x/>"), (403, error("AccessDenied")), (503, error("SlowDown")), (500, "?")])
def test_what_is_not_certain_is_left_to_the_job(store: Store, answer: tuple[int, str]) -> None:
    store.will_answer(*answer)
    bucket.refuse_unusable(store.s3)
    assert store.asked == [f"GET {LISTING} us-east-1"]


def test_bucket_in_another_region(store: Store) -> None:
    store.will_answer(301, error("PermanentRedirect"), x_amz_bucket_region="eu-west-1")
    store.will_answer(200, "<x/>")
    bucket.refuse_unusable(store.s3)
    assert store.asked == [f"GET {LISTING} us-east-1", f"GET {LISTING} eu-west-1"]


@pytest.mark.parametrize(
    ("path", "listing", "asked"),
    [
        (
            "/spark-events",
            "",
            ["GET {listing}&prefix=spark-events%2F us-east-1", "PUT /my-bucket/spark-events/? us-east-1"],
        ),
        ("/a b/ü", "", ["GET {listing}&prefix=a%20b%2F%C3%BC%2F us-east-1", "PUT /my-bucket/a%20b/%C3%BC/? us-east-1"]),
        ("/logs/", "<Key>logs/x</Key>", ["GET {listing}&prefix=logs%2F us-east-1"]),
        ("", "", ["GET {listing}&prefix=%2F us-east-1"]),
    ],
)
def test_folder_is_made_once(store: Store, path: str, listing: str, asked: list[str]) -> None:
    store.will_answer(200, listing)
    store.will_answer(200)
    bucket.make_folder(store.s3, path)
    assert store.asked == [line.format(listing=LISTING) for line in asked]


def test_no_answer() -> None:
    with Store() as store:
        s3 = store.s3
    with pytest.raises(LaunchError, match=r"The store of the bucket, 127\.0\.0\.1:\d+, does not answer: .*refused"):
        bucket.refuse_unusable(s3)
