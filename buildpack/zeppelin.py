"""Apache Zeppelin, for ``bin/zeppelin``: the Apache archive's distribution of one version, and only where it is wanted.

Of its checksum the archive itself is the witness: the file ``.sha512`` beside it, by TLS. It finds a download that is
not whole, and no archive that lies; sparkspace's own table has checksums of Zeppelin's for none.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sparkspace.zeppelin import versions

from . import cache
from .app import App
from .errors import BuildError
from .log import Step

VAR = "SPARKSPACE_ZEPPELIN_VERSION"
ARCHIVE = "https://archive.apache.org/dist/zeppelin"
FOLDER = Path(".heroku") / "sparkspace-zeppelin"  # sparkspace/zeppelin/server.py looks there
ANSWER_WITHIN_S = 60
# Of 700 MB what a dyno needs: the server, its pages, the interpreters for Spark, Python and Markdown, and S3.
KEPT = (
    "bin/",
    "conf/",
    "lib/",
    "licenses/",
    "interpreter/spark/",
    "interpreter/python/",
    "interpreter/md/",
    "plugins/NotebookRepo/S3NotebookRepo/",
)
KEPT_FILES = r"LICENSE|NOTICE|[\w.-]+\.war|zeppelin-[\w.-]+\.jar|interpreter/zeppelin-interpreter-shaded-[\w.-]+\.jar"


def wanted(env: Mapping[str, str], spark: str) -> str:
    """Which version the build is to bring; empty: none.

    Raises:
        LaunchError: it is not known here, or it does not run on this Spark.
    """
    found = env.get(VAR, "").strip()
    if found:
        versions.refuse_other(found, spark)
    return found


def install(app: App, version: str, archive: str = ARCHIVE) -> None:
    """Put it into the slug.

    Raises:
        BuildError: it can't be fetched, or is not what the archive says.
    """

    def make(fresh: Path) -> None:
        url = f"{archive}/zeppelin-{version}/zeppelin-{version}-bin-netinst.tgz"
        with tempfile.TemporaryDirectory(dir=app.cache) as folder:
            unpack(_fetched(Path(folder), url, app.env), fresh)

    with Step(f"Installing Zeppelin {version}") as step:
        cache.copy(cache.tree(app.cache / "zeppelin" / version, make), app.folder / FOLDER)
        step.weigh(app.folder / FOLDER)


def _fetched(folder: Path, url: str, env: Mapping[str, str]) -> Path:
    proxies = {scheme: env[var] for scheme, var in (("http", "HTTP_PROXY"), ("https", "HTTPS_PROXY")) if var in env}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies or None))
    path = folder / url.rpartition("/")[2]
    try:
        with opener.open(f"{url}.sha512", timeout=ANSWER_WITHIN_S) as answer:
            sha512 = digest(answer.read(4096).decode(errors="replace"), path.name)
        with opener.open(url, timeout=ANSWER_WITHIN_S) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    except (urllib.error.URLError, OSError) as error:
        raise BuildError(f"{url} can't be fetched: {error}.", f"Build again, or without it: unset {VAR}.") from error
    if (found := cache.digest(path, "sha512")) != sha512:
        raise BuildError(f"{url} came wrong.\nExpected: SHA-512 {sha512}\nFound:    SHA-512 {found}", "Build again.")
    return path


def digest(text: str, name: str) -> str:
    """The SHA-512 in a file of the archive, which may be in groups and in capitals (``gpg --print-md``).

    Raises:
        BuildError: there is none.
    """
    found = re.search(r"[0-9a-f]{128}", re.sub(r"\s", "", text.replace(name, " : ").lower()))
    if not found:
        raise BuildError(f"{name}.sha512 has no checksum of {name}.", "Build again.")
    return found[0]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack what is kept, without the archive's own first folder.

    Raises:
        BuildError: the archive can't be read to its end.
    """
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                target = place(member.name)
                content = tar.extractfile(member) if target and member.isfile() else None
                if target and content:
                    (folder / target).parent.mkdir(parents=True, exist_ok=True)
                    with (folder / target).open("wb") as file:
                        shutil.copyfileobj(content, file, 1 << 20)
                    (folder / target).chmod(0o755 if target.startswith("bin/") else 0o644)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BuildError(f"{archive.name} can't be unpacked: {error}.", "Build again.") from error


def place(name: str) -> str | None:
    """Where a file of the archive goes; None: nowhere.

    >>> place("zeppelin-0.12.0-bin-netinst/lib/gson.jar"), place("zeppelin-0.12.0-bin-netinst/interpreter/jdbc/a.jar")
    ('lib/gson.jar', None)
    """
    path = PurePosixPath(name)
    inside = "/".join(path.parts[1:])
    is_kept = inside.startswith(KEPT) or re.fullmatch(KEPT_FILES, inside)
    return inside if is_kept and not path.is_absolute() and ".." not in path.parts else None
