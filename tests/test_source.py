"""What a dyno gets of an app that was never built: what a push of it would leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkspace.box import source

FILES = (
    "Procfile", "docs/a.md", "lib/docs/b.md", "lib/notes.txt", "notes.txt", "tests/deep/c.py", ".git/HEAD", ".env",
    "lib/__pycache__/d.pyc", ".slugignore", ".venv/bin/python3",
)  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app's folder."""
    for name in FILES:
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return tmp_path / "source"


def laid(app: Path) -> set[str]:
    """The files that a dyno has, but for those in the link."""
    target = app.parent / "app"
    source.lay(app, target)
    assert (target / ".venv").resolve() == app / ".venv"
    return {str(file.relative_to(target)) for file in target.rglob("*") if file.is_file() and ".venv" not in file.parts}


EVERYTHING = {"Procfile", "docs/a.md", "lib/docs/b.md", "lib/notes.txt", "notes.txt", "tests/deep/c.py", ".slugignore"}


@pytest.mark.parametrize(
    ("patterns", "left_out"),
    [
        ("", set()),
        ("/docs", {"docs/a.md"}),
        ("docs/", {"docs/a.md", "lib/docs/b.md"}),
        ("notes.txt", {"lib/notes.txt", "notes.txt"}),
        ("/notes.txt", {"notes.txt"}),
        ("lib/docs", {"lib/docs/b.md"}),
        ("*.md\n\n# tests\n  /tests  ", {"docs/a.md", "lib/docs/b.md", "tests/deep/c.py"}),
        ("/\n.", set()),
        ("docs\r\n/tests\r\n", {"docs/a.md", "lib/docs/b.md", "tests/deep/c.py"}),
    ],
)
def test_slugignore(app: Path, patterns: str, left_out: set[str]) -> None:
    (app / ".slugignore").write_text(patterns)
    assert laid(app) == EVERYTHING - left_out


def test_an_app_without_slugignore(app: Path) -> None:
    (app / ".slugignore").unlink()
    assert laid(app) == EVERYTHING - {".slugignore"}
    assert source.ignored(app) == []


def test_a_dyno_has_what_a_slug_of_this_repository_has(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    source.lay(root, tmp_path / "app")
    names = {path.name for path in (tmp_path / "app").iterdir()}
    assert {"Procfile", "app.json", "bin", "sparkspace", "conf-templates"} <= names
    assert not {"tests", "docs", "bench", ".git", ".ci"} & names
