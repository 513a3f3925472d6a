"""The table: raw requests, and what each has to get. To nginx itself, byte by byte; nobody has tidied them.

Where it is not said otherwise, a request has the right password, and its cookie, if it has one, chooses the dyno
``echo`` by a seal of the proxy's own. ``outside`` is the dyno that must never be reached.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from sparkspace.config import Backend
from sparkspace.config.users import users
from sparkspace.proxy.seal import Seal

APP = "myapp"
USER, PASSWORD = "spark", "correct-horse-battery"
USERS = f"{USER}:{{PLAIN}}{PASSWORD}"
WRONG = "wrong-horse-battery"  # like all that is secret here, searched for in the log
QUERY_SECRET = "secret-in-a-query"
NAME_SECRET = "password-where-the-name-belongs"
DOMAIN = f"{APP}.app.localspace"
ECHO, OUTSIDE = f"1.echo.{DOMAIN}:8888", f"1.outside.{DOMAIN}"
HOST = "Host: spark.example.com"
EVIL = "evil.example"
# As headers, not as words of a page.
NO_COOKIE, NO_LOCATION = "\nSet-Cookie: ", "\nLocation: "
REACHED = '"echo": "reached"'


@dataclass(frozen=True)
class Attack:
    """A request, and its reply. ``says`` and ``hides`` are looked for in headers and body."""

    id: str
    parts: tuple[str, ...]
    status: int
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    location: str = ""
    seconds: tuple[float, float] = (0, 8)
    sequence: str = ""  # those of one are sent in their order
    wait_s: float = 0
    pause_s: float = 0
    then: str = ""


def basic(user: str, password: str) -> str:
    """The header of a login."""
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def token(backend: str, value: str = USERS) -> str:
    """What the proxy itself would put into a cookie, were it to choose this backend."""
    host, _, port = backend.partition(":")
    found = Backend(host, host.split(".")[2], int(port))  # of what it would not choose, too
    return Seal(users({"SPACE_PROXY_BASIC_AUTH": value}), DOMAIN).token(found)


RIGHT, BAD = basic(USER, PASSWORD), basic(USER, WRONG)
COOKIE = f"Cookie: backend={token(ECHO)}"


def request(path: str, *lines: str, method: str = "GET", head: tuple[str, ...] = (HOST, RIGHT), body: str = "") -> str:
    """The text of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", *head, *lines, "", body])


def get(
    name: str, path: str, status: int, *lines: str, says: tuple[str, ...] = (), hides: tuple[str, ...] = (),
    location: str = "", method: str = "GET", head: tuple[str, ...] = (HOST, RIGHT), body: str = "", sequence: str = "",
) -> Attack:  # fmt: skip
    """An attack that is one request in one piece."""
    text = request(path, *lines, method=method, head=head, body=body)
    return Attack(name, (text,), status, says, hides, location, sequence=sequence)


def passwords() -> Iterator[Attack]:
    """Without the password nothing is said but that it is missing."""
    nobody, asked = (HOST,), ("WWW-Authenticate: Basic",)
    told = ("Spark Master", "ALIVE", "localspace", NO_LOCATION, NO_COOKIE, REACHED)
    for path in (
        "/", "/json/", "/set-backend", "/set-backend/default", f"/set-backend/{ECHO}/", "/sparkspace", "/sparkspace/",
        "/sparkspace/overview", "/sparkspace/page.js", "/finished", "/finished/", "/proxy/app-1/", "/%68ealthz/x",
        "/notebook", "/notebook/lab", "/sparkspace/metrics", "/metrics/master/prometheus/",
        "/healthz/", "/healthz/../json/", "/HEALTHZ", "/healthz%00",
    ):  # fmt: skip
        status = 400 if "%00" in path else 401
        yield get(f"no-password-{path}", path, status, head=nobody, says=asked * (status == 401), hides=told)
    yield get("no-password-cookie", "/", 401, COOKIE, head=nobody, says=asked, hides=told)
    yield get("no-password-post", "/", 401, "Content-Length: 0", method="POST", head=nobody, hides=told)
    yield get("no-password-websocket", "/", 401, COOKIE, *websocket(), head=nobody, hides=told)
    yield get("healthz-says-up-and-no-more", "/healthz", 200, head=nobody, says=("\r\n\r\nup\n",), hides=told)
    yield get("healthz-takes-no-query", "/healthz?to=x&verbose=1", 200, head=nobody, says=("\r\n\r\nup\n",), hides=told)
    plain = {
        "wrong": BAD,
        "no-colon": "Authorization: Basic " + base64.b64encode(b"spark").decode(),
        "not-base64": "Authorization: Basic !!!!",
        "nothing-after-basic": "Authorization: Basic",
        "bearer": f"Authorization: Bearer {PASSWORD}",
        "digest": 'Authorization: Digest username="spark"',
        "not-encoded": f"Authorization: Basic {USER}:{PASSWORD}",
        "empty-password": basic(USER, ""),
        "other-user": basic("root", PASSWORD),
        "upper-case-user": basic("SPARK", PASSWORD),
        "longer-password": basic(USER, PASSWORD + "x"),
        "shorter-password": basic(USER, PASSWORD[:-1]),
        "password-with-its-scheme": basic(USER, "{PLAIN}" + PASSWORD),
        "very-long-password": basic(USER, WRONG * 200),
        "password-in-another-header": f"X-Authorization: {RIGHT.partition(': ')[2]}",
        "password-for-a-proxy": f"Proxy-{RIGHT}",
        "nul-for-its-last-letter": basic(USER, f"{PASSWORD[:-1]}\0{PASSWORD[-1]}"),
        "line-break-in-the-name": basic("spark:x\nroot", PASSWORD),
    }
    for number, (name, line) in enumerate(plain.items()):
        client = f"X-Forwarded-For: 198.51.100.{100 + number}"
        yield get(f"password-{name}", "/", 401, client, head=(HOST, line), says=asked, hides=told)
    yield get("password-twice", "/", 400, head=(HOST, BAD, RIGHT), hides=told)
    yield get("password-right", "/", 200, head=(HOST, RIGHT), says=("Spark Master",))


