"""Which deployer is active, and the seams of pyspark that ask it."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import SparkspaceError
from ...log import notice
from ..deploy import Deployer
from ..plans import Plans
from .spark import rdds


class Hooks:
    """The seams, and for whom they work.

    Each seam is put in once in a process, and does what pyspark does while no ``Deployer`` is active.
    ``registered``: what makes SQL's functions anew. They are known by what they were when they were registered.
    """

    def __init__(self, *seams: Callable[[Hooks], None]) -> None:
        self.deployer: Deployer | None = None
        self.registered: dict[str, Callable[[], object]] = {}
        self.plans = Plans(rdds._prepare_for_python_RDD)
        self._seams = list(seams)

    def activate(self, deployer: Deployer) -> None:
        """Give functions of this deployer's context an envelope from now on."""
        while self._seams:
            self._seams.pop()(self)
        self.deployer = deployer
        self.registered.clear()
        deployer.on_change.append(self._register_again)

    def of(self, context: object) -> Deployer | None:
        """The deployer, if it is this context's."""
        return self.deployer if self.deployer and self.deployer.context is context else None

    def _register_again(self) -> None:
        for name, register in list(self.registered.items()):
            try:
                register()
            except SparkspaceError as error:  # who uses it is refused by the executors
                del self.registered[name]
                notice(f"{name.rpartition('.')[2]} is registered no more. {error.message}", error.cure)
