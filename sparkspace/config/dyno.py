"""``Dyno``: the facts that the platform gives a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import PlatformError

MASTER_HOST = "_SPARKSPACE_MASTER_HOST"  # no config var: cluster/apart.py sets it for the processes that it starts


@dataclass(frozen=True)
class Dyno:
    """The facts that Heroku gives a dyno of a Cedar Private Space with DNS service discovery.

    Source: devcenter.heroku.com/articles/dyno-dns-service-discovery.
    """

    name: str  # worker.2
    private_ip: str
    app_domain: str  # myapp.app.localspace
    dns_name: str  # 2.worker.myapp.app.localspace
    master_host: str = ""  # where the one master is, of a cluster that is all in this dyno; empty: names tell

    @property
    def process_type(self) -> str:
        """``worker`` of ``worker.2``."""
        return self.name.partition(".")[0]

    @property
    def app_name(self) -> str:
        """``myapp`` of ``myapp.app.localspace``."""
        return self.app_domain.partition(".")[0]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Dyno:
        """Read the platform's facts from ``env``.

        Raises:
            PlatformError: this is not a dyno of a Cedar Private Space with DNS service discovery.
        """
        name = env.get("DYNO", "")
        if not name:
            raise PlatformError(
                "This is not a dyno: DYNO is not set.",
                "On a laptop, open a box first: bin/sparkspace up --detach\n"
                "Then run the command in it: bin/sparkspace run COMMAND",
            )
        process_type, dot, number = name.partition(".")
        if not dot or not number.isdigit():
            raise PlatformError(
                f"{name!r} is not the name of a dyno of a Cedar-generation space.",
                "Fir-generation spaces have no DNS service discovery: create a Cedar Private Space for the cluster.",
            )
        private_ip = env.get("HEROKU_PRIVATE_IP", "")
        if not private_ip:
            raise PlatformError(
                "HEROKU_PRIVATE_IP is not set: this dyno is not in a Private Space.",
                "Dynos of the Common Runtime can't reach each other. Create the app in a space: "
                "heroku create APP --space SPACE",
            )
        app_domain = env.get("HEROKU_DNS_APP_NAME", "")
        if not app_domain:
            raise PlatformError(
                "HEROKU_DNS_APP_NAME is not set: DNS service discovery is off for this app.",
                "Turn it on with: heroku features:enable spaces-dns-discovery -a APP && heroku restart -a APP",
            )
        dns_name = env.get("HEROKU_DNS_DYNO_NAME") or f"{number}.{process_type}.{app_domain}"
        return cls(name, private_ip, app_domain, dns_name, env.get(MASTER_HOST, ""))
