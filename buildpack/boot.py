"""What a dyno of the slug sources when it boots: the app's ``bin`` first on PATH, and a secret of the build's own."""

from __future__ import annotations

import secrets
from pathlib import Path

# After python.sh and jvmcommon.sh: pip's spark-submit, should there be one, must not win.
PROFILE = Path(".profile.d") / "sparkspace.sh"
TEXT = """\
export PATH="$HOME/bin:$PATH"
export SPARKSPACE_SECRET="${{SPARKSPACE_SECRET:-{secret}}}"
"""


def write(folder: Path) -> Path:
    """Write the file, readable to the dyno's user alone. A config var of the secret's name wins at boot."""
    profile = folder / PROFILE
    profile.parent.mkdir(exist_ok=True)
    profile.unlink(missing_ok=True)
    profile.touch(mode=0o600)
    profile.write_text(TEXT.format(secret=secrets.token_hex(32)))
    return profile
