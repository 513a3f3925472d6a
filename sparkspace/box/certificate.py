"""TLS of a box: an authority made for this box alone, and one certificate of it, for this machine's loopback.

The authority's key is forgotten as soon as it has signed: who trusts ``authority.pem`` trusts this one certificate, and
nobody can make another.
"""

from __future__ import annotations

import ipaddress
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

AUTHORITY, KEY, CERTIFICATE = "authority.pem", "tls.key", "tls.pem"
VALID_FOR = timedelta(days=30)


def context(folder: Path) -> ssl.SSLContext:
    """A server's TLS context. Its files lie in the box's folder, and go with it."""
    write(folder)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return made


def write(folder: Path) -> None:
    """Make the authority's certificate, and a key with a certificate for localhost and 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = name("sparkspace box authority"), name("sparkspace box")
    theirs = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    root = (
        draft(issuer, issuer, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs_certificates(), critical=True)
        .add_extension(theirs, critical=False)
        .sign(authority, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        draft(issuer, subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(theirs), critical=False)
        .sign(authority, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / KEY).touch(mode=0o600)
    (folder / KEY).write_bytes(text)
    for file, certificate in ((AUTHORITY, root), (CERTIFICATE, leaf)):
        (folder / file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def name(words: str) -> x509.Name:
    """A name that says whose certificate this is, to whom a browser warns of it."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def draft(issuer: x509.Name, subject: x509.Name, key: object) -> x509.CertificateBuilder:
    """A certificate that is yet to be signed."""
    from cryptography import x509

    now = datetime.now(timezone.utc)
    return x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now, now + VALID_FOR)  # type: ignore[arg-type]


def signs_certificates() -> x509.KeyUsage:
    """All that an authority's key may do."""
    from cryptography import x509

    others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    unused = {**dict.fromkeys(others, False), "crl_sign": False, "encipher_only": False, "decipher_only": False}
    return x509.KeyUsage(key_cert_sign=True, **unused)