def choices() -> Iterator[Attack]:
    """Backends that are none: 403, no cookie, and nobody is called."""
    names = {
        "another-host": f"{EVIL}:8080", "localhost": "localhost:8888", "loopback": "127.0.0.1:8080",
        "ipv6": "[::1]:8080", "number": "2130706433:8080", "zero": "0:8080", "metadata": "169.254.169.254:8080",
        "address-of-outside": f"<address of {OUTSIDE}>:8080", "address-of-echo": f"<address of {ECHO[:-5]}>:8888",
        "address-as-name": f"1.<address of {OUTSIDE}>.{DOMAIN}:8080",
        **{f"port-{port}": f"{OUTSIDE}:{port}" for port in (
            "22", "80", "443", "4039", "4061", "5000", "6066", "7077", "8079", "8082", "8088", "9999", "18081", "22222",
            "08081", "008080", "99999", "88880", "0", "-8080", "+8080", "8080.0", "8_080", "0x1f90", "8080x", "",
            "8080:8080",
            "%EF%BC%98%EF%BC%90%EF%BC%98%EF%BC%90", "\xef\xbc\x98\xef\xbc\x90\xef\xbc\x98\xef\xbc\x90",
            "%D9%A8%D9%A0%D9%A8%D9%A0", "808%D9%A0",
        )},
        "no-port": OUTSIDE, "formation": f"outside.{DOMAIN}:8080", "app-alone": f"{DOMAIN}:8080",
        "number-zero": f"0.outside.{DOMAIN}:8080", "number-01": f"01.outside.{DOMAIN}:8080",
        "number-1000": f"1000.outside.{DOMAIN}:8080", "number-full-width": f"%EF%BC%91.outside.{DOMAIN}:8080",
        "another-app": "1.outside.other.app.localspace:8080", "longer-app": "1.outside.myapp2.app.localspace:8080",
        "app-in-an-app": f"1.outside.evil.{DOMAIN}:8080", "app-as-type": "1.myapp.other.app.localspace:8080",
        "another-domain": f"{OUTSIDE}.evil.com:8080", "longer-domain": f"{OUTSIDE}x:8080",
        "another-space": "1.outside.myapp.app.remotespace:8080", "prefix": f"evil.com.{OUTSIDE}:8080",
        "prefix-without-dot": f"evil1.outside.{DOMAIN}:8080", "upper-case": f"1.OUTSIDE.{DOMAIN}:8080",
        "upper-case-app": "1.outside.MYAPP.app.localspace:8080", "trailing-dot": f"{OUTSIDE}.:8080",
        "two-dots": f"1..outside.{DOMAIN}:8080", "leading-dot": f".{OUTSIDE}:8080",
        "user": f"spark@{OUTSIDE}:8080", "password": f"a:b@{OUTSIDE}:8080", "at-evil": f"{ECHO}@{EVIL}:8080",
        "encoded-at": f"{ECHO}%40{EVIL}:8080", "backslash": f"{ECHO}\\{EVIL}:8080", "back-at": f"{EVIL}\\@{ECHO}",
        "encoded-backslash": f"{ECHO}%5C{EVIL}:8080", "fragment": f"{ECHO}%23{EVIL}:8080",
        "semicolon": f"{ECHO};{EVIL}", "comma": f"{ECHO},{EVIL}:8080", "scheme": f"http:%2f%2f{OUTSIDE}:8080",
        "dot-2e": f"1%2eoutside.{DOMAIN}:8080", "dot-252e": f"1%252eoutside.{DOMAIN}:8080",
        "colon-3a": f"{OUTSIDE}%3a8080", "slash-2f": f"{OUTSIDE}:8080%2fx", "slash-252f": f"{OUTSIDE}:8080%252fx",
        "letter-6f": f"1.%6futside.{DOMAIN}:8080", "dot-full-width": f"1%EF%BC%8Eoutside.{DOMAIN}:8080",
        "dot-ideographic": f"1%E3%80%82outside.{DOMAIN}:8080", "letter-full-width": f"1.%EF%BD%8Futside.{DOMAIN}:8080",
        "letter-kelvin": "1.wor%E2%84%AAer.myapp.app.localspace:8080",
        "letter-dotless": f"1.outs%C4%B1de.{DOMAIN}:8080",
        "zero-width": f"1.out%E2%80%8Bside.{DOMAIN}:8080", "not-utf-8": f"\xff\xfe.{OUTSIDE}:8080",
        "space": f"{OUTSIDE}:8080%20", "space-first": f"%20{OUTSIDE}:8080", "tab": f"{OUTSIDE}:8080%09",
        "line-break": f"{OUTSIDE}:8080%0a", "crlf": f"{ECHO}%0d%0aSet-Cookie:%20evil=1",
        "underscore": f"1.out_side.{DOMAIN}:8080", "hyphen-last": f"1.outside-.{DOMAIN}:8080",
        "very-long": "a" * 3000, "long-type": f"1.{'a' * 64}.{DOMAIN}:8080", "longer-than-a-header": "a" * 12_000,
        "unix": "unix:%2ftmp%2fdesk", "name-of-an-upstream": "master", "variable": "$backend", "template": "{{7*7}}",
        "script": "<script>alert(1)</script>", "quote": "\"onerror=alert(1)'", "default-upper-case": "DEFAULT",
        "default-and-more": "default.evil.com", "nothing": "/x", "nothing-but-slashes": "////", "star": "*",
    }  # fmt: skip
    hides = (NO_COOKIE, NO_LOCATION, REACHED, "<script>", '"onerror')
    for name, choice in names.items():
        yield get(f"choice-{name}", f"/set-backend/{choice}", 403, hides=hides)
    yield get("choice-nul", f"/set-backend/{ECHO}%00.{EVIL}", 400, hides=hides)
    yield get("choice-nul-itself", f"/set-backend/{ECHO}\0", 400, hides=hides)
    yield get("choice-tab-itself", f"/set-backend/{ECHO}\t", 400, hides=hides)
    yield get("choice-space-itself", f"/set-backend/{ECHO} x", 400, hides=hides)
    queries = {
        "outside": f"?to={OUTSIDE}:9999", "evil": f"?to={EVIL}:8080", "empty": "?to=", "upper-case": f"?TO={ECHO}",
        "second": f"?x=1&to={ECHO}", "two-the-first-counts": f"?to={OUTSIDE}:9999&to={ECHO}", "list": f"?to[]={ECHO}",
        "encoded-crlf": f"?to={ECHO}%0d%0aX:1", "two-slashes": f"?to={ECHO}//{EVIL}", "user": f"?to=a@{ECHO}",
        "full-width": f"?to={OUTSIDE}:%EF%BC%98%EF%BC%90%EF%BC%98%EF%BC%90", "not-utf-8": "?to=%ff%fe",
        "not-utf-8-itself": "?to=\xff\xfe", "semicolon": f"?to=x;to={ECHO}", "slash": f"/?to={OUTSIDE}:9999",
    }  # fmt: skip
    for name, query in queries.items():
        yield get(f"choice-query-{name}", f"/set-backend{query}", 403, hides=hides)
    yield get("choice-query-double-encoding", "/set-backend?to=" + ECHO.replace(".", "%252e"), 403, hides=hides)


