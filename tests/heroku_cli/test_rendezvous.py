"""The rendezvous, by a client of a few lines, and by one that others wrote."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import heroku3
import pytest
import requests
from heroku3.rendezvous import Rendezvous

from ..box.conftest import Box, until
from .conftest import settle

pytestmark = pytest.mark.box


def run(box: Box, command: str, **wishes: object) -> str:
    """Start an attached one-off dyno. Returns its ``attach_url``."""
    body = {"command": command, "attach": True, "force_no_tty": True, **wishes}
    return str(box.api("POST", "dynos", body).json()["attach_url"])


def authority(box: Box) -> str:
    """The certificate that clients are told to trust."""
    return str(Path(box.record["folder"]) / "authority.pem")


def trusting(box: Box) -> ssl.SSLContext:
    """A strict client's TLS."""
    context = ssl.create_default_context(cafile=authority(box))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@contextmanager
def met(box: Box, url: str, key: str | None = None) -> Iterator[ssl.SSLSocket]:
    """A connection that has said its key."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as plain:
        with trusting(box).wrap_socket(plain, server_hostname=place.hostname) as secure:
            secure.sendall(f"{place.path[1:] if key is None else key}\r\n".encode())
            yield secure


def heard(connection: ssl.SSLSocket, last: bytes = b"none") -> bytes:
    """All that comes until the box hangs up, or has said the last words."""
    got = b""
    while not got.endswith(last) and (more := connection.recv(65536)):
        got += more
    return got


def test_output_follows_the_greeting_and_streams_are_one(box: Box) -> None:
    with met(box, run(box, "echo out; sleep 0.2; echo err >&2; exit 7")) as connection:
        assert heard(connection) == b"rendezvous\r\nout\nerr\n"


def test_ctrl_d_ends_the_input_of_a_command_without_a_terminal(box: Box) -> None:
    with met(box, run(box, "cat; echo over")) as connection:
        connection.sendall(b"one\ntwo\x04")
        assert heard(connection) == b"rendezvous\r\none\ntwoover\n"


def test_terminal_has_its_size_and_takes_ctrl_d_as_any_other_key(box: Box) -> None:
    url = run(box, "stty size; cat", force_no_tty=False, env={"COLUMNS": 91, "LINES": 33})
    with met(box, url) as connection:
        assert heard(connection, b"33 91\r\n") == b"rendezvous\r\n33 91\r\n"
        connection.sendall(b"a line\n\x04")
        assert heard(connection) == b"a line\r\na line\r\n"


def test_much_goes_both_ways(box: Box) -> None:
    lines = b"".join(b"%d\n" % number for number in range(300_000))
    with met(box, run(box, "tee /dev/stderr | sha256sum")) as connection:
        connection.settimeout(60)
        sent = memoryview(lines + b"\x04")
        got = bytearray()
        for start in range(0, len(sent), 65536):
            connection.sendall(sent[start : start + 65536])
            got += connection.recv(1 << 20)
        got += heard(connection)
    assert hashlib.sha256(lines).hexdigest().encode() in got
    assert len(got) == len(b"rendezvous\r\n") + len(lines) + len(hashlib.sha256().hexdigest() + "  -\n")


def test_key_opens_once(box: Box) -> None:
    url = run(box, "cat")
    with met(box, url) as first:
        assert first.recv(100) == b"rendezvous\r\n"
        with met(box, url) as second:
            assert heard(second) == b""
        first.sendall(b"still here\n")
        assert first.recv(100) == b"still here\n"


@pytest.mark.parametrize("key", ["x" * 22, "\x00" * 22, "GET / HTTP/1.1\r\nHost: localhost", "é" * 22])
def test_wrong_key_opens_nothing(box: Box, key: str) -> None:
    with met(box, run(box, "cat"), key) as connection:
        assert heard(connection) == b""


def test_plain_text_opens_nothing(box: Box) -> None:
    url = urlsplit(run(box, "cat"))
    with socket.create_connection((url.hostname, url.port), timeout=30) as plain:
        plain.sendall(url.path[1:].encode() + b"\r\n")
        assert b"rendezvous" not in plain.recv(100)


def test_client_that_goes_hangs_up_the_command(box: Box) -> None:
    with met(box, run(box, "exec -a gone-with-its-client sleep 1000")) as connection:
        assert connection.recv(100) == b"rendezvous\r\n"
    until(lambda: not any("gone-with" in dyno["command"] for dyno in box.dynos().values()))


def test_others_are_not_trusted_with_the_certificate_of_the_box(box: Box) -> None:
    url = urlsplit(run(box, "cat"))
    with socket.create_connection((url.hostname, url.port), timeout=30) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, server_hostname=url.hostname)
    with socket.create_connection((url.hostname, url.port), timeout=30) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            trusting(box).wrap_socket(plain, server_hostname="example.com")


def test_key_of_the_certificate_is_its_owners_alone_and_the_authoritys_is_nowhere(box: Box) -> None:
    keys = [
        path for path in Path(box.record["folder"]).iterdir() if path.is_file() and b"PRIVATE KEY" in path.read_bytes()
    ]
    assert [(path.name, path.stat().st_mode & 0o777) for path in keys] == [("tls.key", 0o600)]


@pytest.fixture
def app(box: Box) -> heroku3.models.app.App:
    """The app, as heroku3 has it."""
    client = heroku3.api.Heroku()
    client._session.trust_env = False
    client._heroku_url = box.record["url"]  # it has no other way to be told
    assert client.authenticate(box.record["token"])
    return client.app("my-app")


def test_heroku3_reads_and_changes(box: Box, still: Box, app: heroku3.models.app.App) -> None:
    assert {(dyno.name, dyno.state) for dyno in app.dynos()} >= {("quiet.1", "up"), ("quiet.2", "up")}
    assert [line.quantity for line in app.process_formation() if line.type == "quiet"] == [2]
    app.scale_formation_process("quiet", 1)
    settle(box, ["quiet.1"])
    app.update_config({"A": "1", "B": "2"})
    assert app.config()["A"] == "1"
    before = box.dynos()["quiet.1"]["id"]
    app.restart()
    until(lambda: box.dynos()["quiet.1"]["id"] != before)
    newest = app.releases(order_by="version", limit=1, sort="desc")
    assert [release.version for release in newest] == [box.api("GET", "releases").json()[-1]["version"]]
    assert "heroku[quiet.1]" in app.get_log(lines=100)


def test_heroku3_is_told_what_is_wrong(app: heroku3.models.app.App) -> None:
    with pytest.raises(requests.HTTPError, match="There can't be -1 dynos of quiet"):
        app.scale_formation_process("quiet", -1)


@pytest.mark.filterwarnings("ignore")  # it leaves its socket open
def test_heroku3_attaches(box: Box) -> None:
    meeting = Rendezvous(run(box, "seq 1 1000"), timeout_secs=30)
    meeting.cert = authority(box)  # its own is that of Heroku's
    assert meeting.start() == "".join(f"{number}\n" for number in range(1, 1001))
