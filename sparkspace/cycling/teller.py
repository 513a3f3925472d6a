"""Tells the masters what happens in a process that will soon be gone, and its counters with it: nobody could ask it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping

Heard = tuple[str, dict[str, str]]


class Teller:
    """Tells every event that it hears (``log.listen``), in a thread: nobody waits for it until the end."""

    def __init__(self, master_url: str, secret: str, sender: str) -> None:
        self._about = (master_url, secret, sender)
        self._heard: queue.SimpleQueue[Heard | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._tell, name="teller", daemon=True)
        self._thread.start()

    def hear(self, at: str, facts: Mapping[str, object]) -> None:
        """An event, as the log has it."""
        self._heard.put((at, {name: str(fact) for name, fact in facts.items()}))

    def close(self, within_s: float) -> None:
        """Wait, for so long at most, until all has been told."""
        self._heard.put(None)
        self._thread.join(within_s)

    def _tell(self) -> None:
        from ..cluster import tally  # 10 MB and 0.2 s, for which a worker's parent should not wait

        masters = tally.clients(*self._about)
        while heard := self._heard.get():
            tally.tell(masters, *heard)
        for master in masters:
            master.close()
