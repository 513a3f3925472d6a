"""Spark's archive and the jars for S3, fetched by pip and Ivy: a mirror that is set for them is honoured.

Whatever they bring, nothing is used that is not, byte for byte, what the table names. What was fetched once stays in
the cache below its SHA-256, and is checked there again before each use.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import tenacity

from sparkspace.log import notice

from . import client, versions
from .cache import digest
from .errors import BuildError
from .versions import Artifact, Line

_NO_SPACE = os.strerror(errno.ENOSPC)
_PIP_FOUND_OTHER = "DO NOT MATCH THE HASHES"
_LAST_LINES = 12
_MB = 1_000_000
# pip unpacks an archive to look into it, and copies it once.
_ROOM = 3.5
_QUICK = """\
<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="public"/>
  <resolvers><ibiblio name="public" m2compatible="true" usepoms="false"/></resolvers>
</ivysettings>
"""


@dataclass(frozen=True)
class Patience:
    """How long a client may take, how often it is started, and how long the first pause between is; the next double."""

    limit_s: float = 600  # a build has 25 minutes in all; half a gigabyte at 0.8 MB/s
    attempts: int = 3
    pause_s: float = 1


@dataclass(frozen=True)
class Ivy:
    """How to start Ivy: its jar, the program java, and settings if not its own."""

    jar: Path
    java: Path
    settings: Path | None


Client = Callable[[list[Artifact], Path], str]
"""Brings artifacts into a folder, and returns what the program said. It may leave out what it found to be wrong."""


class _Failed(BuildError):
    """A client ended with an error: it may do better the next time."""


def spark(line: Line, cache: Path, patience: Patience = Patience(), env: Mapping[str, str] = os.environ) -> Path:
    """The source archive of pyspark.

    Raises BuildError: pip is missing or failed, the file is not what the table says, or the disk is full.
    """

    def bring(artifacts: list[Artifact], folder: Path) -> str:
        # A source archive tells its metadata only to setuptools, which pip would look up, unpinned, by itself.
        [wheel] = _obtained([versions.setuptools()], cache, lambda some, into: pip(some, into, patience, env))
        with zipfile.ZipFile(wheel) as file, scratch(folder) as tools:
            file.extractall(tools)
            return pip(artifacts, folder, patience, env, tools)

    return _obtained([line.spark], cache, bring)[0]


def jars(
    line: Line,
    cache: Path,
    ivy: Path,
    java: Path,
    patience: Patience = Patience(),
    env: Mapping[str, str] = os.environ,
) -> list[Path]:
    """The line's jars for S3. ``ivy`` is Ivy's own jar, ``java`` the program.

    Raises BuildError: as ``spark``.
    """

    def bring(artifacts: list[Artifact], folder: Path) -> str:
        with scratch(folder) as home:
            module = ivy_module([each.id for each in artifacts], transitive=False)
            program = Ivy(ivy, java, ivy_settings(env) or quick_settings(home))
            return run_ivy(program, module, home, f"{folder}/[artifact]-[revision].[ext]", patience, env)

    return _obtained(list(line.jars), cache, bring)


def pip(
    artifacts: list[Artifact], folder: Path, patience: Patience, env: Mapping[str, str], tools: Path | None = None
) -> str:
    """Have pip bring artifacts into ``folder``; return what it said.

    ``tools`` is the folder of an unpacked setuptools. An artifact without a hash is taken as it is: only
    ``buildpack.lock`` has such. Raises BuildError.
    """
    program, path = client.pip_program()
    with scratch(folder) as home:
        (home / "requirements.txt").write_text("".join(map(_requirement, artifacts)), encoding="utf-8")
        command = [*program, "download", "--no-deps", "--no-binary", "pyspark", "--no-build-isolation", "--use-pep517"]
        command += ["--no-cache-dir", "--progress-bar", "off", "--no-input", "--disable-pip-version-check"]
        command += ["--retries", "1", "--dest", str(folder), "--requirement", "requirements.txt"]
        # TMPDIR: what pip unpacks goes when the folder goes, however pip ended.
        paths = os.pathsep.join(map(str, filter(None, [tools, path])))
        try:
            return run(command, home, patience, {**env, "PYTHONPATH": paths, "TMPDIR": str(home)})
        except _Failed as error:
            if _PIP_FOUND_OTHER in error.message:
                return error.message
            raise


def _requirement(artifact: Artifact) -> str:
    return f"{artifact.id} --hash=sha256:{artifact.sha256}\n" if artifact.sha256 else f"{artifact.id}\n"


def ivy_module(modules: Iterable[str], transitive: bool) -> str:
    """The ivy.xml that asks for modules (``org:module:version``), with what they need or without."""
    wanted = "\n".join(_dependency(module, transitive) for module in modules)
    return f"""\