def redirects() -> Iterator[Attack]:
    """What follows a choice is a path of ours or nothing, whoever the request says that we are."""
    for name, rest in {
        "two-slashes": f"//{EVIL}", "three-slashes": f"///{EVIL}", "backslash": f"/\\{EVIL}",
        "back-slash": f"\\/{EVIL}", "slash-tab": f"/%09/{EVIL}\\",
        "script": "/<script>alert(1)</script>", "quote": '/"x', "not-utf-8": "/\xff",
        "not-ascii": "/\xc3\xa9", "fragment": "/%0a<x>",
    }.items():  # fmt: skip
        yield get(f"rest-{name}", f"/set-backend/{ECHO}{rest}", 403, hides=(NO_COOKIE, NO_LOCATION, "<script>"))
    for name, rest in {
        "plain": "/jobs/?id=1", "encoded-slashes": f"/%2f%2f{EVIL}", "encoded-backslash": f"/%5c{EVIL}",
        "crlf": "/%0d%0aSet-Cookie:%20evil=1", "at": f"/@{EVIL}", "colon": f"/:80@{EVIL}", "query": f"/?to=//{EVIL}",
        "scheme": f"/http://{EVIL}/", "javascript": "/javascript:alert(1)", "dots": "/a/%2e./b",
    }.items():  # fmt: skip
        hides = ("Set-Cookie: evil",)
        yield get(f"rest-allowed-{name}", f"/set-backend/{ECHO}{rest}", 302, location=rest, hides=hides)
    yield get("rest-none", f"/set-backend/{ECHO}", 302, location="/", says=("HttpOnly", "SameSite=Lax"))
    yield get("rest-of-two-query", f"/set-backend?to={ECHO}&to={EVIL}:1", 302, location="/", hides=(EVIL,))
    yield get("rest-of-a-query", f"/set-backend?to={ECHO}/x?to={EVIL}", 302, location=f"/x?to={EVIL}")
    yield get("default", "/set-backend/default", 302, location="/", says=('backend=""', "Max-Age=0"))
    yield get("default-elsewhere", f"/set-backend/default//{EVIL}", 302, location="/", hides=(EVIL,))
    forged = (
        f"X-Forwarded-Host: {EVIL}", f"X-Forwarded-Server: {EVIL}", f"X-Forwarded-Context: //{EVIL}",
        f"X-Forwarded-Prefix: //{EVIL}", f"Forwarded: host={EVIL};proto=https", "X-Forwarded-Port: 666",
        f"X-Original-URL: //{EVIL}", f"X-Rewrite-URL: //{EVIL}", f"X-Original-Host: {EVIL}", "X-Proxied-Https: on",
    )  # fmt: skip
    yield get("forwarded-choice", f"/set-backend/{ECHO}/x", 302, *forged, location="/x", hides=(EVIL,))
    yield get("forwarded-start", "/sparkspace/", 200, *forged, hides=(EVIL,))
    yield get("forwarded-master", "/", 200, *forged, hides=(EVIL, ":666"))
    yield get("forwarded-master-redirect", "/static", 301, *forged, location="/static/", hides=(EVIL, ":666"))
    at = ("X-Forwarded-Server", "X-Forwarded-Host", '"Forwarded"', "X-Forwarded-Context", "X-Forwarded-Prefix",
          "X-Forwarded-Port", "X-Proxied-Https", "X-Original-URL", "X-Rewrite-URL")  # fmt: skip
    yield get("forwarded-echo", "/", 200, COOKIE, *forged, says=(REACHED,), hides=at)
    finished = tuple(name for name in at if name != "X-Forwarded-Context")
    context = '["X-Forwarded-Context", "/finished"]'
    yield get("forwarded-history", "/finished/", 200, *forged, says=(REACHED, context), hides=(*finished, "//evil"))
    yield get("forwarded-proto", "/", 200, "X-Forwarded-Proto: http", says=("Spark Master",))
    yield get("forwarded-proto-odd", "/", 200, COOKIE, "X-Forwarded-Proto: gopher", hides=("gopher",))
    yield get("forwarded-for-odd", "/", 200, COOKIE, "X-Forwarded-For: <x>, 1.2.3.4;y", hides=("<x>", "1.2.3.4"))
    for name, host in {
        "evil": EVIL, "evil-port": f"{EVIL}:666", "at": f"spark.example.com@{EVIL}",
        "address": f"<address of {OUTSIDE}>", "outside": f"{OUTSIDE}:9999", "not-utf-8": "\xff\xfe",
    }.items():  # fmt: skip
        head = (f"Host: {host}", RIGHT)
        yield get(f"host-{name}-choice", f"/set-backend/{ECHO}/x", 302, head=head, location="/x", hides=(EVIL,))
        yield get(f"host-{name}-folder", "/finished", 302, head=head, location="/finished/", hides=(EVIL,))
    yield get("host-evil-redirect-of-master", "/static", 301, head=(f"Host: {EVIL}", RIGHT), location="/static/")
    yield get("host-none", "/", 400, head=(RIGHT,))
    yield get("host-two", "/", 400, f"Host: {EVIL}")
    yield get("host-empty", "/sparkspace/", 400, head=("Host: ", RIGHT))
    yield get("host-slash", "/", 400, head=(f"Host: {EVIL}/x", RIGHT))
    yield get("host-space", "/", 400, head=(f"Host: spark.example.com {EVIL}", RIGHT))
    yield get("host-cr", "/", 400, head=(f"Host: spark.example.com\r{EVIL}", RIGHT))
    yield get("absolute-form", f"http://{EVIL}/x", 200, COOKIE, says=(REACHED, '"path": "/x"'), hides=(EVIL,))
    yield get("absolute-form-outside", f"http://{OUTSIDE}:9999/", 200, COOKIE, says=(REACHED,), hides=("outside",))
    absolute = f"http://{EVIL}/set-backend/{ECHO}/x"
    yield get("absolute-form-choice", absolute, 302, location="/x", hides=(EVIL,))
    yield get("absolute-form-user", f"http://spark:{PASSWORD}@{EVIL}/", 400)
    yield get("absolute-form-scheme", "file:///etc/passwd", 400, hides=("root:",))
    yield get("backend-redirects", f"/redirect-to?http://{EVIL}/x", 302, COOKIE, location="/x")
    yield get("history-redirects", f"/finished/redirect-to?http://{EVIL}/x", 302, location="/finished/x")
    for name, path in {"two-slashes": f"//{EVIL}", "backslash": f"/\\{EVIL}", "dots": f"//{EVIL}/..;/static"}.items():
        yield get(f"master-{name}", path, 400, hides=(NO_LOCATION,))


