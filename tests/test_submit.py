"""A driver's JVM: what Spark's own launcher would start, or Spark's script where that would differ."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pyspark
import pytest

from buildpack import archives
from sparkspace import archive, conf, launch
from sparkspace.cluster import jvm, roles, submit

from . import launchers

HOME = Path(pyspark.__file__).parent
DEFAULTS = """\
spark.master=spark://a:7077
spark.driver.memory=700m
spark.driver.extraClassPath=/archives/classes.jar
spark.driver.defaultJavaOptions=-Da='b c' -XX:+UseSerialGC
"""
LAUNCHER = archive.Archive("", "", ("--add-opens=some",))
JVM = {"JAVA_HOME": "/jdk"}


def command(name: str, *args: str, **env: str) -> tuple[str, ...]:
    """Of a Spark with an archive."""
    return submit.Submit(HOME, LAUNCHER, {**JVM, **env}, conf.properties(DEFAULTS)).command(name, args)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("spark-submit", ["job.py"]),
        ("spark-submit", ["--load-spark-defaults", "--verbose", "job.py", "--master", "x", "-v"]),
        ("spark-submit", ["--driver-memory", "1g", "--conf", "spark.driver.memory=2g", "job.py"]),
        ("spark-submit", ["-c", "spark.driver.memory=2g", "--driver-memory=1g", "--conf=spark.a=b=c", "job.py"]),
        (
            "spark-submit",
            ["--driver-class-path", "/tmp:/a.jar::/usr/", "--jars", "a.jar", "--py-files=b.zip", "job.py"],
        ),
        ("spark-submit", ["--driver-java-options", "-Dx='y z' -Du=\"v w\"\t-Dz", "--name", "a b", "job.py", "", "x y"]),
        ("spark-submit", ["--conf", "spark.driver.defaultJavaOptions=", "--class", "my.Main", "job.py", "--help"]),
        ("spark-shell", ["--class", roles.SHELL_CLASS, "--load-spark-defaults", "--conf", "spark.a=b"]),
        ("spark-shell", ["--name", "mine", "--driver-memory", "1g"]),
    ],
)
def test_the_command_is_that_of_sparks_own_launcher(tmp_path: Path, name: str, args: list[str]) -> None:
    """Option by option, for this very version. The user's flags come in another order, which is nothing to Spark."""
    (tmp_path / "spark-defaults.conf").write_text(DEFAULTS)
    java_home = launch.java_home(os.environ)
    found = archive.find(HOME, java_home)
    assert found.launcher, "scripts/setup dev makes the archives"
    env = {"SPARK_CONF_DIR": str(tmp_path), "SPARK_HOME": str(HOME), "JAVA_HOME": str(java_home)}
    env |= {"SPARK_SUBMIT_OPTS": "-Ds='u v'", **jvm.exported(HOME)}
    env |= submit.exported(name, env)
    said = [*submit.SHELL, *args] if name == "spark-shell" else args
    theirs = archives.launched(java_home, [submit.SUBMIT_CLASS, *said], env)
    found_out = submit.Submit(HOME, found, env, conf.properties(DEFAULTS)).command(name, args)
    ours = [word.replace(jvm.CONF_DIR, str(tmp_path)) for word in found_out]
    at = theirs.index(submit.SUBMIT_CLASS)
    assert ours[: at + 1] == theirs[: at + 1]
    end = len(args) - args.index("job.py") if "job.py" in args else 1
    assert ours[-end:] == theirs[-end:]
    assert effect(ours[at + 1 : -end]) == effect(theirs[at + 1 : -end])


def effect(words: list[str]) -> dict[str, str]:
    """What flags come to: of two the later counts."""
    found, rest = {}, iter(words)
    for flag in rest:
        value = "" if flag in ("--verbose", "--load-spark-defaults") else next(rest)
        name, _, text = value.partition("=") if flag in submit.CONF else (flag, "", value)
        found[name] = text
    return found


