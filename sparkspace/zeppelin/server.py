"""The Zeppelin of a dyno: what its Spark interpreter begins with, whom it lets in, and the command to become.

Nothing here acts. Zeppelin is run as its own ``bin/zeppelin.sh`` does in the foreground, and told by environment
variables (``ZeppelinConfiguration.ConfVars``) and the files of its conf folder.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .. import launch, ports
from ..cluster import roles
from ..config import users
from ..config.users import User
from ..errors import ConfigError, LaunchError
from ..sizing import Executor
from . import setting, versions

# Where the build puts it (buildpack/zeppelin.py).
BUILT = Path(__file__).resolve().parent.parent.parent / ".heroku" / "sparkspace-zeppelin"
TEMPLATE = "interpreter-setting.json"
ITERATIONS = 50_000
OPTION = {"remote": True, "port": -1, "isExistingProcess": False, "setPermission": False, "owners": []}
# Zeppelin 0.10 reads the first, later ones the second. At INFO a launcher prints the environment, with the secret.
LOG = {
    "log4j.properties": """\
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n
log4j.logger.org.apache.zeppelin.interpreter.launcher=WARN
""",
    "log4j2.properties": """\
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n
logger.launcher.name=org.apache.zeppelin.interpreter.launcher
logger.launcher.level=warn
""",
}


def launched(place: roles.Place, executor: Executor, args: list[str]) -> roles.Launch:
    """What ``bin/zeppelin`` becomes: its conf files and its command. ``args`` are handed to ``zeppelin.sh``.

    Raises:
        ConfigError: there is no secret, or nobody who could log in.
        LaunchError: there is no Zeppelin, or it does not run on this Spark.
    """
    found = home(place.env)
    versions.refuse_other(version(found), launch.spark_version(launch.spark_home(place.env)))
    place = setting.elastic(place)
    properties = dict(setting.wanted(place, executor).properties)
    env = environment(place, found)
    properties |= {name: env[name] for name in (setting.SPARK_HOME, setting.PYTHON)}
    files = {
        "interpreter.json": json.dumps(interpreters(template(found), properties), indent=2),
        "shiro.ini": logins(place.settings.proxy_users),
        **LOG,
    }
    return roles.Launch(files, (str(found / "bin" / "zeppelin.sh"), *args), env)


def home(env: Mapping[str, str]) -> Path:
    """Where Zeppelin is: ``ZEPPELIN_HOME``, or what the build has installed.

    Raises:
        LaunchError: there is none.
    """
    found = Path(env.get("ZEPPELIN_HOME") or BUILT)
    if (found / "bin" / "zeppelin.sh").is_file():
        return found
    if env.get("ZEPPELIN_HOME"):
        raise LaunchError(f"ZEPPELIN_HOME is {found}, and there is no bin/zeppelin.sh.", "Set it to Zeppelin's folder.")
    newest, spark = list(versions.SPARKS)[-1], launch.spark_version(launch.spark_home(env))
    raise LaunchError(
        "There is no Zeppelin: a build leaves it out unless it is told which.",
        ("" if versions.runs_on(newest, spark) else f"{versions.cure(spark)}\n")
        + f"heroku config:set SPARKSPACE_ZEPPELIN_VERSION={newest}, and build again: git push heroku HEAD:main\n"
        "Or unpack one, and set ZEPPELIN_HOME to its folder.",
    )


def version(home: Path) -> str:
    """The version in the name of Zeppelin's own jar.

    Raises:
        LaunchError: there is none, or more than one.
    """
    jars = [*home.glob("zeppelin-server-*.jar"), *home.glob("lib/zeppelin-server-*.jar")]
    if len(jars) != 1:
        raise LaunchError(f"{home} has {len(jars)} files zeppelin-server-*.jar, but must have one.", "Install it anew.")
    return jars[0].stem.removeprefix("zeppelin-server-")


def template(home: Path) -> list[dict[str, Any]]:
    """What Zeppelin's Spark interpreter has before anybody has set anything: a file, or in its jar.

    Raises:
        LaunchError: it is nowhere.
    """
    folder = home / "interpreter" / "spark"
    try:
        if (folder / TEMPLATE).is_file():
            text = (folder / TEMPLATE).read_text(encoding="utf-8")
        else:
            with zipfile.ZipFile(next(folder.glob("spark-interpreter-*.jar"))) as jar:
                text = jar.read(TEMPLATE).decode()
        found: list[dict[str, Any]] = json.loads(text)
        return found
    except (StopIteration, KeyError, OSError, ValueError, zipfile.BadZipFile):
        raise LaunchError(f"{folder} has no Spark interpreter.", "Install Zeppelin anew.") from None


def interpreters(template: Iterable[dict[str, Any]], properties: Mapping[str, str]) -> dict[str, Any]:
    """``interpreter.json`` with a Spark interpreter that is configured. Others Zeppelin adds when it reads it.

    Source: ``InterpreterInfoSaving``; names of its interpreters it takes from the template (``loadFromFile``).
    """
    found: dict[str, Any] = {}
    for each in template:
        for name, about in each.get("properties", {}).items():
            entry = {"name": name, "value": about.get("defaultValue"), "type": about.get("type", "string")}
            found.setdefault(name, entry | {"description": about.get("description", "")})
    fresh = {"id": "spark", "name": "spark", "group": "spark", "status": "READY", "properties": found}
    changed = setting.changed(fresh, setting.changes(fresh, properties))
    spark = {**fresh, **changed, "interpreterGroup": [], "dependencies": [], "option": OPTION}
    return {"interpreterSettings": {"spark": spark}}


def logins(some: tuple[User, ...]) -> str:
    """``shiro.ini``: the users of Spark's pages, by the same passwords. Nothing but the version is for others.

    Raises:
        ConfigError: of none of them the password is known.
    """
    lines = [f"{name} = {hashed(password)}, admin" for name, password in known(some).items()]
    if not lines:
        raise ConfigError(
            users.VAR, "must have a user with a {PLAIN} password: Zeppelin checks it by itself", example=users.EXAMPLE
        )
    return "\n".join(
        [
            "[users]",
            *lines,
            "[main]",
            "passwordMatcher = org.apache.shiro.authc.credential.PasswordMatcher",
            "iniRealm.credentialsMatcher = $passwordMatcher",
            "sessionManager = org.apache.shiro.web.session.mgt.DefaultWebSessionManager",
            "securityManager.sessionManager = $sessionManager",
            "shiro.loginUrl = /api/login",
            "[roles]",
            "admin = *",
            "[urls]",
            "/api/version = anon",
            "/** = authc",
            "",
        ]
    )


def known(some: tuple[User, ...]) -> dict[str, str]:
    """Name → password of the users whose password is known, and whose name an ini file can have."""
    plain = (user for user in some if user.check.startswith("{PLAIN}") and re.fullmatch(r"[\w.@-]+", user.name))
    return {user.name: user.check.removeprefix("{PLAIN}") for user in plain}


def hashed(password: str) -> str:
    """As Shiro writes it, ``$shiro1$SHA-256$…`` (``Shiro1CryptFormat``): the password itself is to be in no file."""
    salt = os.urandom(16)
    digest = hashlib.sha256(salt + password.encode()).digest()
    for _ in range(ITERATIONS - 1):
        digest = hashlib.sha256(digest).digest()
    parts = (base64.b64encode(each).decode() for each in (salt, digest))
    return f"$shiro1$SHA-256${ITERATIONS}${'$'.join(parts)}"


def environment(place: roles.Place, home: Path) -> dict[str, str]:
    """A driver's, for the interpreters that Zeppelin starts, with what Zeppelin itself is told."""
    folder = Path(tempfile.gettempdir()) / "zeppelin"
    return {
        **roles.driver_environment(place),
        "ZEPPELIN_HOME": str(home),
        "ZEPPELIN_ADDR": place.dyno.private_ip,
        "ZEPPELIN_LOCAL_IP": place.dyno.private_ip,
        "ZEPPELIN_PORT": str(ports.ZEPPELIN),
        "ZEPPELIN_RUN_MODE": "local",  # "auto" looks for Kubernetes
        "ZEPPELIN_IDENT_STRING": place.dyno.name,  # without it the server ends when it can't read from a terminal
        "ZEPPELIN_LOG_DIR": str(folder / "logs"),
        "ZEPPELIN_PID_DIR": str(folder / "run"),
        "ZEPPELIN_WAR_TEMPDIR": str(folder / "webapps"),
        "ZEPPELIN_INTERPRETER_LOCALREPO": str(folder / "local-repo"),
        "ZEPPELIN_SEARCH_INDEX_PATH": str(folder / "index"),
        **notebooks(place, folder),
    }