def cookies() -> Iterator[Attack]:
    """Only what the desk has sealed counts, and only the first cookie of the name."""
    outside, seal = f"{OUTSIDE}:8080", token(ECHO).rpartition("-")[2]
    values = {
        "name-alone": ECHO, "junk-seal": f"{outside}-{'0' * 40}", "seal-of-another": f"{outside}-{seal}",
        "short-seal": token(ECHO)[:-1], "long-seal": token(ECHO) + "0", "no-name": f"-{seal}",
        "port-9999": token(f"{OUTSIDE}:9999"), "upper-case": token(f"1.OUTSIDE.{DOMAIN}:8080"),
        "another-app": token("1.outside.other.app.localspace:8080"), "another-key": token(ECHO, f"{USERS}x"),
        "address": f"<address of {OUTSIDE}>:8080", "address-sealed": f"<address of {OUTSIDE}>:8080-{seal}",
        "evil": f"{EVIL}:8080-{seal}", "quoted": f'"{token(ECHO)}"', "encoded": token(ECHO).replace(":", "%3a"),
        "huge": "a" * 12_000, "control": "a\x01b", "not-utf-8": "\xff\xfe", "unix": "unix:/tmp/desk",
    }  # fmt: skip
    upstreams = ("default", "master", "history", "desk", "unknown", "nobody", "chosen1")
    values.update({f"upstream-{name}": name for name in upstreams})
    hides = (REACHED, "Spark Master", NO_LOCATION)
    for name, value in values.items():
        yield get(f"cookie-{name}", "/", 403, f"Cookie: backend={value}", says=("Max-Age=0",), hides=hides)
    two = f"Cookie: backend=forged; {COOKIE.partition(': ')[2]}"
    yield get("cookie-forged-then-sealed", "/", 403, two, hides=hides)
    yield get("cookie-sealed-then-forged", "/", 200, f"{COOKIE}; backend=forged", says=(REACHED,))
    yield get("cookie-lines-forged-then-sealed", "/", 403, "Cookie: backend=forged", COOKIE, hides=hides)
    yield get("cookie-of-another-name", "/", 200, f"Cookie: xbackend={token(ECHO)}", says=("Spark Master",))
    yield get("cookie-empty", "/", 200, "Cookie: backend=", says=("Spark Master",))
    yield get("cookie-on-the-start-page", "/sparkspace/", 200, "Cookie: backend=<script>", hides=("<script>",))
    yield get("cookie-is-for-no-proxy-path", "/proxy/app-none/", 404, COOKIE, hides=(REACHED,))


def smuggled(inner: str = "/smuggled") -> str:
    """A request that stands in another's body."""
    return f"GET {inner} HTTP/1.1\r\n{HOST}\r\n\r\n"