@pytest.mark.parametrize(
    "words",
    [
        "", "--version", "--help job.py", "--status x job.py", "--deploy-mode cluster job.py", "--remote sc://x job.py",
        "--properties-file x job.py", "--proxy-user x job.py", "--new-flag x job.py", "--conf spark.a job.py",
        "--conf spark.submit.deployMode=cluster job.py", "--conf spark.remote=sc://x job.py", "run-example SparkPi",
        "--conf spark.api.mode=connect job.py", "--conf spark.driver.extraLibraryPath=/x job.py", "pyspark-shell-main",
        "--conf spark.driver.extraJavaOptions=-Xmx9g job.py", "--conf spark.driver.extraJavaOptions=' job.py",
        "--class org.apache.spark.sql.hive.thriftserver.HiveThriftServer2 x", "--driver-library-path /x job.py",
        "--class org.apache.spark.repl.Main spark-shell", "--conf spark.driver.memory= job.py", "--jars= job.py",
        "--conf spark.driver.defaultExtraClassPath=/x.jar job.py", "--conf spark.remote= job.py", "-c=a=b job.py",
        '--driver-java-options -Da="b\\c" job.py', "--driver-java-options -Da\v-Db job.py", "--name\r x job.py",
        "--name x\r job.py", "job.py\r",
    ],
)  # fmt: skip
def test_sparks_script_finds_out_what_is_not_usual(words: str) -> None:
    assert command("spark-submit", *(words.split(" ") if words else ())) == ()


@pytest.mark.parametrize(
    "words",
    ["-i x.scala", "--help", "x", "--properties-file x", "--packages", "--class org.apache.spark.sql.connect.x.Server"],
)
def test_sparks_script_finds_out_what_a_shell_is_told(words: str) -> None:
    assert command("spark-shell", *words.split()) == ()


def test_a_shell_says_and_exports_what_sparks_script_does(tmp_path: Path) -> None:
    fake = launchers.fake_spark(tmp_path / "spark")
    env = {"PATH": launchers.PATH, "SPARK_SUBMIT_OPTS": "-Da"}
    script = [HOME / "bin" / "spark-shell", "--name", "x y"]
    done = subprocess.run(script, env={**env, "SPARK_HOME": str(fake)}, capture_output=True, text=True, check=True)
    given = json.loads(done.stdout)
    assert given["argv"][1:] == [*submit.SHELL, "--name", "x y"]
    ours = submit.exported("spark-shell", env)
    assert ours.pop("PYTHONHASHSEED") == "0"  # that is spark-submit's
    of_bash = ("PATH", "SPARK_HOME", "_SPARK_CMD_USAGE", "LC_CTYPE", *OF_A_SHELL)
    assert {name: value for name, value in given["env"].items() if name not in of_bash} == ours


@pytest.mark.parametrize("name", ["pyspark", "spark-sql"])
def test_other_scripts_do_more_than_that(name: str) -> None:
    assert command(name, "job.py") == ()


@pytest.mark.parametrize("variable", submit.VARIABLES)
def test_sparks_script_minds_variables_of_its_own(variable: str) -> None:
    assert command("spark-submit", "job.py")[-1] == "job.py"
    assert command("spark-submit", "job.py", **{variable: "x"}) == ()


def test_without_an_archive_nobody_knows_the_options() -> None:
    unknown = submit.Submit(HOME, archive.NONE, JVM, conf.properties(DEFAULTS))
    assert unknown.command("spark-submit", ["job.py"]) == ()


ENVIRONMENT = "import json, os, sys; print(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ)}))"
OF_A_SHELL = ("_", "SHLVL", "OLDPWD", "PWD", "SPARK_LAUNCHER_OPTS", "SPARK_BEELINE_OPTS", "PYSPARK_GATEWAY_PORT",
              "PYSPARK_GATEWAY_SECRET")  # fmt: skip


@pytest.mark.spark
def test_a_program_sees_what_it_sees_by_sparks_script(dyno: dict[str, str], tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text(ENVIRONMENT)
    real = {
        name: value for name, value in dyno.items() if not name.startswith(("BASH_ENV", "JAVA", "PYTHON", "SPARK_HOME"))
    }
    args = ["--master", "local[1]", str(job), "a b", "--conf"]
    direct = launchers.run("spark-submit", *args, env=real)
    scripted = launchers.run("spark-submit", *args, env={**real, "SPARK_LAUNCHER_OPTS": "-Da=b"})
    assert "SPARK_BEELINE_OPTS" in scripted.echo["env"] and "SPARK_BEELINE_OPTS" not in direct.echo["env"]
    seen = [{**ended.echo, "env": without(ended.echo["env"])} for ended in (direct, scripted)]
    assert seen[0] == seen[1]
    assert seen[0]["argv"] == ["a b", "--conf"]


def without(env: dict[str, str]) -> dict[str, str]:
    """But for what bash adds, what makes the difference, and the gateway's port."""
    return {name: value for name, value in env.items() if name not in OF_A_SHELL}
