"""The JupyterLab of a dyno: its configuration, and the command to become. Nothing here acts."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .. import launch, ports
from ..cluster import mirror, roles
from ..config.allocation import VAR as ALLOCATION
from ..errors import ConfigError, LaunchError

PLACE = "/notebook/"  # nginx.conf.j2 has it, too
OURS = Path(__file__).parent / "jupyter"  # the kernel's description, and that nobody is asked about news
KERNEL = "pyspark"
# Jupyter's own is a login shell, from which /etc/profile takes the PATH, and its top folder is where the server is.
SHELL = f'case $PWD/ in "${mirror.FOLDER}"/*) ;; *) cd -- "${mirror.FOLDER}" ;; esac; exec bash'


def launched(place: roles.Place, args: list[str]) -> roles.Launch:
    """What ``bin/notebook`` becomes. ``args`` are handed to JupyterLab.

    Raises:
        ConfigError: there is no secret.
        LaunchError: JupyterLab is not installed, or this is not the dyno that the web process shows.
    """
    site = packages()
    refuse_second(place)
    if not place.settings.secret:
        raise ConfigError(
            "SPARKSPACE_SECRET", "must be set: it is what Jupyter lets people in by", "", "$(openssl rand -hex 32)"
        )
    files = {"jupyter_server_config.json": json.dumps(config(place), indent=2)}
    argv = (sys.executable, "-m", "jupyterlab", *args)
    return roles.Launch(files, argv, {**environment(place), **places(site)})


def packages() -> Path:
    """The folder that JupyterLab is installed in.

    Raises:
        LaunchError: it is not installed.
    """
    found = importlib.util.find_spec("jupyterlab")
    if found is None or found.origin is None:
        raise LaunchError(
            "JupyterLab is not installed: a build leaves it out unless it is told otherwise.",
            "heroku config:set SPARKSPACE_NOTEBOOK=true, and build again: git push heroku HEAD:main\n"
            "In a box: SPARKSPACE_NOTEBOOK=true scripts/setup",
        )
    return Path(found.origin).parent.parent


def refuse_second(place: roles.Place) -> None:
    """The web process shows the first dyno alone: notebooks of a second would be there, and nobody could open them.

    Raises:
        LaunchError: this is another one.
    """
    process_type, _, number = place.dyno.name.partition(".")
    if process_type == "notebook" and number != "1":
        raise LaunchError(
            f"This is {place.dyno.name}, and the web process shows notebook.1 alone.",
            "heroku ps:scale notebook=1, with a larger size if it has too many kernels",
        )


def folder(place: roles.Place) -> Path:
    """Where kernels and terminals start: the notebooks themselves, or what is mirrored of the bucket."""
    url = urlsplit(place.settings.notebooks_dir)
    if url.scheme == "file":
        return Path(unquote(url.path))
    return Path(tempfile.gettempdir() if url.scheme else os.getcwd()) / "notebooks"


def config(place: roles.Place) -> dict[str, dict[str, object]]:
    """JupyterLab's configuration. No secret is in it: keys and the cluster's secret are in the environment."""
    server: dict[str, object] = {
        "ip": place.dyno.private_ip,
        "port": ports.NOTEBOOK,
        "port_retries": 0,
        "base_url": urlsplit(place.settings.reverse_proxy_url).path.rstrip("/") + PLACE,
        "root_dir": str(folder(place)),
        "identity_provider_class": "sparkspace.notebook.identity.Signed",
        "allow_remote_access": True,  # the host is the web process's, which looks at where a page is from
        "allow_root": True,  # a box's dyno may be root's
        "open_browser": False,
        "quit_button": False,
        "terminado_settings": {"shell_command": ["bash", "-c", SHELL]},
        "jpserver_extensions": {"jupyterlab": True, "jupyter_server_terminals": True, "jupyter_lsp": True},
    }
    found: dict[str, dict[str, object]] = {
        "ServerApp": server,
        "KernelSpecManager": {"ensure_native_kernel": False, "allowed_kernelspecs": [KERNEL]},
        # What cells and the server say to each other is nobody's business, also where dynos share a machine (a box).
        "MappingKernelManager": {"transport_encryption": "required"},
        "MultiKernelManager": {"default_kernel_name": KERNEL},
        # What would ask the internet.
        "LabApp": {
            "extension_manager": "readonly",
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        },
    }
    return found | (in_bucket(place, server) if mirror.of(place.settings, folder(place)) else {})


def in_bucket(place: roles.Place, server: dict[str, object]) -> dict[str, dict[str, object]]:
    """That notebooks are objects of the bucket."""
    server["contents_manager_class"] = "s3contents.S3ContentsManager"
    url, s3 = urlsplit(place.settings.notebooks_dir), place.settings.s3
    manager: dict[str, object] = {
        "root_dir": server["root_dir"],  # of checkpoints, which a bucket has no need of
        "bucket": url.netloc,
        "prefix": url.path.strip("/"),
        "region_name": s3.region if s3 else "",
        "endpoint_url": s3.endpoint or f"https://s3.{s3.region}.amazonaws.com" if s3 else "",
        "post_save_hook": "sparkspace.cluster.mirror.make_folder",
        # Its own choice looks for downloads on the disk (jupyterlab/jupyterlab_server#461).
        "files_handler_class": "jupyter_server.files.handlers.FilesHandler",
    }
    return {"S3ContentsManager": manager}


def environment(place: roles.Place) -> dict[str, str]:
    """A dyno's, with what kernels take from it. Spark's own variables each kernel sets when it begins a session."""
    env = launch.inherited(place.env)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [env.get("PYTHONPATH"), roles.PYTHON]))
    env[mirror.FOLDER] = str(folder(place))
    if place.settings.allocation is None:
        env[ALLOCATION] = "tracking"  # the kind that asks nothing of the workers
    if place.settings.s3:
        env.pop("AWS_SESSION_TOKEN", None)
        env |= {
            "AWS_ACCESS_KEY_ID": place.settings.s3.access_key_id,
            "AWS_SECRET_ACCESS_KEY": place.settings.s3.secret_access_key,
        }
    return env


def places(site: Path) -> Mapping[str, str]:
    """Where Jupyter finds its own files: ours, and those of packages, if they are in a folder by themselves."""
    share = site / "share" / "jupyter"
    found = {"JUPYTER_PATH": str(OURS), "JUPYTER_CONFIG_PATH": str(OURS)}
    if share.is_dir():
        found["JUPYTER_PATH"] += os.pathsep + str(share)
        found["JUPYTERLAB_DIR"] = str(share / "lab")
    return found
