"""A build as Heroku runs it: the buildpack's programs in an empty environment, in a folder that will be ``/app``."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sparkspace import launch
from sparkspace.box import network
from sparkspace.proxy import nginx

from ..launchers import FACTS

ROOT = Path(__file__).resolve().parent.parent.parent
# Without HOME, which is /app there: root would make that folder here.
STACK = {"STACK": "heroku-24", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}
# What the buildpacks before ours have a dyno source.
PROFILES = {
    "000_apt.sh": 'export PATH="$HOME/.apt/usr/bin:$HOME/.apt/usr/local/bin:$PATH"\n',
    "jvmcommon.sh": 'export JAVA_HOME="$HOME/.jdk"\nexport PATH="$HOME/.heroku/bin:$JAVA_HOME/bin:$PATH"\n'
    'export JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=80.0 -Dfile.encoding=UTF-8"\n',
    "python.sh": 'export PATH="$HOME/.heroku/python/bin:$PATH"\nexport PYTHONPATH="${PYTHONPATH:-$HOME}"\n'
    'export LD_LIBRARY_PATH="$HOME/.heroku/python/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n',
}
# A root like this machine's, but with an /app of its own, and in it the link that heroku/python makes for its build.
BUILD_DYNO = """
set -e
root=$1; app=$2; shift 2
mount -t tmpfs none "$root"
for place in /*; do
    if [ -L "$place" ]; then cp -P "$place" "$root$place"
    elif [ -d "$place" ] && [ "$place" != /app ]; then mkdir "$root$place"; mount --rbind "$place" "$root$place"; fi
done
mkdir -p "$root/app/.heroku"
ln -s "$app/.heroku/python" "$root/app/.heroku/python"
exec /usr/sbin/chroot "$root" "$@"
"""


@dataclass(frozen=True)
class Slug:
    """A folder that is built, the cache that builds share, and a folder of config vars."""

    folder: Path
    cache: Path
    env_dir: Path
    has_app: bool = False  # the build sees an /app

    def write(self, files: dict[str, str]) -> None:
        """Files of the app."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, newline="")

    def run(self, program: str, buildpack: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one of the buildpack API's programs."""
        command = [str(buildpack / "bin" / program), *map(str, (self.folder, self.cache, self.env_dir))]
        with tempfile.TemporaryDirectory() as root:
            return subprocess.run(
                [*(build_dyno(root, self.folder) if self.has_app else []), *command],
                env={**STACK, "HOME": str(self.cache), **env}, capture_output=True, text=True, timeout=900,
            )  # fmt: skip

    def boot(self, command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a dyno of this slug does: what the buildpacks put into .profile.d first."""
        profile = f'cd "$HOME"; for f in .profile.d/*.sh; do . "$f"; done; {command}'
        env = {**STACK, **FACTS, "HOME": str(self.folder), **env}
        return subprocess.run(["bash", "-c", profile], env=env, capture_output=True, text=True, timeout=300)

    def pack(self, archive: Path, *others: Path) -> None:
        """What the slug compiler makes of it in the end, with the files of other folders over it."""
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for folder in (self.folder, *others):
                tar.add(folder, "./app")


def build_dyno(root: str, app: Path) -> list[str]:
    """The command before a build's own that gives it an ``/app``."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--propagation", "private", "--", "sh", "-c", BUILD_DYNO, "sh", root, str(app)]


def compressed(folder: Path, files: list[Path]) -> int:
    """Bytes of files as a slug has them: packed, and compressed as one."""
    counter = Counter()
    zipped = gzip.GzipFile(fileobj=counter, mode="wb", compresslevel=6)  # type: ignore[call-overload]
    with zipped, tarfile.open(fileobj=zipped, mode="w|") as tar:
        for path in sorted(files):
            tar.add(path, path.relative_to(folder), recursive=False)
    return counter.bytes


class Counter:
    """A file that only counts."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def slug(folder: Path, cache: Path, python: str = sys.executable, java: Path | None = None) -> Slug:
    """An empty app, after the buildpacks for apt's packages, Java and Python."""
    lay_python(folder / ".heroku" / "python", python)
    java = java or launch.java_home({"PATH": STACK["PATH"]})
    unwanted = shutil.ignore_patterns("jmods", "src.zip", "man", "demo")
    shutil.copytree(java, folder / ".jdk", ignore=unwanted, ignore_dangling_symlinks=True)
    programs = folder / ".apt" / "usr" / "sbin"
    programs.mkdir(parents=True)
    shutil.copy(nginx.find({"PATH": STACK["PATH"]}), programs)
    (folder / ".profile.d").mkdir()
    for name, text in PROFILES.items():
        (folder / ".profile.d" / name).write_text(text)
    vars = folder.with_name(f"{folder.name}-env")
    vars.mkdir()
    return Slug(folder, cache, vars, has_app=not network.lack_of_namespaces())


def lay_python(folder: Path, python: str) -> None:
    """A Python that does not mind where it lies. Where it is the system's own, a link: a stack image has one too."""
    asked = "import sys; print(sys.base_prefix, 'python{}.{}'.format(*sys.version_info[:2]))"
    said = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True, cwd="/").stdout
    base, version = Path(said.split()[0]), said.split()[1]
    if base == Path("/usr"):
        subprocess.run([python, "-m", "venv", folder], check=True)
        return
    unwanted = shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a")
    shutil.copytree(base / "lib" / version, folder / "lib" / version, ignore=unwanted)
    (folder / "lib" / version / "site-packages").mkdir()
    (folder / "bin").mkdir()
    shutil.copy(base / "bin" / version, folder / "bin")
    (folder / "bin" / "python3").symlink_to(version)
    for library in (base / "lib").glob("libpython*.so*"):  # heroku/python's has one too
        shutil.copy(library, folder / "lib", follow_symlinks=False)
    installed = [str(folder / "bin" / "python3"), "-m", "ensurepip", "--default-pip"]
    subprocess.run(installed, check=True, capture_output=True, env=STACK)


def lay_repository(made: Slug) -> None:
    """Make the app this repository, as a push of it is built."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(is_packed, listed.stdout.splitlines()):
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, made.folder / name)


def is_packed(name: str) -> bool:
    """Whether a file of the repository is there, and not one that Heroku removes before a build."""
    ignored = (ROOT / ".slugignore").read_text().split()
    return (ROOT / name).is_file() and not any(f"/{name}".startswith(place) for place in ignored)


def bare(folder: Path) -> Slug:
    """An empty app, and nothing before us."""
    (folder / "app").mkdir()
    (folder / "env").mkdir()
    return Slug(folder / "app", folder / "cache", folder / "env")


def pretend(made: Slug, python: str = "3.12", java: str = "17.0.15") -> None:
    """Folders that look like those of heroku/python and heroku/jvm, for builds that end before they run them."""
    (made.folder / ".heroku" / "python" / "lib" / f"python{python}" / "site-packages").mkdir(parents=True)
    (made.folder / ".heroku" / "python" / "bin").mkdir()
    (made.folder / ".heroku" / "python" / "bin" / "python3").symlink_to(shutil.which("python3") or sys.executable)
    (made.folder / ".jdk" / "bin").mkdir(parents=True)
    (made.folder / ".jdk" / "bin" / "java").write_text("")
    (made.folder / ".jdk" / "release").write_text(f'JAVA_VERSION="{java}"\n')
