"""A real Zeppelin 0.10.0, put together from its own jars, as Maven has them.

The distribution can't be had everywhere. The server is whole but for the web pages, and the Spark interpreter (0.10.1)
but for the Scala shell: these are not among the jars. Its scripts are not either; those below do what they do for a
server and for the Spark interpreter.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId>
  <artifactId>zeppelin-{name}</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.zeppelin</groupId>
      <artifactId>{name}</artifactId>
      <version>{version}</version>
    </dependency>
  </dependencies>
</project>
"""
SERVER = """\
#!/bin/sh
export ZEPPELIN_WAR="$ZEPPELIN_HOME/war" ZEPPELIN_ANGULAR_WAR="$ZEPPELIN_HOME/next"
mkdir -p "$ZEPPELIN_WAR_TEMPDIR" "$ZEPPELIN_NOTEBOOK_DIR"
exec "$JAVA_HOME/bin/java" -Dfile.encoding=UTF-8 -Xmx512m -cp "$ZEPPELIN_CONF_DIR:$ZEPPELIN_HOME/lib/*" \\
    org.apache.zeppelin.server.ZeppelinServer
"""
# ZEPPELIN_SPARK_CONF has the options of spark-submit, with bars between. Spark's jars come first: some of the
# interpreter's have an older Netty.
INTERPRETER = """\
#!/bin/bash
while getopts "d:c:p:r:i:u:l:g:" option; do declare "of_$option=$OPTARG"; done
IFS='|' read -ra conf <<< "$ZEPPELIN_SPARK_CONF"
jars=$(echo "$of_d"/*.jar "$ZEPPELIN_HOME"/interpreter/zeppelin-interpreter-shaded-*.jar | tr ' ' ':')
exec "$SPARK_HOME/bin/spark-submit" --class org.apache.zeppelin.interpreter.remote.RemoteInterpreterServer \\
    --driver-class-path "$SPARK_HOME/jars/*:$ZEPPELIN_CONF_DIR:$jars" "${conf[@]}" \\
    "$of_d"/spark-interpreter-*.jar "$of_c" "$of_p" "$of_i" "$of_r" 2>&1
"""
# What the interpreter needs of all that Maven brings for it; the rest is in the shaded jar, or Spark's.
PARTS = ("spark-", "spark1-", "spark2-", "spark3-", "zeppelin-", "r-", "commons-exec-", "kotlin", "trove4j-")


def assembled(spark_home: Path, java_home: Path, cache: Path) -> Path:
    """``ZEPPELIN_HOME`` for a Spark of Scala 2.12: made once, and kept for the next run."""
    key = hashlib.sha256(f"{spark_home}{POM}{SERVER}{INTERPRETER}{PARTS}{source().read_text()}".encode()).hexdigest()
    home = cache / "zeppelin" / f"0.10.0-{key[:12]}"
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as fresh:
            make(Path(fresh) / "home", spark_home, java_home)
            (Path(fresh) / "home").rename(home)
    return home


def source() -> Path:
    """What stands for the Scala shell."""
    return HERE / "SparkScala212Interpreter.java"


def make(home: Path, spark_home: Path, java_home: Path) -> None:
    """Fill the folder as the distribution's is."""
    spark = home / "interpreter" / "spark"
    (spark / "scala-2.12").mkdir(parents=True)
    fetch("zeppelin-server", "0.10.0", home / "lib")
    fetch("spark-interpreter", "0.10.1", home / "all")
    for jar in (home / "all").iterdir():
        if jar.name.startswith("zeppelin-interpreter-shaded-"):
            jar.rename(spark.parent / jar.name)
        elif jar.name.startswith(PARTS):
            jar.rename(spark / jar.name)
    shutil.rmtree(home / "all")
    # The distribution's interpreter is one jar; here others have a file of this name, too.
    with zipfile.ZipFile(next(spark.glob("spark-interpreter-*.jar"))) as jar:
        jar.extract("interpreter-setting.json", spark)
    for name in ("war", "next"):
        (home / name).mkdir()
    for name, text in {"zeppelin.sh": SERVER, "interpreter.sh": INTERPRETER}.items():
        (home / "bin").mkdir(exist_ok=True)
        (home / "bin" / name).write_text(text)
        (home / "bin" / name).chmod(0o755)
    compile_into(spark / "scala-2.12", [*spark.glob("*.jar"), *spark.parent.glob("*.jar")], spark_home, java_home)


def fetch(name: str, version: str, folder: Path) -> None:
    """One of Zeppelin's jars, with all that it needs."""
    with tempfile.TemporaryDirectory() as project:
        (Path(project) / "pom.xml").write_text(POM.format(name=name, version=version))
        command = ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        run([*command, f"-DoutputDirectory={folder}"], project)


def compile_into(folder: Path, jars: list[Path], spark_home: Path, java_home: Path) -> None:
    """``source()``, as a jar in a folder."""
    path = os.pathsep.join([*map(str, jars), f"{spark_home}/jars/*"])
    with tempfile.TemporaryDirectory() as classes:
        run([str(java_home / "bin" / "javac"), "-nowarn", "-d", classes, "-cp", path, str(source())], classes)
        shutil.make_archive(str(folder / "session"), "zip", classes)
        (folder / "session.zip").rename(folder / "session.jar")


def run(command: list[str], folder: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
