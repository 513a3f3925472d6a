"""The Deploy button's app.json, against the schema that Heroku has published in a package of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# Only the one file of it is needed; with all it depends on it would be a server.
PACKAGE = "@heroku/mcp-server@1.2.8"
SHA512 = "4u74Laup1RRMrvyOdXFMH/rMlZUKOF0c8Ood2wGJremSOnNkTJO+P8EGFV3ZNoW+5xwmjPfW+PBMYiFoTciMcg=="
CACHE = ROOT / ".venv" / "app-json"
SCHEMA = "package/dist/utils/app-json.schema.json"


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    """The schema. Its lists of stacks and sizes are behind the times; what we have of both is in them."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm: apt-get install npm")
    archive = CACHE / "heroku-mcp-server-1.2.8.tgz"
    if not archive.exists():
        CACHE.mkdir(exist_ok=True)
        command = ["npm", "pack", "--silent", PACKAGE]
        packed = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=120)
        assert packed.returncode == 0, packed.stderr
    assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == SHA512
    with tarfile.open(archive) as tar:
        text = tar.extractfile(SCHEMA)
        assert text
        return jsonschema.Draft7Validator(json.load(text))


def wrong(schema: jsonschema.Draft7Validator, app: object) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in schema.iter_errors(app)]


def test_app_json_is_as_heroku_wants_it(schema: jsonschema.Draft7Validator) -> None:
    app = json.loads((ROOT / "app.json").read_text())
    assert wrong(schema, app) == []
    assert {"name", "description", "keywords", "logo", "success_url", "formation", "addons", "buildpacks", "stack"} <= {
        *app
    }
    app["formation"]["worker"]["quantity"] = "two"
    app["sucess_url"] = "/"
    assert len(wrong(schema, app)) == 2
