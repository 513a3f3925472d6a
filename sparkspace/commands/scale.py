"""``sparkspace scale worker=3``: with the argument forms of ``heroku ps:scale``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError
from ..heroku import listed
from . import here
from .arguments import Parser

DESCRIPTION = """\
Change how many dynos of a process type there are, and their size:

  scale worker=3      scale worker+1      scale worker-1      scale worker=2:Private-L      scale master=1 worker=5

Without arguments, print the formation."""
FORM = re.compile(r"(?P<type>[^=+:]+?)(?P<sign>[=+]|-(?=\d+(:|$)))(?P<quantity>\d+)(:(?P<size>[\w-]+))?", re.ASCII)


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Scale, all of it or nothing."""
    parser = Parser("scale", DESCRIPTION)
    parser.add_argument("change", nargs="*", metavar="TYPE=QUANTITY[:SIZE]")
    updates = [update(change) for change in parser.parse_args(args).change]
    client = here.client()
    lines = client.scale(updates) if updates else client.formation()
    print(" ".join(f"{line['type']}={line['quantity']}:{listed.size(line)}" for line in lines))
    return 0


def update(change: str) -> dict[str, Any]:
    """One argument as an update of the API.

    Raises:
        UsageError: it has none of the forms.
    """
    match = FORM.fullmatch(change)
    if not match:
        raise UsageError(
            f"{change!r} is not a change of the formation.", "Write it like: worker=3, worker+1, worker=2:Private-L"
        )
    quantity: int | str = int(match["quantity"]) if match["sign"] == "=" else match["sign"] + match["quantity"]
    size = {"dyno_size": {"name": match["size"]}} if match["size"] else {}
    return {"type": match["type"], "quantity": quantity, **size}
