"""Ask a master, in Spark's own words, whether it has the same secret as this dyno.

A driver or worker with another secret would go on trying for a minute and more, and say so in pages of stack traces.
The question is the first message of Spark's authentication (``AuthEngine.challenge`` and ``AuthMessage`` in
``common/network-common``, ``spark.network.crypto.authEngineVersion=2``); nothing secret is in it, and the answer is
thrown away.
"""

from __future__ import annotations

import os
import socket
import struct

from .. import ports, topology
from ..config import Dyno, Settings
from ..errors import ConfigError

SASL_USER = b"sparkSaslUser"  # SecurityManager.getSaslUser
RPC_REQUEST, RPC_FAILURE = 3, 5  # org.apache.spark.network.protocol.Message.Type
AUTH_MESSAGE = b"\xfb"  # AuthMessage.TAG_BYTE
SALT_BYTES = KEY_BYTES = 16
NONCE_BYTES = 12
LONGEST_ANSWER = 64 * 1024


def refuse_other_secret(dyno: Dyno, settings: Settings) -> None:
    """Fail at once where Spark would fail slowly. A master that is not up yet is no reason to.

    Raises:
        ConfigError: a master has another secret than this dyno.
    """
    for host in topology.master_hosts(dyno, settings):
        if is_refused(host, ports.MASTER, settings.secret):
            app = settings.master_app or dyno.app_name
            raise ConfigError(
                "SPARKSPACE_SECRET",
                f"must be the same as that of the master at {host}, but it is another",
                example=f"$(heroku config:get SPARKSPACE_SECRET -a {app})",
            )


def is_refused(host: str, port: int, secret: str, timeout_s: float = 1.0) -> bool:
    """Whether the master at ``host`` refuses ``secret``. No answer, or one that is not understood, is no refusal."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(request(challenge(secret)))
            kind, body = answer(connection)
    except OSError:
        return False
    return kind == RPC_FAILURE and b"Authentication failed" in body


def challenge(secret: str) -> bytes:
    """An encoded ``AuthMessage``: a public key, encrypted with a key that is derived from the secret."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    bound = SASL_USER + salt
    key = HKDF(SHA256(), KEY_BYTES, salt, bound).derive(secret.encode())
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    sealed = nonce + AESGCM(key).encrypt(nonce, public, bound)
    return AUTH_MESSAGE + b"".join(struct.pack(">i", len(part)) + part for part in (SASL_USER, salt, sealed))


def request(body: bytes) -> bytes:
    """``body`` as an ``RpcRequest`` in a frame, whose length counts itself."""
    message = struct.pack(">bqi", RPC_REQUEST, 1, len(body)) + body
    return struct.pack(">q", len(message) + 8) + message


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """The type and the rest of the next message.

    Raises:
        OSError: there is none, or it is no message of Spark's.
    """
    with connection.makefile("rb") as stream:
        head = stream.read(9)
        if len(head) < 9:
            raise ConnectionError("the master hung up")
        length, kind = struct.unpack(">qb", head)
        if not 9 <= length <= LONGEST_ANSWER:
            raise ConnectionError("not a message of Spark's")
        return kind, stream.read(length - 9)
