"""Conf files: for every case of ``cases/conf``, what is meant is what can be read, by a parser of our own here."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sparkspace import conf, templates
from sparkspace.errors import LaunchError

from . import conf_cases


def load(text: str) -> dict[str, str]:
    """A properties file as ``java.util.Properties.load`` reads it, by its documentation."""
    found = {}
    lines = re.split(r"\r\n|\r|\n", text)
    while lines:
        line = lines.pop(0).lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        while lines and re.search(r"(?<!\\)(\\\\)*\\$", line):
            line = line[:-1] + lines.pop(0).lstrip(" \t\f")
        pair = re.fullmatch(r"((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)", line, re.DOTALL)
        assert pair, line
        found[unescape(pair[1])] = unescape(pair[2])
    return found


def unescape(text: str) -> str:
    names = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
    pattern = r"\\(?:u([0-9a-fA-F]{4})|(.))"
    return re.sub(pattern, lambda m: chr(int(m[1], 16)) if m[1] else names.get(m[2], m[2]), text, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a=1\r\nb : 2\rc  3\n", {"a": "1", "b": "2", "c": "3"}),
        ("# a=1\n  ! b=2\n\n \t\nc=# d", {"c": "# d"}),
        ("a\\ \\=b=1\\u00e9\\n\\x\\\\", {"a =b": "1é\nx\\"}),
        ("a=1\\\n   2\\\\\nb=\\ 3", {"a": "12\\", "b": " 3"}),
        ("a\nb=\na=2", {"a": "2", "b": ""}),
    ],
)
def test_our_parser_reads_as_javas_does(text: str, meant: dict[str, str]) -> None:
    assert load(text) == meant


def cases(test: Callable[[Path, conf.Role], None]) -> Callable[[Path, conf.Role], None]:
    """Run a test for every case and role."""
    by_case = pytest.mark.parametrize("case", conf_cases.CASES, ids=lambda case: case.stem)
    return pytest.mark.parametrize("role", conf_cases.ROLES)(by_case(test))


@cases
def test_properties_are_those_meant(case: Path, role: conf.Role) -> None:
    rendered = conf_cases.render(case, role)
    found = load(rendered.files["spark-defaults.conf"])
    assert {key: found.get(key) for key in rendered.expected} == rendered.expected
    assert [key for key in rendered.absent if key in found] == []
    if rendered.whole:
        assert found == rendered.expected


@cases
def test_log_level_is_the_one_meant(case: Path, role: conf.Role) -> None:
    rendered = conf_cases.render(case, role)
    found = load(rendered.files["log4j2.properties"])
    assert found["rootLogger.level"] == rendered.level
    assert found["logger.repl.level"] == "WARN"


@cases
def test_no_secret_is_in_a_file(case: Path, role: conf.Role) -> None:
    rendered = conf_cases.render(case, role)
    assert [secret for secret in rendered.secrets for text in rendered.files.values() if secret in text] == []


def test_there_are_secrets_to_look_for() -> None:
    all_of_them = {name for case in conf_cases.CASES for name in conf_cases.render(case, "driver").secrets}
    assert len(all_of_them) == 4


def test_every_template_is_rendered() -> None:
    rendered = {*conf.SPARK_FILES, *conf.ZOOKEEPER_FILES, "nginx.conf"}  # the last by sparkspace/proxy/routes.py
    assert {path.name for path in templates.FOLDER.iterdir() if path.is_file()} == {f"{name}.j2" for name in rendered}


@pytest.mark.parametrize(
    "text",
    ["", " ", "  two", "a ", "\t", "\n", "\r\n", "\\", "\\\\", "a\\", "\\u0041", "\f\n\t", "#", "!", "=", ":", " = ",
     "\\ ", "a=b:c", "é😀\u2028\x85\x00", "x" * 10_000, "\\" * 10_001],
)  # fmt: skip
def test_any_text_can_be_a_value(text: str) -> None:
    assert load(f"before=1\nkey={conf.property_value(text)}\nafter=2") == {"before": "1", "key": text, "after": "2"}


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Files get all the rights that they are made with."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.mark.usefixtures("no_umask")
def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = conf.write({"a.conf": "é\r\n", "b.conf": ""}, tmp_path)
    assert {path.name: mode(path) for path in folder.iterdir()} == {"a.conf": "0o600", "b.conf": "0o600"}
    assert (mode(folder), mode(folder.parent)) == ("0o700", "0o700")
    assert (folder / "a.conf").read_bytes() == "é\r\n".encode()


def test_same_content_is_the_same_folder(tmp_path: Path) -> None:
    first = conf.write({"a": "1", "b": "2"}, tmp_path)
    (first / "a").write_text("meddled with")
    assert conf.write({"b": "2", "a": "1"}, tmp_path) == first
    assert (first / "a").read_text() == "1"
    others = [{"a": "1"}, {"a": "2", "b": "1"}, {"a": "1", "b": "2", "c": ""}, {"a": "1b2"}]
    assert len({first, *(conf.write(files, tmp_path) for files in others)}) == 5


def test_folder_is_in_the_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert conf.write({"a": "1"}).parent == tmp_path / f"sparkspace-conf-{os.getuid()}"


def refusal(tmp_path: Path) -> LaunchError:
    with pytest.raises(LaunchError) as caught:
        conf.write({"a": "1"}, tmp_path)
    return caught.value


def test_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    ours = tmp_path / f"sparkspace-conf-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir()
    ours.symlink_to(tmp_path / "elsewhere")
    error = refusal(tmp_path)
    assert error.message == f"{ours} belongs to somebody else."
    assert error.cure == f"Remove it, or set TMPDIR: rm -r {ours}"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = conf.write({"a": "1"}, tmp_path)
    for path in (folder, folder.parent):
        os.chown(path, 65534, 65534)
        assert refusal(tmp_path).message == f"{path} belongs to somebody else."
        os.chown(path, 0, 0)
    conf.write({"a": "1"}, tmp_path)


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"sparkspace-conf-{os.getuid()}").touch()
    assert refusal(tmp_path).message.endswith(": File exists")
