"""Sends raw requests to the web dyno's nginx, past the router, which would tidy them. It runs inside a dyno.

On stdin: JSON, ``{"host", "port", "login", "cases"}``, and a case is ``{"id", "sequence", "wait_s", "parts", "pause_s",
"then"}``. Every case has a connection of its own. Its parts (latin-1) are sent one after the other, with a pause
between them; ``<address of NAME>`` in a part is replaced; ``then`` is sent when a reply is there. On stdout: JSON, id →
``{"status", "headers", "body", "seconds"}``. Status 0: closed without a word; -1: no end of it in 20 s.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CONNECT_WITHIN_S = 5.0
ANSWER_WITHIN_S = 20.0
MOST_BODY = 200_000
AT_ONCE = 32  # room for the slow ones, and for the others meanwhile


def attack(address: tuple[str, int], case: dict[str, Any], login: str) -> dict[str, Any]:
    """Send one case. If that gives us a cookie, use it, as a browser would: this is how a backend is reached."""
    time.sleep(case["wait_s"])
    reply = exchange(address, case)
    cookies = [value.partition(";")[0] for name, value in reply["headers"] if name == "Set-Cookie"]
    for cookie in cookies:
        follow = f"GET / HTTP/1.1\r\nHost: spark.example.com\r\n{login}\r\nCookie: {cookie}\r\n\r\n"
        exchange(address, {"parts": [follow], "pause_s": 0, "then": ""})
    return reply


def exchange(address: tuple[str, int], case: dict[str, Any]) -> dict[str, Any]:
    """Send a request, and read what comes back until the other side closes, or the reply is complete."""
    began, data = time.monotonic(), b""
    with socket.create_connection(address, CONNECT_WITHIN_S) as connection:
        connection.settimeout(ANSWER_WITHIN_S)
        try:
            for number, part in enumerate(case["parts"]):
                if number:
                    time.sleep(case["pause_s"])
                connection.sendall(located(part).encode("latin-1"))
        except ConnectionError:
            pass  # it has heard enough; its answer may still be there
        try:
            while not complete(data) and len(data) < MOST_BODY:
                more = connection.recv(65536)
                if not more:
                    break
                data += more
            if case["then"]:
                connection.sendall(case["then"].encode("latin-1"))
                data += connection.recv(65536)
        except ConnectionError:
            pass
        except TimeoutError:
            return {**parsed(data), "status": -1, "seconds": time.monotonic() - began}
    return {**parsed(data), "seconds": time.monotonic() - began}


def located(part: str) -> str:
    """The part with the addresses of the dynos it names."""
    return re.sub(r"<address of ([a-z0-9.-]+)>", lambda match: socket.gethostbyname(match[1]), part)


def complete(data: bytes) -> bool:
    """Whether a whole reply is there: most connections stay open after one."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    if head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 304", b"HTTP/1.1 204")):
        return True
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    if length:
        return len(body) >= int(length[1])
    return bool(re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE)) and body.endswith(b"0\r\n\r\n")


def parsed(data: bytes) -> dict[str, Any]:
    """Status, headers and body of a reply."""
    head, _, body = data.decode("latin-1").partition("\r\n\r\n")
    line, *lines = head.split("\r\n")
    match = re.match(r"HTTP/1\.[01] (\d{3})", line)
    headers = [each.split(": ", 1) for each in lines if ": " in each]
    return {
        "status": int(match[1]) if match else 0,
        "headers": headers,
        "body": body if match else data.decode("latin-1"),
    }


def main() -> None:
    """Attack with all cases: those of one sequence in their order, all others at once."""
    order = json.load(sys.stdin)
    address = (socket.gethostbyname(order["host"]), order["port"])
    sequences: dict[str, list[dict[str, Any]]] = {}
    for case in order["cases"]:
        sequences.setdefault(case["sequence"] or case["id"], []).append(case)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = pool.map(
            lambda cases: [(case["id"], attack(address, case, order["login"])) for case in cases], sequences.values()
        )
        print(json.dumps({name: answer for answers in done for name, answer in answers}))


if __name__ == "__main__":
    main()
