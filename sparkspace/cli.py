"""Name → command, and the only place where an error becomes an exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from .errors import ConfigError, SparkspaceError, UsageError
from .log import event, notice

# File in bin/ → module in commands/.
LAUNCHERS = {
    "class-server": "class_server",
    "console": "console",
    "master-url": "master_url",
    "notebook": "notebook",
    "pyspark": "client",
    "space-proxy": "space_proxy",
    "spark-history": "daemon",
    "spark-master": "daemon",
    "spark-master-with-graceful-cycling": "daemon",
    "spark-shell": "client",
    "spark-sql": "client",
    "spark-submit": "client",
    "spark-worker": "daemon",
    "zeppelin": "zeppelin",
    "zookeeper": "zookeeper",
}

# Word after bin/sparkspace → module in commands/ and the line of the help. Heroku's own spellings are taken too.
COMMANDS = {
    "demo": ("demo", "install what is missing, open a box, run a real job in it, close it"),
    "up": ("up", "open a box: a Private Space on this machine, from the Procfile"),
    "down": ("down", "close the box, and clean up after one that died"),
    "ps": ("ps", "list the dynos of the box"),
    "scale": ("scale", "scale worker=3, worker=2:Private-L, worker+1"),
    "restart": ("restart", "restart one dyno, a process type, or all"),
    "stop": ("stop", "stop a dyno or a process type"),
    "run": ("run", "run a command in a one-off dyno, with a terminal"),
    "run:inside": ("run_inside", "run a command inside a running dyno"),
    "logs": ("logs", "show the log, or follow it with --tail"),
    "env": ("env", 'print what the heroku command needs to drive the box: eval "$(bin/sparkspace env)"'),
    "open": ("open", "print the URL of the web process, and open it in a browser"),
    "config": ("config", "show config vars; config:get, config:set, config:unset"),
    "push": ("push", "send changed code to a session on the cluster, within a second"),
    "status": ("status", "show masters, workers and applications"),
    "wait": ("wait", "wait until so many workers are registered"),
    "doctor": ("doctor", "run a real job, and say what is wrong when it fails"),
    "autoscale": ("autoscale", "show how the number of workers would follow the work"),
    "cycle": ("cycle", "drain and restart workers one at a time, so that nothing is lost"),
    "upgrade": ("upgrade", "move the app to another version of Spark"),
    "zeppelin": ("zeppelin_configure", "configure the Spark interpreter of a running Zeppelin"),
    "conf": ("conf", "show the conf files that would be rendered, secrets masked"),
}
ALIASES = {"ps:scale": "scale", "ps:restart": "restart", "dyno:restart": "restart", "ps:stop": "stop"}
FAMILIES = {"config:get": "config", "config:set": "config", "config:unset": "config"}


def main(argv: Sequence[str]) -> int:
    """Run ``argv`` (the name of the launcher, then its arguments) and return the exit code."""
    try:
        code = run(argv, environment(os.environ))
        sys.stdout.flush()  # here, where a reader that has gone can be dealt with
        return code
    except SparkspaceError as error:
        event("fatal", reason=error.reason)
        notice(*(error.lines() if os.environ.get("DYNO") else map(for_the_box, error.lines())))
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains while it ends
        return 128 + signal.SIGPIPE


def for_the_box(line: str) -> str:
    """A cure as one types it beside a box: there its config vars are set by our own command."""
    return line.replace("heroku config:", "bin/sparkspace config:")


def run(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Dispatch.

    Raises:
        UsageError: there is no such command.
    """
    name, *args = argv
    if name in LAUNCHERS:
        return call(LAUNCHERS[name], name, args, env)
    if not args or args[0] in ("help", "--help", "-h"):
        print(overview())
        return 0
    word = ALIASES.get(args[0], args[0])
    if word in FAMILIES:
        return call(FAMILIES[word], word, args[1:], env)
    if word not in COMMANDS:
        raise unknown(word)
    return call(COMMANDS[word][0], word, args[1:], env)


def call(module: str, name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Import the one command that is asked for, and run it."""
    command = importlib.import_module(f".commands.{module}", __package__)
    code: int = command.run(name, args, env)
    return code


def environment(env: MutableMapping[str, str]) -> Mapping[str, str]:
    """The real environment; outside a dyno, with the current folder's ``.env`` beneath it, as ``heroku local`` does."""
    if env.get("DYNO") or not Path(".env").is_file():
        return env
    from dotenv import dotenv_values  # not on the path of a dyno

    try:
        beneath = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    except UnicodeDecodeError:
        raise ConfigError(".env", "must be text in UTF-8") from None
    return {**beneath, **env}


def unknown(word: str) -> UsageError:
    """The error for a word that is no command, with the nearest one."""
    near = difflib.get_close_matches(word, COMMANDS, 1)
    return UsageError(
        f"{word!r} is not a sparkspace command." + (f" Did you mean {near[0]}?" if near else ""),
        "See them all with: bin/sparkspace help",
    )


def overview() -> str:
    """The help page."""
    lines = [f"  {word:<12} {text}" for word, (_, text) in COMMANDS.items()]
    head = "Usage: bin/sparkspace COMMAND [ARGUMENTS]   (each has --help)\n"
    return "\n".join([head, *lines])
