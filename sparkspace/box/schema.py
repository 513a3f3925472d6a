"""The box's things as JSON objects of Heroku's Platform API v3. Ids are UUIDs, derived where the box has none."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from .dyno import Dyno
from .formation import Process
from .sizes import GB, MEMORY_MB
from .space import Release, Space

Json = dict[str, Any]
ACCOUNT = "box@localhost"


def app_id(space: Space) -> str:
    """The id of the box's one app."""
    return _id("app", space.ground.app)


def account(space: Space) -> Json:
    """The one account of a box."""
    opened = _time(space.releases[0].created_at)
    nobody: Json = dict.fromkeys(
        (
            "country_of_residence", "default_organization", "default_team", "delinquent_at", "identity_provider",
            "last_login", "sms_number", "suspended_at",
        )
    )  # fmt: skip
    return {
        **_owner(),
        **nobody,
        "allow_tracking": False,
        "beta": False,
        "created_at": opened,
        "federated": False,
        "name": "box",
        "two_factor_authentication": False,
        "updated_at": opened,
        "verified": True,
    }


def collaborator(space: Space) -> Json:
    """The owner, as one who works on the app."""
    opened = _time(space.releases[0].created_at)
    return {
        "id": _id("collaborator", ACCOUNT),
        "app": _app(space),
        "created_at": opened,
        "permissions": [],
        "role": "owner",
        "updated_at": opened,
        "user": {**_owner(), "federated": False},
    }


def app(space: Space) -> Json:
    """App."""
    created = _time(space.releases[0].created_at)
    name = space.ground.app
    stack = {"id": _id("stack", "heroku-24"), "name": "heroku-24"}
    return {
        "id": app_id(space),
        "name": name,
        "acm": False,
        "archived_at": None,
        "buildpack_provided_description": None,
        "build_stack": stack,
        "create_status": "complete",
        "created_at": created,
        "updated_at": _time(space.releases[-1].created_at),
        "released_at": _time(space.releases[-1].created_at),
        "generation": {"id": _id("generation", "cedar"), "name": "cedar"},
        "git_url": f"https://git.heroku.com/{name}.git",
        "internal_routing": False,
        "maintenance": False,
        "organization": None,
        "owner": _owner(),
        "region": {"id": _id("region", "box"), "name": "box"},
        "repo_size": None,
        "slug_size": None,
        "space": {"id": _id("space", name), "name": name, "shield": False},
        "stack": stack,
        "team": None,
        "web_url": None,
    }


def dyno(space: Space, dyno: Dyno, attach_url: str | None = None) -> Json:
    """Dyno."""
    return {
        "id": dyno.id,
        "app": _app(space),
        "attach_url": attach_url,
        "command": dyno.command,
        "created_at": _time(dyno.created_at),
        "name": dyno.name,
        "release": {"id": _id("release", str(dyno.release)), "version": dyno.release},
        "size": dyno.size,
        "state": dyno.state,
        "type": dyno.process_type,
        "updated_at": _time(dyno.updated_at),
    }


def formation(space: Space, line: Process) -> Json:
    """Formation."""
    return {
        "id": _id("formation", line.type),
        "app": _app(space),
        "command": line.command,
        "created_at": _time(space.releases[0].created_at),
        "dyno_size": {"id": _id("size", line.size), "name": line.size},
        "quantity": line.quantity,
        "size": line.size,
        "type": line.type,
        "updated_at": _time(space.releases[-1].created_at),
    }


def release(space: Space, release: Release) -> Json:
    """Release."""
    return {
        "id": _id("release", str(release.version)),
        "addon_plan_names": [],
        "app": _app(space),
        "created_at": _time(release.created_at),
        "current": release is space.releases[-1],
        "description": release.description,
        "eligible_for_rollback": False,
        "output_stream_url": None,
        "slug": None,
        "status": "succeeded",
        "updated_at": _time(release.created_at),
        "user": _owner(),
        "version": release.version,
    }


def sizes() -> list[Json]:
    """Dyno sizes; memory in GB."""
    return [
        {
            "id": _id("size", name),
            "name": name,
            "compute": 0,
            "cost": None,
            "dedicated": True,
            "dyno_units": 0,
            "generation": {"id": _id("generation", "cedar"), "name": "cedar"},
            "memory": memory_mb / GB,
            "precise_dyno_units": 0,
            "private_space_only": True,
        }
        for name, memory_mb in MEMORY_MB.items()
    ]


def log_session(key: str, url: str) -> Json:
    """Log session."""
    now = _time(datetime.now().astimezone())
    return {"id": key, "created_at": now, "updated_at": now, "logplex_url": url}


def topology(space: Space) -> Json:
    """Space topology. The schema says ``formation``, Heroku's own command reads ``formations``: both are there."""
    lines = [
        {
            "id": _id("formation", type),
            "process_type": type,
            "dynos": [
                {
                    "id": dyno.id,
                    "number": int(dyno.name.partition(".")[2]),
                    "private_ip": dyno.address,
                    "hostname": space.ground.names.of(dyno.name),
                }
                for dyno in space.dynos.values()
                if dyno.process_type == type
            ],
        }
        for type in space.formation
    ]
    return {"version": 1, "apps": [{"id": app_id(space), "domains": [], "formation": lines, "formations": lines}]}


def _app(space: Space) -> Json:
    return {"id": app_id(space), "name": space.ground.app}


def _owner() -> Json:
    return {"id": _id("account", ACCOUNT), "email": ACCOUNT}


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sparkspace:{kind}:{name}"))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
