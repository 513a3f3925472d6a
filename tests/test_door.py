"""Where the web process listens: everywhere on a dyno, and nowhere but on loopback in a box."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparkspace.config import Dyno
from sparkspace.errors import PlatformError
from sparkspace.proxy.door import listening

from .launchers import FACTS

BOX = Dyno.from_env(FACTS)


@pytest.mark.parametrize(
    ("own_ip", "port", "found"),
    [
        ("10.0.0.1", "1", "1"),
        ("10.0.0.1", "65535", "65535"),
        ("127.0.1.7", "5000", "127.0.1.7:5000"),
        ("12.7.0.1", "5000", "5000"),
    ],
)
def test_listening(own_ip: str, port: str, found: str) -> None:
    assert listening(replace(BOX, private_ip=own_ip), {"PORT": port}) == found


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", " 80", "80\n", "8e3", "٨٠٨٠", "²", "80;", "unix:/x"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(PlatformError) as caught:
        listening(BOX, {"PORT": port})
    assert caught.value.message == f"PORT is {port!r}: only a web dyno gets one, and the proxy listens there."
