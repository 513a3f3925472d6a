"""Every request of the table gets what the table says, and nobody outside of the allow-list is ever reached."""

from __future__ import annotations

import base64
import re

import pytest

from ..box.conftest import Box, until
from .attacks import NAME_SECRET, OUTSIDE, PASSWORD, QUERY_SECRET, TABLE, USER, WRONG, Attack
from .conftest import Reply

pytestmark = [pytest.mark.box, pytest.mark.spark]

# Of every reply of nginx, whoever wrote its body.
ALWAYS = {
    "Server": "nginx",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "X-Powered-By": "",
}
OWN_PAGE = '<link rel="stylesheet" href="/sparkspace/page.css">'


def test_table_names_every_attack_once() -> None:
    assert len({attack.id for attack in TABLE}) == len(TABLE) > 300


@pytest.mark.parametrize("attack", TABLE, ids=lambda attack: attack.id)
def test_attack_gets_what_the_table_says(attack: Attack, replies: dict[str, Reply]) -> None:
    reply = replies[attack.id]
    assert reply.status == attack.status, reply.text[:2000]
    assert [text for text in attack.says if text not in reply.text] == [], reply.text[:2000]
    assert [text for text in attack.hides if text in reply.text] == [], reply.text[:2000]
    assert reply.header("Location") == attack.location
    assert attack.seconds[0] <= reply.seconds <= attack.seconds[1]


@pytest.mark.parametrize("name", ALWAYS)
def test_every_reply_has_the_security_headers_and_no_version(name: str, replies: dict[str, Reply]) -> None:
    spoken = {id: reply for id, reply in replies.items() if reply.status > 0}
    assert len(spoken) > 300
    assert {id: reply.header(name) for id, reply in spoken.items() if reply.header(name) != ALWAYS[name]} == {}


def test_own_pages_have_the_strict_policy_and_are_not_kept(replies: dict[str, Reply]) -> None:
    own = {id: reply for id, reply in replies.items() if reply.status > 0 and OWN_PAGE in reply.body}
    assert {200, 401, 403, 404, 429} == {reply.status for reply in own.values()}
    for id, reply in own.items():
        policies = [value for name, value in reply.headers if name.lower() == "content-security-policy"]
        assert len(policies) == 2 and policies[0].startswith("default-src 'none'"), id
        assert "frame-ancestors 'self'" in policies[1], id
        assert reply.header("Cache-Control") == "no-store", id


def test_every_redirect_stays_here(replies: dict[str, Reply]) -> None:
    locations = {id: reply.header("Location") for id, reply in replies.items() if reply.header("Location")}
    assert len(locations) > 20
    assert {id: where for id, where in locations.items() if not re.match(r"/(?![/\\])[ -~]*$", where)} == {}


def test_only_a_choice_sets_a_cookie(replies: dict[str, Reply]) -> None:
    """And none but of a dyno that may be shown; the others are forgotten."""
    cookies = {id: reply.header("Set-Cookie") for id, reply in replies.items() if reply.header("Set-Cookie")}
    assert len(cookies) > 20
    form = r'backend=(1\.echo\.myapp\.app\.localspace:8888-[0-9a-f]{40}; HttpOnly; |""; )[A-Za-z0-9 ;:,=/-]*'
    assert {id: cookie for id, cookie in cookies.items() if not re.fullmatch(form, cookie)} == {}


def test_no_password_reaches_a_backend(replies: dict[str, Reply]) -> None:
    signed = '["Authorization", "Sparkspace '  # by the desk, for the notebook
    reached = [reply.body.replace(signed, "") for reply in replies.values() if '"echo": "reached"' in reply.body]
    assert len(reached) > 30
    assert [body for body in reached if "Authorization" in body or PASSWORD in body or encoded(PASSWORD) in body] == []


def test_no_smuggled_request_arrives(said: dict[str, str]) -> None:
    seen = re.findall(r"saw (\S+) (\S+)", said["echo"])
    assert ("GET", "/with-a-token?token=" + QUERY_SECRET) in seen
    assert [each for each in seen if "smuggled" in each[1] or each[0] not in ("GET", "POST", "TRACK", "OPTIONS")] == []


@pytest.mark.parametrize("secret", [PASSWORD, WRONG, QUERY_SECRET, NAME_SECRET])
def test_no_secret_is_in_the_log(secret: str, said: dict[str, str]) -> None:
    assert 'method="GET" path="/with-a-token" status=200' in said["web"]
    assert "status=403 " in said["web"] and "status=429 " in said["web"]
    assert [line for line in said["web"].splitlines() if secret in line or encoded(secret) in line] == []


def test_nothing_breaks(said: dict[str, str]) -> None:
    assert [line for line in said["web"].splitlines() if "Traceback" in line or "Error" in line] == []
    assert said["web"].count("at=serving") == 1
    assert said["web"].count("at=login-banned") == 2


def encoded(secret: str) -> str:
    """As it is in an Authorization header, without its first and last letters, which depend on what is beside it."""
    return base64.b64encode(f"{USER}:{secret}".encode()).decode().rstrip("=")[:-2]


def test_nobody_outside_is_ever_reached(target: Box, said: dict[str, str]) -> None:
    """The last test: a connection that is allowed to be made shows that one would have been seen."""
    assert re.search(r"outside on \d+ ports", said["outside"])
    assert "reached" not in said["outside"]
    knock = f"import socket; socket.create_connection(('{OUTSIDE}', 9999), 5).sendall(b'knock')"
    target("run", "python3", "-c", knock)
    until(lambda: target.said("outside.1", "reached port 9999: b'knock'"), timeout_s=10)
