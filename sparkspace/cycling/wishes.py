"""What applications ask for and have not got. Spark's master does not say it: each driver is asked."""

from __future__ import annotations

from ..cluster import crowd, driver_page
from ..cluster.master import Application, MasterStatus
from ..sizing import Capacity
from .scaling import Wish


class Wishes:
    """Of the applications of a master. ``default_cores``: what it gives to one that does not say (in all)."""

    def __init__(self, default_cores: int) -> None:
        self._default_cores = default_cores
        self._properties: dict[str, dict[str, str]] = {}

    def of(self, page: MasterStatus, each: Capacity) -> list[Wish]:
        """All of them. ``each``: what a worker offers."""
        ids = {application.id for application in page.applications}
        self._properties = {id: found for id, found in self._properties.items() if id in ids}
        found = crowd.ask(lambda application: self._wish(page.url, application, each), page.applications)
        return [wish for wish in found if wish.executors > 0]

    def _wish(self, url: str, application: Application, each: Capacity) -> Wish:
        properties = self._known(url, application)
        cores = _whole(properties, "spark.executor.cores")
        size = Capacity(max(application.memory_per_executor_mb, 1), cores or 1)
        asked = driver_page.executors(url, application)
        missing = (_whole(properties, "spark.cores.max") or self._default_cores) - application.cores
        if asked:
            wanted, present = asked
            granted = application.cores // size.cores if cores else 0  # some of them may still be starting
            return Wish(application.id, min(wanted - max(present, granted), max(missing, 0) // size.cores), size)
        if not properties:  # silent, or just starting: it is enough to know whether it has anything
            return Wish(application.id, int(not application.cores), size)
        if cores:
            return Wish(application.id, missing // cores, size)
        # Without a number of its own an executor takes all cores that its worker has.
        whole = Capacity(size.memory_mb, min(each.cores, max(missing, 1)))
        return Wish(application.id, -(-missing // each.cores), whole)

    def _known(self, url: str, application: Application) -> dict[str, str]:
        if application.id not in self._properties and (found := driver_page.properties(url, application)):
            self._properties[application.id] = found
        return self._properties.get(application.id, {})


def _whole(properties: dict[str, str], key: str) -> int:
    text = properties.get(key, "")
    return int(text) if text.isascii() and text.isdigit() else 0
