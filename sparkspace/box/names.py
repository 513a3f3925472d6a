"""The names of the space: ``N.type.app.app.localspace`` and ``type.app.app.localspace`` → addresses.

In namespaces a DNS server answers, as in a Private Space. On loopback there is no resolver of a dyno's own to point
anywhere, so the table is a hosts file, which libnss-wrapper shows to every process.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

TTL_S = 5


class Names:
    """The table. The newest dyno of a name has it; an older one that still drains has none.

    Each change is seen after ``lag_s``: a Private Space's names may lag by ten seconds, and point to nobody meanwhile
    (devcenter.heroku.com/articles/dyno-dns-service-discovery).
    """

    def __init__(self, app: str, lag_s: float = 0.0) -> None:
        self.domain = f"{app}.app.localspace"
        self.lag_s = lag_s
        self._addresses: dict[str, str] = {}  # 1.worker.app.app.localspace → address
        self._changes: deque[tuple[float, str, str, bool]] = deque()  # due, name, address, whether it has come or gone
        self._lock = threading.Lock()  # the DNS server asks from a thread of its own

    def set(self, dyno: str, address: str) -> None:
        """``worker.1`` is at ``address`` from now on."""
        self._changes.append((time.monotonic() + self.lag_s, self.of(dyno), address, True))

    def drop(self, dyno: str, address: str) -> None:
        """``worker.1`` is no longer at ``address``; a newer dyno of the name keeps it."""
        self._changes.append((time.monotonic() + self.lag_s, self.of(dyno), address, False))

    def _table(self) -> dict[str, str]:
        """The table as it is seen now."""
        with self._lock:
            while self._changes and self._changes[0][0] <= time.monotonic():
                _, name, address, has_come = self._changes.popleft()
                if has_come:
                    self._addresses[name] = address
                elif self._addresses.get(name) == address:
                    del self._addresses[name]
            return dict(self._addresses)

    def of(self, dyno: str) -> str:
        """``1.worker.app.app.localspace`` for ``worker.1``."""
        process_type, _, number = dyno.partition(".")
        return f"{number}.{process_type}.{self.domain}"

    def find(self, name: str) -> list[str]:
        """The addresses of a dyno, or of all dynos of a process type. Empty: there is no such name."""
        name = name.rstrip(".").lower()
        table = self._table()
        one = table.get(name)
        return [one] if one else [ip for full, ip in table.items() if full.partition(".")[2] == name]

    def hosts(self) -> str:
        """The table as a hosts file."""
        lines = [f"{ip} {full} {full.partition('.')[2]}\n" for full, ip in self._table().items()]
        return "127.0.0.1 localhost\n" + "".join(lines)


class Resolver(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Answers A questions about the space. There is nothing else that a dyno of the box can reach."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        """One question, one answer; NXDOMAIN for what is not of the space."""
        reply = request.reply()
        addresses = self.names.find(str(request.q.qname))
        if not addresses:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            reply.add_answer(*(RR(request.q.qname, QTYPE.A, rdata=A(ip), ttl=TTL_S) for ip in addresses))
        return reply


def serve(names: Names, address: str) -> None:
    """Answer on ``address`` port 53 in a thread, for as long as the process lives."""
    DNSServer(Resolver(names), address=address, port=53, logger=DNSLogger("-request,-reply,-truncated")).start_thread()


class HostsFile:
    """The table on disk, for libnss-wrapper."""

    def __init__(self, names: Names, path: Path) -> None:
        self.names = names
        self.path = path
        self._mtime = 1
        self.write()

    def write(self) -> None:
        """Put the file in place at once. Its time goes up by a second each: the wrapper reads a file anew only then."""
        handle, temporary = tempfile.mkstemp(dir=self.path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(self.names.hosts())
        self._mtime += 1
        os.utime(temporary, (self._mtime, self._mtime))
        os.replace(temporary, self.path)
