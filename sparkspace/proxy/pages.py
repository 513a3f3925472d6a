"""Our own pages, as text: the start page, and a short one for each thing that can go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from .. import ports
from ..cluster.master import MasterStatus
from ..config import Backend
from .lookout import View

TEMPLATES = Path(__file__).with_name("templates")
# The port says nothing that the process type does not.
USUAL = (ports.MASTER_UI, ports.WORKER_UI, ports.HISTORY_UI, ports.NOTEBOOK)
ASSETS = {"page.css": "text/css", "page.js": "text/javascript"}


@dataclass(frozen=True)
class Choice:
    """A line of the picker."""

    label: str
    backend: str
    shown: bool


class Pages:
    """Renders templates for one app behind one public URL."""

    def __init__(self, app: str, public_url: str) -> None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        self.app = app
        self.prefix = urlsplit(public_url).path.rstrip("/")
        self.public_host = urlsplit(public_url).netloc
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(app=app, prefix=self.prefix)
        self._environment.filters.update(
            duration=duration, gigabytes=gigabytes, segment=lambda text: quote(text, safe="")
        )

    def start(self, view: View, shown: str) -> str:
        """The start page, when ``shown`` is the backend that the browser's cookie chose."""
        return self._render("start.html.j2", **self._facts(view, shown))

    def overview(self, view: View, shown: str) -> str:
        """Its part that changes."""
        return self._render("overview.html.j2", **self._facts(view, shown))

    def message(self, name: str, **facts: object) -> str:
        """What went wrong, in ``templates/<name>.html.j2``."""
        return self._render(f"{name}.html.j2", **facts)

    def asset(self, name: str) -> str:
        """One of ``ASSETS``."""
        return (TEMPLATES / name).read_text(encoding="utf-8")

    def _render(self, name: str, **facts: object) -> str:
        return self._environment.get_template(name).render(facts)

    def name(self, host: str) -> str:
        """``worker.2`` for a dyno of this app, with the port of ``host`` unless the type tells it; others stay."""
        backend = Backend.parse(host if ":" in host else f"{host}:{ports.MASTER_UI}")
        if backend is None or backend.app != self.app:
            return host
        return backend.dyno if backend.port in USUAL or ":" not in host else f"{backend.dyno}:{backend.port}"

    def _facts(self, view: View, shown: str) -> dict[str, object]:
        leader = view.leader or MasterStatus("", "DOWN")
        return {
            "view": view,
            "masters": [(self.name(host(status.url)), status) for status in view.masters],
            "workers": [(self.name(host(worker.page) or worker.host), worker) for worker in leader.workers],
            "alive": leader.alive_workers,
            "applications": leader.applications,
            "finished": leader.finished[:20],
            "cores": sum(worker.cores for worker in leader.alive_workers),
            "cores_used": sum(worker.cores_used for worker in leader.alive_workers),
            "shown": shown,
            "choices": [Choice(self.name(each), each, each == shown) for each in backends(view, leader, shown)],
            "shown_name": self.name(shown),
        }


def backends(view: View, leader: MasterStatus, shown: str) -> list[str]:
    """What runs now and has a page of its own, and what this browser is shown."""
    found = [f"{host(status.url)}:{ports.MASTER_UI}" for status in view.masters]
    found += [f"{host(worker.page)}:{ports.WORKER_UI}" for worker in leader.alive_workers]
    if view.history:
        found.append(f"{view.history_host}:{ports.HISTORY_UI}")
    return [each for each in dict.fromkeys([*found, shown]) if Backend.parse(each)]


def host(url: str) -> str:
    """The host of a URL that somebody announced; empty: it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def duration(seconds: float) -> str:
    """``3 min``: one unit, rounded down."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def gigabytes(mb: int) -> str:
    """``1.5 GB``."""
    return f"{mb / 1024:.1f} GB"
