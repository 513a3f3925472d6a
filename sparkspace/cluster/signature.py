"""Signed requests and sealed answers between the dynos of a cluster: the secret itself never goes over the wire.

A request carries a MAC of its method, path, body and sender, with the time and a number that is used once; an answer
carries a MAC of what it answers, its status, its ETag and its body. So nobody without the secret can ask, change
what is asked or answered, or ask the same again; and a stranger who has got a dyno's old address can't answer at all.
What it says can be read: it is not encrypted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

SCHEME = "Sparkspace"
WITHIN_S = 120.0  # the clocks of two dynos, and the way of a request
MOST_REMEMBERED = 100_000
SENDER, SEAL = "X-Sender", "X-Seal"
EMPTY = hashlib.sha256(b"").hexdigest()
_FORM = re.compile(rf"{SCHEME} ([0-9]{{1,12}}):([0-9a-f]{{32}}):([0-9a-f]{{64}}):([0-9a-f]{{64}})", re.ASCII)


class Headers(Protocol):
    """Of a request, as whatever server has them; names are found in any case."""

    def get(self, name: str, default: str, /) -> str:
        """The first of this name."""


@dataclass(frozen=True)
class Request:
    """What is signed. ``path`` is as it goes over the wire, with its query; ``body`` the body's SHA-256, in hex."""

    method: str
    path: str
    body: str = EMPTY
    sender: str = ""


class Key:
    """Made of the cluster's secret, for one of those that serve. It is in no message and no ``repr``."""

    def __init__(self, secret: str, serves: str = "class server") -> None:
        self._key = hmac.digest(secret.encode(), f"sparkspace {serves}".encode(), "sha256")

    def _mac(self, *words: str) -> str:
        """Of words that can't run into each other: each has its length before it."""
        text = "".join(f"{len(word)}:{word}" for word in words)
        return hmac.new(self._key, text.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of a request that is signed now."""
        at, nonce = str(int(time.time())), secrets.token_hex(16)
        mac = self._mac("request", at, nonce, request.method, request.path, request.body, request.sender)
        found = {"Authorization": f"{SCHEME} {at}:{nonce}:{request.body}:{mac}"}
        return {**found, SENDER: request.sender} if request.sender else found

    def seal(self, nonce: str, status: int, etag: str, body: bytes) -> str:
        """The seal of the answer to the request with this nonce."""
        return self._mac("answer", nonce, str(status), etag, hashlib.sha256(body).hexdigest())

    def is_sealed(self, sent: Mapping[str, str], status: int, got: Mapping[str, str], body: bytes) -> bool:
        """Whether this answers the request with the headers ``sent``, and comes from somebody who has the secret."""
        seal = self.seal(nonce_of(sent), status, got.get("ETag", ""), body)
        return hmac.compare_digest(seal.encode(), got.get(SEAL, "").encode(errors="replace"))

    def capability(self, scope: str) -> str:
        """What opens one thing for reading to whoever has it, and says nothing about others: part of a URL."""
        return self._mac("read", scope)[:40]

    def opens(self, capability: str, scope: str) -> bool:
        """Whether it is the one of this scope."""
        return hmac.compare_digest(self.capability(scope).encode(), capability.encode(errors="replace"))


def nonce_of(headers: Headers) -> str:
    """The number that a signed request used; empty: it is not signed."""
    match = _FORM.fullmatch(headers.get("Authorization", ""))
    return match[2] if match else ""


class Guard:
    """Lets signed requests in, each one once."""

    def __init__(self, key: Key, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self._seen: dict[str, float] = {}

    def body_of(self, method: str, path: str, headers: Headers) -> str | None:
        """The SHA-256 that the request's body has to have; None: it is not signed, too old, or was here before."""
        match = _FORM.fullmatch(headers.get("Authorization", ""))
        if not match:
            return None
        at, nonce, body, mac = match.groups()
        sender = headers.get(SENDER, "")
        meant = self._key._mac("request", at, nonce, method, path, body, sender)
        now = self._clock()
        is_fresh = hmac.compare_digest(meant.encode(), mac.encode()) and abs(now - int(at)) <= WITHIN_S
        return body if is_fresh and self._is_first(nonce, now) else None

    def _is_first(self, nonce: str, now: float) -> bool:
        """Only what has been signed is remembered, so that no stranger can fill the memory."""
        if nonce in self._seen:
            return False
        while self._seen and (len(self._seen) >= MOST_REMEMBERED or self._oldest() < now - 2 * WITHIN_S):
            del self._seen[next(iter(self._seen))]
        self._seen[nonce] = now
        return True

    def _oldest(self) -> float:
        return next(iter(self._seen.values()))
