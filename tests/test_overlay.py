"""The launchers, laid into somebody else's app without touching what is the app's."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildpack import overlay
from buildpack.errors import BuildError

ROOT = Path(__file__).resolve().parent.parent


def test_an_empty_app_gets_all(tmp_path: Path) -> None:
    said = overlay.lay(ROOT, tmp_path)
    assert "added bin/spark-submit" in said and "added conf-templates/nginx.conf.j2" in said
    assert (tmp_path / "bin" / "spark-master").stat().st_mode & 0o100
    for name in ("sparkspace/cli.py", "sparkspace/proxy/templates/page.css"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()
    for name in ("bin/compile", "bin/detect", "tests", "buildpack", "Procfile", "app.json", "docs"):
        assert not (tmp_path / name).exists()


def test_what_the_app_has_is_kept(tmp_path: Path) -> None:
    own = {"bin/spark-shell": "mine", "conf-templates/nginx.conf.j2": "mine", "bin/run": "mine", "Procfile": "web: x"}
    for name, text in own.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "bin" / "spark-sql").symlink_to("nowhere")
    said = overlay.lay(ROOT, tmp_path)
    assert {name: (tmp_path / name).read_text() for name in own} == own
    assert (tmp_path / "bin" / "spark-sql").is_symlink()
    for name in ("bin/spark-shell", "conf-templates/nginx.conf.j2", "bin/spark-sql"):
        assert f"kept the app's own {name}: ours is not used" in said
    assert "added bin/spark-master" in said


def test_this_repository_needs_nothing(tmp_path: Path) -> None:
    overlay.lay(ROOT, tmp_path)
    again = overlay.lay(ROOT, tmp_path)
    assert {line.partition(" is ")[2] for line in again} == {"there"}


def test_another_package_of_the_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sparkspace").mkdir()
    (tmp_path / "sparkspace" / "mine.py").write_text("x = 1")
    with pytest.raises(BuildError, match="a folder sparkspace of its own"):
        overlay.refuse_conflicts(ROOT, tmp_path)


@pytest.mark.parametrize("name", ["bin", "conf-templates", "sparkspace", "sparkspace.py"])
def test_a_file_in_the_way_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(BuildError, match=f"(The app's|module) {name} "):
        overlay.refuse_conflicts(ROOT, tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "bin").symlink_to("elsewhere")
    with pytest.raises(BuildError, match="The app's bin is not a folder"):
        overlay.refuse_conflicts(ROOT, tmp_path)


def test_an_app_without_conflicts_is_taken(tmp_path: Path) -> None:
    overlay.lay(ROOT, tmp_path)
    (tmp_path / "bin" / "mine").write_text("")
    overlay.refuse_conflicts(ROOT, tmp_path)