<ivy-module version="2.0">
  <info organisation="sparkspace" module="jars"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{wanted}
  </dependencies>
</ivy-module>
"""


def _dependency(module: str, transitive: bool) -> str:
    org, name, version = map(quoteattr, module.split(":"))
    deep = str(transitive).lower()
    return f'    <dependency org={org} name={name} rev={version} transitive="{deep}" conf="default->default"/>'


def run_ivy(program: Ivy, module: str, home: Path, pattern: str, patience: Patience, env: Mapping[str, str]) -> str:
    """Have Ivy bring what ``module`` asks for to where ``pattern`` says; return what it said.

    ``home`` has Ivy's own cache. Raises BuildError.
    """
    (home / "ivy.xml").write_text(module, encoding="utf-8")
    command = [str(program.java), f"-Divy.default.ivy.user.dir={home}", "-jar", str(program.jar.absolute())]
    command += ["-settings", str(program.settings)] if program.settings else []
    # Maven's packaging "bundle" is a jar too: Jackson's, for example.
    command += ["-cache", f"{home}/cache", "-ivy", "ivy.xml", "-types", "jar", "bundle", "-retrieve", pattern]
    return run(command, home, patience, env)


def ivy_settings(env: Mapping[str, str]) -> Path | None:
    """The operator's settings of Ivy, which may name a mirror. Raises BuildError: they are named, and not there."""
    named = env.get("SPARKSPACE_IVY_SETTINGS")
    path = Path(named) if named else Path(env.get("HOME", "/")) / ".ivy2" / "ivysettings.xml"
    if path.is_file():
        return path.absolute()
    if named:
        raise BuildError(f"SPARKSPACE_IVY_SETTINGS names a file, but there is none: {client.masked(named)}")
    return None


def quick_settings(folder: Path) -> Path:
    """Ivy's own public repository, asked for jars alone: the table knows their dependencies and checksums already.

    37 jars took 10 s so, and 77 s with the POMs of all their parents.
    """
    path = folder / "ivysettings.xml"
    path.write_text(_QUICK, encoding="utf-8")
    return path


def run(command: list[str], folder: Path, patience: Patience, env: Mapping[str, str]) -> str:
    """Run a client in ``folder`` until it succeeds, a few times at most; return what it said, without credentials.

    The pauses are random, so that many builds that failed at once don't come back at once. Raises BuildError.
    """
    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_worth_another),
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=tenacity.wait_random_exponential(multiplier=patience.pause_s, max=20),
        reraise=True,
    )
    return trying(_once, command, folder, patience.limit_s, env)


def _is_worth_another(error: BaseException) -> bool:
    return isinstance(error, _Failed) and not any(each in error.message for each in (_NO_SPACE, _PIP_FOUND_OTHER))


def _once(command: list[str], folder: Path, limit_s: float, env: Mapping[str, str]) -> str:
    name = "Ivy" if "-jar" in command else "pip"
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, timeout=limit_s, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        # Not worth another: the build's own time would be up before.
        raise BuildError(f"{name} was stopped after {limit_s:g} s.\n{_last_lines(error.output)}", _network()) from error
    except OSError as error:
        raise BuildError(f"{name} can't be started with {command[0]}: {error.strerror}.") from error
    said = client.masked(done.stdout.decode(errors="replace"))
    if done.returncode:
        raise _Failed(f"{name} failed with exit code {done.returncode}.\n{_last_lines(done.stdout)}", _network())
    return said


def _last_lines(output: bytes | None) -> str:
    """The end of what a client said, where its reason is."""
    lines = [line.strip() for line in client.masked((output or b"").decode(errors="replace")).splitlines()]
    return "\n".join([line for line in lines if line][-_LAST_LINES:])


