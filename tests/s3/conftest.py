"""A box with a store that speaks S3: a process type of its own, strict about signatures, with its objects in memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ..box.conftest import Box, copy_of_repository, until
from . import artifacts
from .artifacts import KEY, SECRET

STORE = f"http://1.s3.sparkspace.app.localspace:{artifacts.PORT}"
BUCKET, REGION = "the-bucket", "eu-west-1"


class Store:
    """The box's store, asked from a dyno."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def ask(self, method: str, key: str, **query: str) -> tuple[int, str]:
        """Status and text of the answer to a signed request."""
        parameters = [f"{name.replace('_', '-')}={value}" for name, value in query.items()]
        said = self.box.out("run", "python3", "tests/s3/asker.py", method, key, *parameters)
        return int(said[:3]), said[4:]

    def listed(self, **query: str) -> list[str]:
        """The names of all keys in a list."""
        status, text = self.ask("GET", "", **query)
        assert status == 200, text
        return [
            element.text or ""
            for element in ElementTree.fromstring(text.strip()).iter()
            if element.tag.endswith("}Key")
        ]

    def keys(self, prefix: str) -> list[str]:
        """The names of all objects that begin so, without the prefix."""
        return [key.removeprefix(prefix) for key in self.listed(list_type="2", prefix=prefix)]

    def unfinished(self, prefix: str) -> list[str]:
        """Uploads that nobody has completed or aborted."""
        return [key for key in self.listed(uploads="") if key.startswith(prefix)]


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with two workers and a bucket; event logs go there, as they would on Heroku."""
    box = copy_of_repository(tmp_path_factory.mktemp("s3") / "repository")
    prepare(box, artifacts.server().relative_to(artifacts.ROOT))
    (box.folder / ".env").write_text(settings())
    box("up", "--detach")
    try:
        until(lambda: Store(box).ask("PUT", "")[0] == 200)
        box("wait", "--workers", "2", "--timeout", "180")
        yield box
    finally:
        box("down")


def settings() -> str:
    """An ``.env`` for it."""
    env = {
        "SPARK_S3_BUCKET_NAME": BUCKET,
        "SPARK_S3_AWS_ACCESS_KEY_ID": KEY,
        "SPARK_S3_AWS_SECRET_ACCESS_KEY": SECRET,
        "SPARK_S3_AWS_REGION": REGION,
        "SPARKSPACE_S3_ENDPOINT": STORE,
        "SPARK_DEFAULT_CORES": "2",
        "SPARKSPACE_CONF": "spark.eventLog.compress=false",  # to be read here
    }
    return "".join(f"{name}={value}\n" for name, value in env.items())


def prepare(box: Box, server: Path) -> None:
    """Give the app the store's process type and files. ``server``: the folder with its jars, as a dyno has it."""
    artifacts.configure(box.folder)
    with (box.folder / "Procfile").open("a") as procfile:
        procfile.write(f"s3: {artifacts.command(server)}\n")
    quantities = {"s3": 1, "web": 1, "master": 1, "worker": 2}
    formation = ", ".join(f'"{type}": {{"quantity": {quantity}}}' for type, quantity in quantities.items())
    (box.folder / "app.json").write_text(f'{{"formation": {{{formation}}}}}')


@pytest.fixture(scope="session")
def store(bucket: Box) -> Store:
    """The store of that box."""
    return Store(bucket)


def shell(box: Box, source: str, **options: object) -> subprocess.CompletedProcess[str]:
    """A new spark-shell, with this typed into it."""
    return box("run", "bin/spark-shell", stdin=source, **options)  # type: ignore[arg-type]
