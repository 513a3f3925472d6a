"""What the dynos cost, where there is a token to ask the API with."""

from __future__ import annotations

from collections.abc import Mapping

from ..cluster.report import Dynos
from ..config import Scaling, Settings, token
from ..cycling.supervisor import WORKER
from ..errors import ApiError
from ..heroku import listed
from ..heroku.client import Client, api_url
from ..heroku.sizes import SIZES
from ..log import event

ANSWER_WITHIN_S = 10.0


def of(env: Mapping[str, str], app: str, settings: Settings) -> list[Dynos]:
    """A line for each process type that has, or may have, dynos. None without a token, or an answer in time."""
    access = token(env)
    if not access:
        return []
    client = Client(api_url(env), access, app, attempts=1, within_s=ANSWER_WITHIN_S)
    try:
        formation = client.formation()
    except ApiError as error:
        event("status", warning="no-prices", reason=error.message)
        return []
    lines = [_line(each["type"], each["quantity"], listed.size(each), settings.scaling) for each in formation]
    return [line for line in lines if line.most]


def _line(kind: str, quantity: int, size: str, scaling: Scaling | None) -> Dynos:
    least, most = (scaling.least, scaling.most) if scaling and kind == WORKER else (quantity, quantity)
    price = SIZES[size.lower()].dollars_a_month if size.lower() in SIZES else None
    return Dynos(kind, quantity, size, price, least, most)