def protocol() -> Iterator[Attack]:
    """HTTP, bent. The dyno ``echo`` tells of every request it sees: no smuggled one may be among them."""
    chunked, end = "Transfer-Encoding: chunked", "0\r\n\r\n"
    bodies = {
        "length-and-chunked": (400, (f"Content-Length: {len(end)}", chunked), end + smuggled()),
        "chunked-and-length": (400, (chunked, "Content-Length: 400"), end + smuggled()),
        "two-lengths": (400, ("Content-Length: 0", "Content-Length: 60"), smuggled()),
        "two-equal-lengths": (400, ("Content-Length: 5", "Content-Length: 5"), "hello"),
        "list-of-lengths": (400, ("Content-Length: 0, 60",), smuggled()),
        "length-with-plus": (400, ("Content-Length: +5",), "hello"),
        "length-below-zero": (400, ("Content-Length: -1",), smuggled()),
        "length-in-hex": (400, ("Content-Length: 0x5",), "hello"),
        "length-too-large": (400, ("Content-Length: 18446744073709551620",), "hello"),
        "xchunked": (501, ("Transfer-Encoding: xchunked",), end),
        "chunked-twice": (501, ("Transfer-Encoding: chunked, chunked",), end + smuggled()),
        "chunked-then-identity": (501, ("Transfer-Encoding: chunked, identity",), end),
        "vertical-tab": (501, ("Transfer-Encoding:\x0bchunked",), end + smuggled()),
        "two-encodings": (400, (chunked, "Transfer-Encoding: identity"), end + smuggled()),
        "space-before-colon": (400, ("Transfer-Encoding : chunked",), end + smuggled()),
        "tab-before-name": (400, ("\tTransfer-Encoding: chunked",), end + smuggled()),
        "folded": (400, ("Transfer-Encoding:", " chunked"), end + smuggled()),
        "bad-chunk": (400, (chunked,), "xyz\r\nhello\r\n" + end),
        "chunk-below-zero": (400, (chunked,), "-1\r\nhello\r\n" + end),
        "chunk-too-large": (400, (chunked,), "FFFFFFFFFFFFFFFFFF\r\nhello\r\n" + end),
        "huge-length": (413, (f"Content-Length: {1 << 30}",), ""),
        "huge-chunk": (413, (chunked,), "40000000\r\nx"),
    }
    for name, (status, lines, body) in bodies.items():
        yield get(f"body-{name}", "/", status, COOKIE, *lines, method="POST", body=body, hides=(REACHED,))
    body = smuggled()
    length = f"Content-Length: {len(body)}"
    counted = f'"body_length": {len(body)}'
    yield get("body-of-a-get", "/", 200, COOKIE, length, body=body, says=(counted,))
    yield get(
        "body-chunked", "/", 200, COOKIE, chunked, method="POST", body=f"3\r\nabc\r\n{end}", says=('"body_length": 3',)
    )
    for number in range(4):  # on one connection to the desk, if the proxy keeps it
        name, text = f"body-for-the-desk-{number}", request("/sparkspace/", length, method="POST", body=body)
        yield Attack(name, (text,), 200, ("page.js",), sequence="desk")
    yield get(
        "body-underscore-length",
        "/",
        200,
        COOKIE,
        "Content_Length: 60",
        says=('"body_length": 0',),
        hides=("Content_",),
    )
    yield get("header-folded", "/", 400, COOKIE, "X-A: 1", " folded")
    yield get("header-no-name", "/", 400, COOKIE, ": x")
    yield get("header-space-in-its-name", "/", 400, COOKIE, "X A: x")
    yield get("header-nul", "/", 400, COOKIE, "X-A: \0")
    yield get("header-cr", "/", 400, COOKIE, "X-A: 1\rX-B: 2")
    yield get("header-no-colon", "/", 200, COOKIE, "X-No-Colon", says=(REACHED,))
    yield get(
        "header-underscore", "/", 200, COOKIE, "X_Forwarded_Host: x", says=(REACHED,), hides=("X_Forwarded_Host",)
    )
    yield Attack("bare-lf", (request("/", COOKIE).replace("\r\n", "\n"),), 200, (REACHED,))
    connection = "Connection: Upgrade, HTTP2-Settings"
    h2c = ("Upgrade: h2c", connection, "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    yield get("upgrade-h2c", "/", 200, COOKIE, *h2c, hides=("h2c", '"Upgrade"', '"Connection"', "101 "))
    yield get("upgrade-h2c-desk", "/sparkspace/", 200, *h2c, hides=("101 ",))
    yield get(
        "upgrade-odd", "/", 200, COOKIE, "Upgrade: websocket, h2c", "Connection: Upgrade", hides=('"Upgrade"', "101 ")
    )
    hop = "Connection: close, Authorization, X-Forwarded-For"
    yield get("connection-names-others", "/", 200, COOKIE, hop, says=("X-Forwarded-For",), hides=('"Authorization"',))
    yield Attack("preface-of-http2", ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), 400)
    yield Attack("tls", ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\0" * 100,), 400)
    yield Attack("nothing-but-line-ends", ("\r\n" * 20 + request("/", COOKIE),), 200, (REACHED,))
    yield Attack("http-09", ("GET /\r\n",), 0, hides=("Spark Master",))
    yield Attack("http-3", (request("/").replace("HTTP/1.1", "HTTP/3.0"),), 505)
    yield Attack("http-odd", (request("/").replace("HTTP/1.1", "HTTP/1.1x"),), 400)
    yield Attack("http-10-chunked", (request("/", COOKIE, chunked, body=end).replace("HTTP/1.1", "HTTP/1.0"),), 400)
    for method, status in {"TRACE": 405, "CONNECT": 405, "get": 400, "Get": 400, "GET\t": 400, "": 400}.items():
        yield get(f"method-{method!r}", "/", status, COOKIE, method=method, hides=(REACHED, "Basic "))
    yield get("method-CONNECT-outside", f"{OUTSIDE}:9999", 400, method="CONNECT")
    yield get("method-TRACK", "/", 200, COOKIE, method="TRACK", hides=('"Authorization"', RIGHT.split()[2]))
    yield get("method-POST-to-choose", f"/set-backend/{OUTSIDE}:9999", 403, "Content-Length: 0", method="POST")
    yield get("method-override", "/", 200, COOKIE, "X-HTTP-Method-Override: DELETE", says=('"method": "GET"',))
    yield get("long-uri", "/" + "a" * 20_000, 414, COOKIE)
    yield get("long-header", "/", 400, COOKIE, "X-A: " + "a" * 40_000, hides=(REACHED,))
    yield get("long-headers", "/", 400, COOKIE, *(f"X-{n}: {'a' * 7000}" for n in range(12)), hides=(REACHED,))
    yield get("many-headers", "/", 200, COOKIE, *(f"X-{n}: {n}" for n in range(100)), says=(REACHED,))
    yield get("long-path-for-the-desk", "/set-backend/" + "é".encode().decode("latin-1") * 7000, 403)
    yield get("long-path-and-forged-cookie", "/" + "a" * 12_000, 403, "Cookie: backend=forged")


def paths() -> Iterator[Attack]:
    """Files, the desk's own paths, and Spark's reverse proxy. Whatever is no path of ours is Spark's."""
    files = ("root:x:", "SSHA", "proxy_pass", "SPACE_PROXY", "auth_basic")
    for path in (
        "/../../etc/passwd", "/sparkspace/../../etc/passwd", "/%2e%2e/", "/%2e%2e%2fetc%2fpasswd",
        "/..%2f..%2fetc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd", "/finished/../../", "/finished/%2e%2e/%2e%2e/x", "/set-backend/../../x",
        "/.%2e/x", "/%",
    ):  # fmt: skip
        yield get(f"path-{path}", path, 400, hides=files)
    for path in (
        "/..;/..;/etc/passwd", "/users", "/nginx.conf", "/banned", "/banned/10.0.0.1", "/desk", "/.env", "/etc/passwd",
        "/sparkspace/login", "/sparkspace/banned", "/sparkspace/foreign", "/sparkspace/unreachable", "/sparkspace/x",
        "/sparkspace/../users", "/sparkspace/page.css/../../users",
    ):  # fmt: skip
        forged = ("X-Request: /users", "X-Client: 198.51.100.1", "X-Tried: 1")
        hides = (*files, "Log in", NO_COOKIE, REACHED)
        yield get(f"path-{path}", path, 400 if ";" in path else 200, *forged, hides=hides)
    for place in ("unknown-backend", "nobody", "no-history", "no-notebook", "notebook-pass", "%6eobody", "x/../nobody"):
        yield get(f"path-internal-{place}", f"/sparkspace/{place}", 404, "X-Request: //evil", hides=(NO_COOKIE, "evil"))
    forged = (
        "X-Request: //evil.example/",
        "X-Client: 198.51.100.1",
        "X-Proto: https",
        "X-Site: none",
        "X-Page: http://x",
    )
    yield get("desk-headers", f"/set-backend/{ECHO}/x", 302, *forged, location="/x", hides=("Secure", EVIL))
    inside = f"http://<address of {OUTSIDE}>:9999"
    for name, path, status in (
        ("url", f"/proxy/http:%2f%2f{EVIL}/", 400), ("address", f"/proxy/{inside}/", 400),
        ("nobody", "/proxy/app-none/", 404),
        ("name", f"/proxy/{OUTSIDE}:9999/", 404), ("at", f"/proxy/app-1@{OUTSIDE}:9999/", 404),
        ("none", "/proxy/", 404),
        ("dots", f"/proxy/../{OUTSIDE}:9999/", 200), ("dots-2f", "/proxy/app-none%2f..%2f..%2f", 400),
        ("query", f"/proxy/?id={inside}", 404), ("two-slashes", f"/proxy//{OUTSIDE}:9999/", 400),
    ):  # fmt: skip
        yield get(f"proxy-{name}", path, status, hides=(REACHED, NO_LOCATION))
    yield get("finished-slashes", f"/finished//{EVIL}/x", 200, says=('"path": "/evil.example/x"',))
    yield get("query-with-a-secret", f"/with-a-token?token={QUERY_SECRET}", 200, COOKIE)
    yield get("query-with-a-secret-desk", f"/set-backend/{EVIL}?token={QUERY_SECRET}", 403)
    yield get("query-with-a-secret-long", f"/?{'a' * 10_000}={QUERY_SECRET}", 403, "Cookie: backend=forged")
    yield get("query-with-a-secret-foreign", f"/?token={QUERY_SECRET}", 403, "Origin: null", method="POST")
    yield get("query-with-a-secret-bad", f"/%?token={QUERY_SECRET}", 400)
    yield get("referer-with-a-secret", "/", 200, COOKIE, f"Referer: http://spark.example.com/?token={QUERY_SECRET}")


def websocket(origin: str = "") -> tuple[str, ...]:
    """The headers that ask for one."""
    asked = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    return (*asked, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *([f"Origin: {origin}"] if origin else []))


def notebooks() -> Iterator[Attack]:
    """What JupyterLab gets is signed by the desk, for the user whose password it was; nobody else can write that."""
    forged = ("X-Sender: root", "X-Pass: forged", "X-Method: POST", "X-User: root", "X-Request: /notebook/api")
    signed = (REACHED, '["Authorization", "Sparkspace ', f'["X-Sender", "{USER}"]')
    hides = (RIGHT.rpartition(" ")[2], '["X-Sender", "root"]')
    for path in ("/notebook/", "/notebook/lab?a=%20b", "/notebook/api/contents/a%2Fb%20c/../d", "/notebook/%C3%A9"):
        yield get(f"notebook-{path}", path, 200, *forged, says=(*signed, f'"path": "{path}"'), hides=hides)
    yield get("notebook-folder", "/notebook", 302, location="/notebook/")
    for path in ("/x/../notebook/lab", "//notebook/lab", "/%6eotebook/lab", "/./notebook/lab"):
        yield get(f"notebook-{path}", path, 404, hides=(REACHED,))
    for path in ("/notebook/../json/", "/NOTEBOOK/lab", "/notebooks/"):
        yield get(f"notebook-{path}", path, 200, hides=(REACHED,))
    empty, evil = "Content-Length: 0", f"Origin: http://{EVIL}"
    yield get("notebook-post-foreign", "/notebook/api/kernels", 403, evil, empty, method="POST", hides=(REACHED,))
    yield get("notebook-websocket-foreign", "/notebook/api/kernels/1/channels", 403, *websocket(f"http://{EVIL}"))
    yield get("notebook-post", "/notebook/api/kernels", 200, empty, method="POST", says=signed)


def foreign() -> Iterator[Attack]:
    """A page of another origin, with the password that the browser holds: it may look, and change nothing."""
    own, empty = "http://spark.example.com", "Content-Length: 0"
    origins = {
        "evil": f"http://{EVIL}", "null": "null", "empty-scheme": "://spark.example.com", "suffix": f"{own}.{EVIL}",
        "prefix": f"http://x{HOST[6:]}", "port": f"{own}:666", "path": f"http://{EVIL}/{HOST[6:]}",
        "at": f"{own}@{EVIL}",
        "two": f"{own} http://{EVIL}", "subdomain": f"http://a.{HOST[6:]}", "file": "file://", "control": f"{own}\x01",
    }  # fmt: skip
    for name, origin in origins.items():
        yield get(f"post-origin-{name}", "/", 403, COOKIE, f"Origin: {origin}", empty, method="POST", hides=(REACHED,))
        yield get(f"websocket-origin-{name}", "/", 403, COOKIE, *websocket(origin), hides=("101 ",))
        choose = f"/set-backend/{ECHO}"
        yield get(f"choose-origin-{name}", choose, 403, f"Origin: {origin}", hides=(NO_COOKIE, NO_LOCATION))
    for method in ("PUT", "DELETE", "PATCH", "TRACK", "PROPFIND"):
        yield get(
            f"foreign-{method}", "/", 403, COOKIE, f"Origin: http://{EVIL}", empty, method=method, hides=(REACHED,)
        )
    for site in ("cross-site", "same-site"):
        line = f"Sec-Fetch-Site: {site}"
        yield get(f"post-{site}", "/", 403, COOKIE, line, empty, method="POST", hides=(REACHED,))
        yield get(f"post-{site}-own-origin", "/", 403, COOKIE, line, f"Origin: {own}", empty, method="POST")
        yield get(f"websocket-{site}", "/", 403, COOKIE, line, *websocket(), hides=("101 ",))
        yield get(f"choose-{site}", f"/set-backend/{ECHO}", 403, line, hides=(NO_COOKIE, NO_LOCATION))
        yield get(f"choose-default-{site}", "/set-backend/default", 403, line, hides=(NO_COOKIE, NO_LOCATION))
        yield get(f"look-{site}", "/", 200, COOKIE, line, says=(REACHED,), hides=("Access-Control",))
    yield get("choose-site-odd", f"/set-backend/{ECHO}", 403, "Sec-Fetch-Site: ?", hides=(NO_COOKIE,))
    for name, page in {
        "evil": f"http://{EVIL}/",
        "own-in-its-path": f"http://{EVIL}/{own}",
        "bracket": "http://[",
    }.items():
        yield get(f"choose-referer-{name}", f"/set-backend/{ECHO}", 403, f"Referer: {page}", hides=(NO_COOKIE,))
    foreign_choice = f"/set-backend/{ECHO}/<script>alert(1)</script>"
    yield get("choose-foreign-script", foreign_choice, 403, f"Referer: http://{EVIL}/", hides=("<script>",))
    yield get("look-foreign-origin", "/", 200, COOKIE, f"Origin: http://{EVIL}", hides=("Access-Control",))
    yield get(
        "options-foreign-origin",
        "/",
        200,
        COOKIE,
        f"Origin: http://{EVIL}",
        method="OPTIONS",
        hides=("Access-Control",),
    )
    yield get("post-own-origin", "/", 200, COOKIE, f"Origin: {own}", empty, method="POST", says=(REACHED,))
    yield get("post-of-a-program", "/", 200, COOKIE, empty, method="POST", says=(REACHED,))
    yield get("post-own-site", "/", 200, COOKIE, "Sec-Fetch-Site: same-origin", empty, method="POST", says=(REACHED,))
    yield get("choose-own-referer", f"/set-backend/{ECHO}", 302, f"Referer: {own}/sparkspace/", location="/")
    yield get("choose-typed", f"/set-backend/{ECHO}", 302, "Sec-Fetch-Site: none", location="/")
    mask, text = b"\x01\x02\x03\x04", b"hello there"
    frame = bytes([0x81, 0x80 | len(text)]) + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(text))
    for name, origin in {"own": own, "none": ""}.items():
        opened = request("/", COOKIE, *websocket(origin))
        yield Attack(f"websocket-origin-{name}", (opened,), 101, (text.decode(),), then=frame.decode("latin-1"))
    typed = basic(NAME_SECRET, "")
    line = f"Origin: http://{EVIL}"
    yield get("foreign-name-unchecked", "/", 403, line, "Content-Length: 0", method="POST", head=(HOST, typed))


