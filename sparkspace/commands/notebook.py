"""``bin/notebook``: become JupyterLab, whose notebooks run on the cluster. Arguments go to JupyterLab."""

from __future__ import annotations

from collections.abc import Mapping

from .. import conf, launch
from ..cluster import handshake, mirror, roles
from ..log import event, notice
from ..notebook import server


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Decide everything, bring the files beside notebooks, and become JupyterLab. Does not return.

    Raises:
        SparkspaceError: anything is missing or wrong; nothing was started.
    """
    place = roles.Place.from_env(env)
    lab = server.launched(place, args)
    handshake.refuse_other_secret(place.dyno, place.settings)
    folder = server.folder(place)
    folder.mkdir(parents=True, exist_ok=True)
    if beside := mirror.of(place.settings, folder):
        beside.renew()
    elif not place.settings.notebooks_dir:
        event("notebooks", kept=folder, warning="they-go-with-this-dyno", set="SPARKSPACE_NOTEBOOKS_DIR")
        notice("Notebooks are on this dyno's own disk, and are gone when it restarts. A bucket keeps them.")
    event("exec", dyno=place.dyno.name, program=name, notebooks=place.settings.notebooks_dir or folder)
    launch.become(launch.Command(lab.argv, {**lab.env, "JUPYTER_CONFIG_DIR": str(conf.write(lab.files))}))
