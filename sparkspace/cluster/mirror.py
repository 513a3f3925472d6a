"""The files that lie beside notebooks in the bucket, on the dyno's disk: Python imports from disks only.

One way: what is changed here is not written back, so files are made read-only.
"""

from __future__ import annotations

import fcntl
import json
import os
import posixpath
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..config import S3, Settings
from ..errors import LaunchError

MOST_BYTES = 32 * 1024 * 1024  # data of that size is for Spark, which reads it from the bucket
KNOWN = ".mirrored.json"  # path → what the bucket calls this content (ETag)
READ_ONLY = 0o444
FOLDER = "_SPARKSPACE_NOTEBOOKS"  # the var that says to kernels where they start


class Mirror:
    """``folder`` is made like ``url`` (``s3a://bucket/prefix``), but for notebooks and what is hidden or very large."""

    def __init__(self, url: str, folder: Path, s3: S3) -> None:
        self.folder = folder
        self._root = f"{urlsplit(url).netloc}{urlsplit(url).path}"
        self._s3 = s3
        self._store: Any = None

    def renew(self) -> None:
        """Fetch what is new there, and drop what is gone. Kernels of one dyno share the folder, so one at a time.

        Raises:
            LaunchError: the bucket can't be read.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            known = self._known()
            listed = self._listed()
            for path in known.keys() - listed.keys():
                (self.folder / path).unlink(missing_ok=True)
            changed = [path for path, tag in listed.items() if known.get(path) != tag]
            for path in changed:
                self._write(path, self._ask("cat_file", f"{self._root}/{path}"))
            if changed or known.keys() != listed.keys():
                self._write(KNOWN, json.dumps(listed).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self.folder / f"{KNOWN}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _known(self) -> dict[str, str]:
        file = self.folder / KNOWN
        found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return {path: tag for path, tag in found.items() if (self.folder / path).exists()}

    def _listed(self) -> dict[str, str]:
        """Path → ETag of what is to be here. The folders of notebooks are made: kernels start in them."""
        found = {}
        for name, facts in self._ask("find", self._root, detail=True).items():
            path = name.removeprefix(f"{self._root}/")
            if not is_inside(path):
                continue
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            hidden = any(part.startswith(".") for part in path.split("/"))
            if not hidden and not path.endswith(".ipynb") and facts["size"] <= MOST_BYTES:
                found[path] = facts["ETag"]
        return found

    def _ask(self, what: str, *args: str, **options: bool) -> Any:  # noqa: ANN401  # s3fs has no types
        try:
            return getattr(self._bucket(), what)(*args, **options)
        except FileNotFoundError:
            raise LaunchError(f"s3a://{self._root} is not there, or changes too fast.") from None
        except Exception as error:  # botocore's, aiohttp's and s3fs's own have no common base
            raise LaunchError(
                f"s3a://{self._root} can't be read: {error or type(error).__name__}.",
                "SPARKSPACE_NOTEBOOKS_DIR says where notebooks are, SPARKSPACE_S3_ENDPOINT where the store is.\n"
                "Dynos of a box reach AWS with: bin/sparkspace up --network loopback",
            ) from error

    def _bucket(self) -> Any:  # noqa: ANN401
        if self._store is None:
            import s3fs  # half a second

            self._store = s3fs.S3FileSystem(
                key=self._s3.access_key_id,
                secret=self._s3.secret_access_key,
                client_kwargs={"endpoint_url": self._s3.endpoint or None, "region_name": self._s3.region},
                config_kwargs={"connect_timeout": 3, "read_timeout": 10, "retries": {"max_attempts": 1}},
                use_listings_cache=False,
            )
        return self._store

    def _write(self, path: str, content: bytes) -> None:
        """All at once: a kernel may be importing it."""
        place = self.folder / path
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".mirror-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), READ_ONLY)
        os.replace(temporary, place)


def of(settings: Settings, folder: Path) -> Mirror | None:
    """What brings files of the bucket into ``folder``; None: notebooks are on a disk."""
    url, s3 = settings.notebooks_dir, settings.s3
    return Mirror(url, folder, s3) if s3 and url.startswith("s3a:") else None


def is_inside(path: str) -> bool:
    """Whether the name of an object is a path of a file below the folder: names in a bucket may be anything."""
    return path not in ("", ".") and posixpath.normpath(path) == path and not path.startswith(("/", "../"))


def make_folder(s3_path: str, model: dict[str, Any], contents_manager: Any, **_: object) -> None:  # noqa: ANN401
    """After something was saved in JupyterLab, see to it that its folder is here: a kernel may start in it.

    ``S3ContentsManager.post_save_hook``, which gives the path from the root of all notebooks.
    """
    path = s3_path.strip("/")
    if is_inside(path):
        folder = path if model["type"] == "directory" else posixpath.dirname(path)
        Path(contents_manager.root_dir, folder).mkdir(parents=True, exist_ok=True)
