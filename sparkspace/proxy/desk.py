"""The desk: what nginx hands over when a request is not for Spark. An HTTP server on a socket in nginx's folder.

nginx says in headers what the request was (``X-Request``, its path as it came; ``X-Host``; ``X-Page``, its Origin or
Referer; ``X-Site``, its Sec-Fetch-Site), who asks (``X-Client``), by which scheme (``X-Proto``), and whether a password
came along (``X-Tried``). Of what the client sent nothing else arrives but the choice in its cookie; and of a push,
which is for the class server (``gateway``), its body, the user (``X-User``), and whether it has the header of one
(``X-Push``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from ..cluster.signature import Key, Request
from ..config import Backend
from ..log import event
from .attempts import BANNED_FOR_S, Attempts
from .formation import Formation
from .gateway import LARGEST, Gateway
from .lookout import Lookout
from .metrics import Metrics
from .pages import ASSETS, Pages
from .seal import Seal

COOKIE = "backend"
COOKIE_FOR_S = 30 * 24 * 3600
# nginx takes a line of 16 KB, and the path goes into a header here.
LONGEST_HEADER = 32 * 1024
# nginx has taken up a new configuration by then: it forks its new workers in milliseconds.
RELOADED_AFTER_S = 0.3
# A path and query as browsers send them. Not two slashes at its start: as a redirect it would lead to another host.
_PATH = re.compile(r"/(?!/)[\w.~!$&'()*+,;=:@%/-]*(\?[\w.~!$&'()*+,;=:@%/?\[\]-]*)?", re.ASCII)
# Of our own pages, beside the one that nginx adds to all. The empty icon is a data: URL.
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:"
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Desk:
    """The handlers, each for one of the paths that nginx.conf.j2 has."""

    def __init__(
        self,
        lookout: Lookout,
        attempts: Attempts,
        seal: Seal,
        pages: Pages,
        secret: str = "",
        formation: Formation | None = None,
    ) -> None:
        self._lookout = lookout
        self._attempts = attempts
        self._seal = seal
        self._pages = pages
        self._secret = secret
        self._formation = formation
        self._notebook = Key(secret, "notebook") if secret else None

    async def serve(self, socket: Path) -> web.AppRunner:
        """Serve on ``socket``, until the runner is cleaned up."""
        handlers: dict[str, Handler] = {
            "/healthz": self.health,
            "/finished": self.folder,
            "/notebook": self.folder,
            "/set-backend": self.set_backend,
            "/sparkspace": self.folder,
            "/sparkspace/": self.start,
            "/sparkspace/overview": self.overview,
            "/sparkspace/metrics": Metrics(self._lookout, self._secret, self._formation).page,
            "/sparkspace/login": self.login,
            "/sparkspace/banned": self.banned,
            "/sparkspace/foreign": self.foreign,
            "/sparkspace/gone": self.gone,
            "/sparkspace/nobody": self.nobody,
            "/sparkspace/no-history": self.no_history,
            "/sparkspace/no-notebook": self.no_notebook,
            "/sparkspace/notebook-pass": self.notebook_pass,
            "/sparkspace/unreachable": self.unreachable,
            "/sparkspace/unknown-backend": self.unknown_backend,
        }
        gateway = Gateway(self._lookout, self._secret, self._is_foreign)
        app = web.Application(client_max_size=LARGEST)  # nginx sends no body but a push
        app.add_routes([web.post("/sparkspace/code/push", gateway.push)])
        app.add_routes([web.get("/sparkspace/code/sessions", gateway.sessions)])
        app.add_routes([web.get(path, handler) for path, handler in handlers.items()])
        app.add_routes([web.get(f"/sparkspace/{name}", self.asset) for name in ASSETS])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, max_field_size=LONGEST_HEADER)
        await runner.setup()
        await web.UnixSite(runner, str(socket)).start()
        return runner

    async def health(self, request: web.Request) -> web.Response:
        """Up if a master is ALIVE, and not a word more: nobody has shown a password."""
        up = self._lookout.view.leader is not None
        return _fresh(web.Response(text="up\n" if up else "down\n", status=200 if up else 503))

    async def folder(self, request: web.Request) -> web.Response:
        """A folder whose slash is missing. Not nginx's own "return", which asks for no password."""
        return self._redirect(f"{request.path}/", 302)

    # The start page

    async def start(self, request: web.Request) -> web.Response:
        """The start page."""
        return _html(self._pages.start(self._lookout.view, self._shown(request)))

    async def overview(self, request: web.Request) -> web.Response:
        """The part of the start page that changes."""
        return _html(self._pages.overview(self._lookout.view, self._shown(request)))

    async def asset(self, request: web.Request) -> web.Response:
        """The style and the script of our pages."""
        name = request.path.rpartition("/")[2]
        return _fresh(web.Response(text=self._pages.asset(name), content_type=ASSETS[name]))

    def _shown(self, request: web.Request) -> str:
        """The backend that the browser's cookie chose; empty: the default."""
        return str(self._seal.open(request.cookies.get(COOKIE, "")) or "")

    # Choosing a backend

    async def set_backend(self, request: web.Request) -> web.Response:
        """Keep a choice in a cookie, and go there: ``/set-backend/N.type.app.app.localspace:port[/path]``."""
        wanted = self._path(request)
        choice, _, path = wanted.removeprefix("/set-backend").removeprefix("/").partition("/")
        if choice.startswith("?to="):  # the form of the start page
            choice = parse_qs(choice[1:]).get("to", [""])[0].strip()
        if choice == "" and wanted in ("/set-backend", "/set-backend/"):
            return self._redirect("/sparkspace/", 302)
        backend = Backend.parse(choice)
        if choice != "default" and not (backend and self._lookout.allows(backend)):
            return self._refused(choice)
        if self._is_foreign(request):
            return self._message(403, "foreign-choice", choice=choice, again=f"/set-backend/{choice}")
        if backend is None:
            return self._forget(self._redirect("/", 302))
        return await self._enter(request, backend, f"/{path}")

    async def _enter(self, request: web.Request, backend: Backend, path: str) -> web.Response:
        if not _PATH.fullmatch(path):
            return self._refused(f"{backend}{path}")
        if not await self._lookout.choose(backend):
            return self._message(502, "absent", backend=str(backend))
        await asyncio.sleep(RELOADED_AFTER_S)
        event("backend-chosen", backend=backend, client=request.headers.get("X-Client", ""))
        reply = self._redirect(path, 302)
        reply.set_cookie(
            COOKIE,
            self._seal.token(backend),
            max_age=COOKIE_FOR_S,
            path=f"{self._pages.prefix}/",
            httponly=True,
            samesite="Lax",
            secure=request.headers.get("X-Proto") == "https",
        )
        return reply

    async def unknown_backend(self, request: web.Request) -> web.Response:
        """A cookie that nginx does not know: of before our last restart, or of a dyno that is gone, or forged."""
        backend = self._seal.open(request.cookies.get(COOKIE, ""))
        if backend is None or not self._lookout.allows(backend):
            return self._forget(self._message(403, "forged"))
        if not await self._lookout.choose(backend):
            return self._message(502, "absent", backend=str(backend))
        await asyncio.sleep(RELOADED_AFTER_S)
        path = self._path(request)
        return self._redirect(path if _PATH.fullmatch(path) else "/", 307)

    def _refused(self, choice: str) -> web.Response:
        apps = sorted(self._lookout.apps)
        return self._message(403, "refused", choice=choice[:100], apps=apps, app=apps[0])

    def _is_foreign(self, request: web.Request) -> bool:
        """Whether a page of another origin sent the browser here. A typed address and a program are nobody's page."""
        site = request.headers.get("X-Site", "")
        if site:
            return site not in ("same-origin", "none")
        page = request.headers.get("X-Page", "")
        # Not every page has a host: "null" is an Origin too, and there may be no public URL.
        own = {request.headers.get("X-Host", ""), self._pages.public_host} - {""}
        return bool(page) and _host(page) not in own

    # What nginx could not do

    async def login(self, request: web.Request) -> web.Response:
        """No password, or a wrong one."""
        client = request.headers.get("X-Client", "")
        if request.headers.get("X-Tried") == "1":
            self._attempts.failed(client)
        return self._message(401, "login")  # nginx itself asks for the password

    async def banned(self, request: web.Request) -> web.Response:
        """Too many wrong passwords."""
        return self._message(429, "banned", retry_s=int(BANNED_FOR_S))

    async def foreign(self, request: web.Request) -> web.Response:
        """A page of another origin wanted to change something."""
        return self._message(403, "foreign")

    async def nobody(self, request: web.Request) -> web.Response:
        """No master is ALIVE, or the operator's default is nowhere."""
        view = self._lookout.view
        missing = self._lookout.default if view.leader else None
        return self._message(503, "nobody", retry_s=3, masters=view.masters, missing=str(missing or ""))

    async def gone(self, request: web.Request) -> web.Response:
        """A worker or an application that the master does not know."""
        match = re.match(r"/proxy/(app-[\w-]+)", self._path(request), re.ASCII)
        return self._message(404, "gone", application=match[1] if match else "")

    async def no_history(self, request: web.Request) -> web.Response:
        """There is no history server."""
        return self._message(503, "no-history")

    async def no_notebook(self, request: web.Request) -> web.Response:
        """There is no notebook dyno."""
        return self._message(503, "no-notebook", retry_s=3)

    async def notebook_pass(self, request: web.Request) -> web.Response:
        """What lets one request into JupyterLab (nginx's auth_request): nginx knows no secret to sign with."""
        sender = request.headers.get("X-User", "")
        asked = Request(request.headers.get("X-Method", ""), request.headers.get("X-Request", ""), sender=sender)
        signed = self._notebook.headers(asked)["Authorization"] if self._notebook else ""
        return _fresh(web.Response(status=204, headers={"X-Pass": signed}))

    async def unreachable(self, request: web.Request) -> web.Response:
        """A backend that does not answer."""
        path = self._path(request)
        backend = self._shown(request) or str(self._lookout.default or "")
        for place, name in (
            ("/finished/", "the history server"),
            ("/proxy/", "the master, or what it shows here,"),
            ("/notebook/", "the notebook"),
        ):
            backend = name if path.startswith(place) else backend
        event("unreachable", backend=backend or "the master", client=request.headers.get("X-Client", ""))
        return self._message(502, "unreachable", backend=backend or "the master", retry_s=3)

    # Replies

    def _path(self, request: web.Request) -> str:
        """The request's path and query as it came, without the public URL's path."""
        raw = request.headers.get("X-Request", "").encode(errors="surrogateescape").decode(errors="replace")
        return raw.removeprefix(self._pages.prefix) if raw.startswith(f"{self._pages.prefix}/") else raw

    def _redirect(self, path: str, status: int) -> web.Response:
        """To a path of ours, without scheme and host: they stay what the browser has."""
        return _fresh(web.Response(status=status, headers={"Location": self._pages.prefix + path}))

    def _message(self, status: int, name: str, retry_s: int = 0, **facts: object) -> web.Response:
        reply = _html(self._pages.message(name, retry_s=retry_s, **facts), status)
        if retry_s:
            reply.headers["Retry-After"] = str(retry_s)
        return reply

    def _forget(self, reply: web.Response) -> web.Response:
        reply.del_cookie(COOKIE, path=f"{self._pages.prefix}/")
        return reply


def _host(url: str) -> str:
    """The host, and the port if it has one, of a URL; empty: it is none."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _html(text: str, status: int = 200) -> web.Response:
    reply = web.Response(text=text, status=status, content_type="text/html")
    reply.headers["Content-Security-Policy"] = POLICY
    return _fresh(reply)


def _fresh(reply: web.Response) -> web.Response:
    reply.headers["Cache-Control"] = "no-store"
    return reply
