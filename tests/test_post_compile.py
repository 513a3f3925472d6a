"""The secret that a build bakes into its slug."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sparkspace.config import Settings

BUILD = Path(__file__).resolve().parent.parent / "bin" / "post_compile"
BOOT = '. .profile.d/sparkspace-secret.sh && printf %s "$SPARKSPACE_SECRET"'


def boot(slug: Path, **env: str) -> str:
    """The secret that a dyno of this slug has."""
    return subprocess.run(["bash", "-c", BOOT], cwd=slug, env=env, capture_output=True, text=True, check=True).stdout


def build(slug: Path) -> str:
    """Build a slug; returns its secret."""
    slug.mkdir(exist_ok=True)
    done = subprocess.run([BUILD], cwd=slug, capture_output=True, text=True, check=True)
    secret = boot(slug)
    assert secret not in done.stdout + done.stderr
    return secret


def test_every_build_has_a_good_secret_of_its_own(tmp_path: Path) -> None:
    secrets = {build(tmp_path / "slug"), build(tmp_path / "slug"), build(tmp_path / "other")}
    assert len(secrets) == 3
    assert all(Settings.from_env({"SPARKSPACE_SECRET": secret}).secret == secret for secret in secrets)
    assert (tmp_path / "slug" / ".profile.d" / "sparkspace-secret.sh").stat().st_mode & 0o77 == 0


def test_all_dynos_of_a_slug_have_the_same_and_a_config_var_wins(tmp_path: Path) -> None:
    secret = build(tmp_path / "slug")
    assert boot(tmp_path / "slug") == secret
    assert boot(tmp_path / "slug", SPARKSPACE_SECRET="") == secret
    assert boot(tmp_path / "slug", SPARKSPACE_SECRET="chosen-by-the-operator") == "chosen-by-the-operator"