def guesses() -> Iterator[Attack]:
    """Ten failures of one client, which is the last that X-Forwarded-For has, and it is out, and nobody else."""
    guesser, victim = "198.51.100.1", "198.51.100.2"
    for number in range(10):
        forged = (
            f"X-Forwarded-For: {victim}, {guesser}",
            f"X-Forwarded-For: 10.9.8.{number},  {guesser} ",
            f"X-Forwarded-For: {victim}\r\nX-Forwarded-For: {guesser}",
        )[number % 3]
        yield get(f"guess-{number}", "/", 401, forged, head=(HOST, BAD), sequence="guesses")
    out, hides = f"X-Forwarded-For: 10.1.1.1, {guesser}", ("Spark Master", REACHED)
    retry = ("Retry-After",)
    yield get("guesser-is-out", "/", 429, out, sequence="guesses", says=retry, hides=hides)
    yield get("guesser-is-out-of-the-desk", "/sparkspace/", 429, out, sequence="guesses", says=retry, hides=hides)
    yield get("guesser-is-out-without-password", "/", 429, out, head=(HOST,), sequence="guesses")
    typed = (HOST, basic(NAME_SECRET, ""))
    yield get("guesser-is-out-whoever-he-says", "/", 429, out, head=typed, sequence="guesses")
    yield get("guesser-is-out-with-cookie", "/", 429, out, COOKIE, sequence="guesses", hides=hides)
    for name, client in {"victim": victim, "another": "198.51.100.3", "guesser-first": f"{guesser}, {victim}"}.items():
        yield get(f"guesser-alone-is-out-{name}", "/", 200, f"X-Forwarded-For: {client}", sequence="guesses")
    yield get("guesser-alone-is-out-nobody", "/", 200, sequence="guesses")
    yield from odd_guesses()


