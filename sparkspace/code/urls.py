"""Where the class server has a class or a function: ``url_of``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from urllib.parse import quote

from .. import ports
from ..cluster.class_server import host_of
from ..cluster.signature import Key
from ..config import Dyno, Settings
from ..errors import ConfigError, UsageError
from .class_server.manifest import is_name


def url_of(what: type | Callable[..., object] | str, env: Mapping[str, str] | None = None) -> str:
    """The URL of a Python class's or function's source, or of a JVM class (``"org.example.Vector2D"``).

    Whoever has it can read the release's classes and sources, and nothing else. ``env``: by default the process's own.

    Raises:
        UsageError: it has no name to be asked for: it was defined in a shell or a script.
        ConfigError, PlatformError: this is no dyno of the cluster.
    """
    env = os.environ if env is None else env
    dyno, settings = Dyno.from_env(env), Settings.from_env(env)
    path = jvm_path(what) if isinstance(what, str) else python_path(what)
    return f"{release_url(dyno, settings)}/{quote(path, safe='/$')}"


def release_url(dyno: Dyno, settings: Settings) -> str:
    """What stands before ``classes/…`` and ``python/…``: this app's own class server, and what opens its release."""
    capability = _key(settings).capability("release")
    return f"http://1.classserver.{dyno.app_domain}:{ports.CLASS_SERVER}/read/{capability}/release"


def version_url(dyno: Dyno, settings: Settings, version: str) -> str:
    """What stands before ``classes/…`` and ``python/…`` of a version that was pushed: it never changes."""
    capability = _key(settings).capability(f"pushed/{version}")
    return f"http://{host_of(dyno, settings)}:{ports.CLASS_SERVER}/read/{capability}/pushed/{version}"


def _key(settings: Settings) -> Key:
    if not settings.secret:
        raise ConfigError("SPARKSPACE_SECRET", "must be set", "", "$(openssl rand -hex 32)")
    return Key(settings.secret)


def jvm_path(name: str) -> str:
    """``classes/org/example/Vector2D.class``.

    Raises:
        UsageError: this is no class's name.
    """
    path = f"classes/{name.replace('.', '/')}.class"
    if not name or "/" in name or not is_name(path):
        raise UsageError(f"{name!r} is not the name of a class, like 'org.example.Vector2D'.")
    return path


def python_path(what: type | Callable[..., object]) -> str:
    """``python/mylib/vector.py``.

    Raises:
        UsageError: it was defined in a shell or a script, or is built in.
    """
    module = sys.modules.get(getattr(what, "__module__", None) or "")
    file = getattr(module, "__file__", None) or ""
    if module is None or module.__name__ == "__main__" or not file.endswith(".py"):
        raise UsageError(f"{what!r} has no source that can be asked for: put it into a module.")
    name = module.__name__.replace(".", "/")
    return f"python/{name}/__init__.py" if hasattr(module, "__path__") else f"python/{name}.py"
