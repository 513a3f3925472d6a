"""What a dyno of the slug sources when it boots: the app's ``bin`` first on PATH, and a secret of the build's own."""

from __future__ import annotations

import secrets
from pathlib import Path

from .errors import BuildError

# After python.sh and jvmcommon.sh: pip's spark-submit, should there be one, must not win.
PROFILE = Path(".profile.d") / "sparkspace.sh"
MARK = "# Written by the buildpack sparkspace at every build."
TEXT = f"""\
{MARK}
export PATH="$HOME/bin:$PATH"
export SPARKSPACE_SECRET="${{SPARKSPACE_SECRET:-%s}}"
"""


def refuse_other(folder: Path) -> None:
    """Raises BuildError: the app has a file of this name."""
    profile = folder / PROFILE
    if profile.is_symlink() or (profile.exists() and not profile.read_bytes().startswith(MARK.encode())):
        raise BuildError(f"The app has a file {PROFILE} of its own.", "Give yours another name.")


def write(folder: Path) -> str:
    """Write the file, readable to the dyno's user alone; say so. A config var of the secret's name wins at boot."""
    profile = folder / PROFILE
    profile.parent.mkdir(exist_ok=True)
    profile.unlink(missing_ok=True)
    profile.touch(mode=0o600)
    profile.write_text(TEXT % secrets.token_hex(32))
    return f"added {PROFILE}"