def odd_guesses() -> Iterator[Attack]:
    """Guesses that the desk might not be able to read count, and X-Client and X-Tried count for nothing."""
    guesser, victim = "X-Forwarded-For: 198.51.100.4", "198.51.100.5"
    odd = {
        "long-path": request("/" + "a" * 12_000, guesser, head=(HOST, BAD)),
        "long-header": request("/", "X-A: " + "a" * 12_000, guesser, head=(HOST, BAD)),
        "control": request("/", "X-A: a\x01b", guesser, head=(HOST, BAD)),
        "not-utf-8": request("/\xff", "X-A: \xff", guesser, head=(f"{HOST}\xff", BAD)),
        "no-host": request("/", guesser, head=(BAD,)).replace("HTTP/1.1", "HTTP/1.0"),
        "long-cookie": request("/", "Cookie: backend=" + "a" * 12_000, guesser, head=(HOST, BAD)),
        "odd-referer": request("/", "Referer: \x01\xff", guesser, head=(HOST, BAD)),
        "forged": request("/", f"X-Client: {victim}", "X-Tried: 0", guesser, head=(HOST, BAD)),
        "query": request("/?\xff\xfe", guesser, head=(HOST, BAD)),
        "body": request("/", "Content-Length: 9", guesser, head=(HOST, BAD), method="POST", body="x" * 9),
    }
    for name, text in odd.items():
        yield Attack(f"odd-guess-{name}", (text,), 401, sequence="odd")
    yield get("odd-guesser-is-out", "/", 429, guesser, sequence="odd")
    yield get("odd-guesser-alone-is-out", "/", 200, f"X-Forwarded-For: {victim}", sequence="odd")


