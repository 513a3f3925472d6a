"""What a dyno of a slug sources when it boots."""

from __future__ import annotations

import subprocess
from pathlib import Path

from buildpack import boot
from sparkspace.config import Settings


def booted(slug: Path, command: str, **env: str) -> str:
    """What a command prints in a dyno of this slug."""
    script = f". {boot.PROFILE} && {command}"
    env = {"HOME": str(slug), "PATH": "/usr/bin:/bin", **env}
    return subprocess.run(["bash", "-c", script], cwd=slug, env=env, capture_output=True, text=True, check=True).stdout


def secret_of(slug: Path, **env: str) -> str:
    return booted(slug, 'printf %s "$SPARKSPACE_SECRET"', **env)


def build(slug: Path) -> str:
    """Build a slug; returns its secret."""
    slug.mkdir(exist_ok=True)
    boot.write(slug)
    return secret_of(slug)


def test_every_build_has_a_good_secret_of_its_own(tmp_path: Path) -> None:
    secrets = {build(tmp_path / "slug"), build(tmp_path / "slug"), build(tmp_path / "other")}
    assert len(secrets) == 3
    assert all(Settings.from_env({"SPARKSPACE_SECRET": secret}).secret == secret for secret in secrets)
    assert (tmp_path / "slug" / boot.PROFILE).stat().st_mode & 0o77 == 0


def test_all_dynos_of_a_slug_have_the_same_and_a_config_var_wins(tmp_path: Path) -> None:
    secret = build(tmp_path / "slug")
    assert secret_of(tmp_path / "slug") == secret
    assert secret_of(tmp_path / "slug", SPARKSPACE_SECRET="") == secret
    assert secret_of(tmp_path / "slug", SPARKSPACE_SECRET="chosen-by-the-operator") == "chosen-by-the-operator"


def test_the_apps_own_launchers_win_over_pips(tmp_path: Path) -> None:
    build(tmp_path)
    for folder in ("bin", "pip"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "spark-submit").write_text("#!/bin/sh\n")
        (tmp_path / folder / "spark-submit").chmod(0o755)
    path = f"{tmp_path}/pip:/usr/bin:/bin"
    assert booted(tmp_path, "command -v spark-submit", PATH=path) == f"{tmp_path}/bin/spark-submit\n"