def notebooks(place: roles.Place, folder: Path) -> dict[str, str]:
    """Where notebooks are: beside those of JupyterLab in the bucket, or on a disk.

    Source: ``S3NotebookRepo``, whose objects are ``<user>/notebook/…``. It takes keys and region from the environment.
    """
    url, s3 = urlsplit(place.settings.notebooks_dir), place.settings.s3
    if url.scheme != "s3a" or s3 is None:
        return {
            "ZEPPELIN_NOTEBOOK_DIR": str(Path(unquote(url.path)) / "zeppelin" if url.path else folder / "notebooks")
        }
    return {
        "ZEPPELIN_NOTEBOOK_DIR": str(folder / "notebooks"),
        "ZEPPELIN_NOTEBOOK_STORAGE": "org.apache.zeppelin.notebook.repo.S3NotebookRepo",
        "ZEPPELIN_NOTEBOOK_S3_BUCKET": url.netloc,
        "ZEPPELIN_NOTEBOOK_S3_USER": f"{url.path.strip('/')}/zeppelin".lstrip("/"),
        "ZEPPELIN_NOTEBOOK_S3_ENDPOINT": s3.endpoint or f"s3.{s3.region}.amazonaws.com",
        "ZEPPELIN_NOTEBOOK_S3_PATH_STYLE_ACCESS": str(bool(s3.endpoint)).lower(),
    }