def slow() -> Iterator[Attack]:
    """Who is slow on purpose is cut off in some 10 s, and hinders nobody meanwhile."""
    within = (8.0, 15.0)
    for number in range(8):
        text = request("/", COOKIE, *(f"X-{n}: {n}" for n in range(40)))
        parts = tuple(text[place : place + 10] for place in range(0, 400, 10))
        yield Attack(f"slow-header-{number}", parts, 0, seconds=within, pause_s=0.5)
    yield Attack("slow-says-nothing", ("",), 0, seconds=within)
    body = request("/", COOKIE, "Content-Length: 100", method="POST", body="x")
    yield Attack("slow-body", (body,), 0, seconds=within)
    for wait_s in (2, 5, 8):
        yield Attack(
            f"slow-meanwhile-{wait_s}", (request("/", COOKIE),), 200, (REACHED,), seconds=(0, 3), wait_s=wait_s
        )


def pushes() -> Iterator[Attack]:
    """The two paths to the class server: for our own program alone, and no page of anybody's can act as one."""
    push, sessions, ours = "/sparkspace/code/push", "/sparkspace/code/sessions", "X-Sparkspace-Push: 1"
    empty, hides = "Content-Length: 0", ("sessions", "localspace", NO_LOCATION, NO_COOKIE)
    for path in (push, sessions, f"{push}?x=1", f"{sessions}/ann", "/sparkspace/code/", "/sparkspace/code/list"):
        yield get(f"push-no-password-{path}", path, 401, ours, head=(HOST,), hides=hides)
        yield get(f"push-no-password-post-{path}", path, 401, ours, empty, method="POST", head=(HOST,), hides=hides)
    yield get("push-sessions", sessions, 200, says=('"sessions": []',))
    lines = {
        "no-header": (), "another-value": ("X-Sparkspace-Push: 2",), "empty-header": ("X-Sparkspace-Push: ",),
        "nginx-own-header": ("X-Push: 1",), "underscores": ("X_Sparkspace_Push: 1",),
        "form": ("Content-Type: application/x-www-form-urlencoded",), "text": ("Content-Type: text/plain",),
        "origin": (ours, f"Origin: https://{EVIL}"), "null-origin": (ours, "Origin: null"),
        "cross-site": (ours, "Sec-Fetch-Site: cross-site"), "same-site": (ours, "Sec-Fetch-Site: same-site"),
        "page-of-ours": ("Origin: https://spark.example.com", "Sec-Fetch-Site: same-origin"),
        "referer": (f"Referer: https://{EVIL}/x",),
    }  # fmt: skip
    for name, more in lines.items():
        yield get(f"push-{name}", push, 403, *more, empty, method="POST", hides=hides)
    yield get("push-nothing", push, 400, ours, empty, method="POST", says=('"error": "malformed"',))
    yield get("push-junk", push, 400, ours, "Content-Length: 4", method="POST", body="junk", says=("malformed",))
    chunked = (ours, "Transfer-Encoding: chunked")
    yield get("push-chunked", push, 400, *chunked, method="POST", body="4\r\njunk\r\n0\r\n\r\n", says=("malformed",))
    forged = ("X-User: root", "X-Sender: root", "X-Seal: 0", "X-Client: 10.0.0.1", "X-Site: none", "X-Page: x")
    yield get("push-forged-headers", push, 403, *forged, empty, method="POST", hides=hides)
    yield get("push-preflight", push, 405, f"Origin: https://{EVIL}", ours, method="OPTIONS", hides=("Access-Control",))
    for method in ("GET", "PUT", "DELETE", "PATCH", "PROPFIND"):
        yield get(f"push-{method}", push, 405, ours, empty, method=method, hides=hides)
    yield get("push-too-long", push, 413, ours, f"Content-Length: {1 << 30}", method="POST", hides=hides)
    body = smuggled("/sparkspace/code/sessions")
    for number in range(4):
        text = request(push, ours, f"Content-Length: {len(body)}", method="POST", body=body)
        yield Attack(f"push-smuggled-{number}", (text,), 400, ("malformed",), ("sessions",), sequence="push")


TABLE = (
    *passwords(), *choices(), *redirects(), *cookies(), *protocol(), *paths(), *notebooks(), *foreign(), *pushes(),
    *guesses(), *slow(),
)  # fmt: skip
