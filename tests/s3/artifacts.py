"""The store that the tests of S3 talk to, fetched once by the Ivy that Spark itself has, and kept in ``.venv``."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pyspark

from buildpack import fetch

ROOT = Path(__file__).resolve().parent.parent.parent
STORE = Path(__file__).with_name("store.txt")  # org.gaul:s3proxy, and all it needs to keep objects in memory
# A dyno has a link to .venv, wherever else it may not see what is outside of it.
CACHE = ROOT / ".venv" / "s3"
PORT = 9000
KEY, SECRET = "AKIA-the-key-of-the-bucket", "wJalr-the-secret-of-the-bucket/+="
# The provider keeps a flat table of names, as S3 does. With transient-nio2, its successor, "a" is there when "a/" is.
S3PROXY = f"""\
s3proxy.endpoint=http://0.0.0.0:{PORT}
s3proxy.authorization=aws-v4
s3proxy.ignore-unknown-headers=true
s3proxy.identity={KEY}
s3proxy.credential={SECRET}
jclouds.provider=transient
jclouds.identity=unused
jclouds.credential=unused
"""
LOGBACK = """\
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%m%n</pattern></encoder></appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
"""


def configure(folder: Path) -> None:
    """Write what the store reads into the folder that it is started in."""
    (folder / "s3proxy.properties").write_text(S3PROXY)
    (folder / "logback.xml").write_text(LOGBACK)


def command(jars: Path) -> str:
    """What starts the store, once it has been configured."""
    return (
        f"java -Xmx256m -XX:TieredStopAtLevel=1 -Dlogback.configurationFile=logback.xml "
        f'-cp "{jars}/*" org.gaul.s3proxy.Main --properties s3proxy.properties'
    )


def server() -> Path:
    """The folder with the store's jars, named after their versions."""
    folder = CACHE / hashlib.sha256(STORE.read_bytes()).hexdigest()[:8]
    if not folder.exists():
        bring(folder)
    return folder


def bring(folder: Path) -> None:
    """Have Ivy copy the jars."""
    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    java = Path(shutil.which("java") or "java")
    module = fetch.ivy_module(STORE.read_text().split(), transitive=False)
    with fetch.scratch(CACHE) as home:
        program = fetch.Ivy(ivy, java, fetch.ivy_settings(os.environ) or fetch.quick_settings(home))
        fetch.run_ivy(program, module, home, f"{home}/jars/[artifact]-[revision].[ext]", fetch.Patience(), os.environ)
        try:
            (home / "jars").replace(folder)
        except OSError:
            if not folder.exists():  # or another process of the tests was first
                raise