def _network() -> str:
    return "Try again. A mirror of your own is set with PIP_INDEX_URL, and SPARKSPACE_IVY_SETTINGS (a file)."


def _obtained(artifacts: list[Artifact], cache: Path, bring: Client) -> list[Path]:
    """Where the artifacts are in the cache, all of them sound. What is missing is fetched, at worst twice."""
    missing = [each for each in artifacts if not _is_kept(each, cache)]
    try:
        if missing := _fetched(missing, cache, bring, last=False):
            _fetched(missing, cache, bring, last=True)
    except (OSError, _Failed) as error:
        if _is_full(error):
            raise _full(artifacts, cache) from error
        raise
    return [_place(each, cache) for each in artifacts]


def _fetched(artifacts: list[Artifact], cache: Path, bring: Client, last: bool) -> list[Artifact]:
    """Fetch artifacts into the cache, and return those that came wrong.

    Raises BuildError: the client failed, or something came wrong and this is the ``last`` time.
    """
    if not artifacts:
        return []
    wrong = []
    with scratch(cache) as folder:
        said = bring(artifacts, folder)
        for each in artifacts:
            if fault := _fault(folder / each.file, each):
                wrong.append(each)
                report = _wrong(each, fault, said)
                if last:
                    raise report
                notice(*report.message.splitlines(), "It is fetched once more.")
            else:
                _keep(folder / each.file, each, cache)
    return wrong


def _is_kept(artifact: Artifact, cache: Path) -> bool:
    """Whether the cache has it, sound. A cache can be changed by every build of the app, so it is no witness."""
    place = _place(artifact, cache)
    if not place.exists():
        return False
    if fault := _fault(place, artifact):
        notice(f"{artifact.file} of the build cache is damaged ({fault}). It is removed and fetched again.")
        shutil.rmtree(place.parent)
        return False
    return True


def _keep(path: Path, artifact: Artifact, cache: Path) -> None:
    place = _place(artifact, cache)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, place)


def _place(artifact: Artifact, cache: Path) -> Path:
    return cache / artifact.sha256 / artifact.file


def _fault(path: Path, artifact: Artifact) -> str:
    """What is wrong with a file; empty if it is what the table names."""
    if not path.is_file():
        return "no such file"
    size, sha256 = path.stat().st_size, digest(path)
    return "" if (size, sha256) == (artifact.bytes, artifact.sha256) else f"{size} bytes, SHA-256 {sha256}"


def _wrong(artifact: Artifact, fault: str, said: str) -> BuildError:
    # pip throws away what has another hash, and tells it.
    got = re.search(r"Got\s+([0-9a-f]{64})", said)
    return BuildError(
        f"{artifact.id} came wrong.\n"
        f"From:     {_origin(said, artifact.file)}\n"
        f"Expected: {artifact.bytes} bytes, SHA-256 {artifact.sha256}\n"
        f"Found:    {f'SHA-256 {got[1]}' if got else fault}",
        "If a mirror or proxy stands between, it gives another file: have it forget that one. Else try again later;\n"
        "if it stays so, don't build: report it to sparkspace.",
    )


def _origin(said: str, file: str) -> str:
    """Where a file came from, in its client's words."""
    lines = [
        line.strip() for line in said.splitlines() if re.match(r"\s*(looking in|downloading|processing)", line, re.I)
    ]
    about = [line for line in lines if file in line or line.startswith("Looking in")]
    return "; ".join(about) or "its client did not say"


def _is_full(error: OSError | BuildError) -> bool:
    return error.errno == errno.ENOSPC if isinstance(error, OSError) else _NO_SPACE in error.message


def _full(artifacts: list[Artifact], cache: Path) -> BuildError:
    need = sum(each.bytes for each in artifacts) * _ROOM / _MB
    free = shutil.disk_usage(cache).free / _MB
    return BuildError(
        f"The disk is full: {artifacts[0].file} and what it is with need about {need:.0f} MB below {cache}, "
        f"and {free:.0f} MB are free.",
        "Make room, or on Heroku empty the build cache: heroku builds:cache:purge",
    )


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A folder below ``parent`` that goes in any case. In the cache, so that moving out of it is a rename."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=parent.absolute()) as folder:
        yield Path(folder)
