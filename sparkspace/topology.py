"""Where things are: names of dynos and the ports that Spark's daemons listen on."""

from __future__ import annotations

from .config import Dyno, Settings

MASTER_PORT = 7077
MASTER_UI_PORT = 8080
WORKER_UI_PORT = 8081
DOMAIN = "app.localspace"


def master_app_domain(dyno: Dyno, settings: Settings) -> str:
    """The domain of the app whose masters are used: this one's, or that of ``SPARKSPACE_MASTER_APP``."""
    return f"{settings.master_app}.{DOMAIN}" if settings.master_app else dyno.app_domain


def master_hosts(dyno: Dyno, settings: Settings) -> list[str]:
    """The DNS names of all masters, ``1.master.…`` first."""
    domain = master_app_domain(dyno, settings)
    return [f"{number}.master.{domain}" for number in range(1, settings.masters + 1)]


def master_url(dyno: Dyno, settings: Settings) -> str:
    """``spark://1.master.…:7077[,2.master.…:7077]``, as Spark wants several masters written."""
    return "spark://" + ",".join(f"{host}:{MASTER_PORT}" for host in master_hosts(dyno, settings))


def master_ui_urls(dyno: Dyno, settings: Settings) -> list[str]:
    """The base URL of each master's page, which also serves ``/json/``."""
    return [f"http://{host}:{MASTER_UI_PORT}" for host in master_hosts(dyno, settings)]
