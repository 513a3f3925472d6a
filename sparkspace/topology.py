"""Where things are: the names of dynos, and the URLs made of them."""

from __future__ import annotations

from . import ports
from .config import Dyno, Settings

DOMAIN = "app.localspace"


def master_app_domain(dyno: Dyno, settings: Settings) -> str:
    """The domain of the app whose masters are used: this one's, or that of ``SPARKSPACE_MASTER_APP``."""
    return f"{settings.master_app}.{DOMAIN}" if settings.master_app else dyno.app_domain


def shown_apps(dyno: Dyno, settings: Settings) -> frozenset[str]:
    """The apps whose dynos the web process may show."""
    return frozenset({dyno.app_name, settings.master_app, *settings.proxy_apps} - {""})


def master_hosts(dyno: Dyno, settings: Settings) -> list[str]:
    """The DNS names of all masters, ``1.master.…`` first; of a cluster that is all in this dyno, its address."""
    if dyno.master_host:
        return [dyno.master_host]
    domain = master_app_domain(dyno, settings)
    return [f"{number}.master.{domain}" for number in range(1, settings.masters + 1)]


def master_url(dyno: Dyno, settings: Settings) -> str:
    """``spark://1.master.…:7077[,2.master.…:7077]``, as Spark wants several masters written."""
    return "spark://" + ",".join(f"{host}:{ports.MASTER}" for host in master_hosts(dyno, settings))


def zookeeper_hosts(dyno: Dyno, settings: Settings) -> list[str]:
    """The DNS names of our own ZooKeepers, ``1.zookeeper.…`` first; none if there is no such ensemble."""
    domain = master_app_domain(dyno, settings)
    return [f"{number}.zookeeper.{domain}" for number in range(1, settings.ensemble + 1)]


def zookeeper_url(dyno: Dyno, settings: Settings) -> str:
    """``host:port,host:port`` of the ZooKeepers that masters use, our own or others; empty: none."""
    own = ",".join(f"{host}:{ports.ZOOKEEPER}" for host in zookeeper_hosts(dyno, settings))
    return own or settings.zookeepers


def master_ui_urls(dyno: Dyno, settings: Settings) -> list[str]:
    """The base URL of each master's page, which also serves ``/json/``."""
    return [f"http://{host}:{ports.MASTER_UI}" for host in master_hosts(dyno, settings)]
