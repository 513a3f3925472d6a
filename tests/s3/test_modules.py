"""Modules whose data are in a bucket: a driver is killed in the middle of a write, another one makes room."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ..box.conftest import Box
from .conftest import Store

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long]
PLACE = "sparkspace-modules/"


def said(box: Box, what: str) -> Any:  # noqa: ANN401
    """What a driver found; None if it found nothing any more."""
    done = box("run", f"bin/spark-submit tests/s3/modules.py {what}", timeout=300, code=None)
    match = re.search(r"^found (.*)$", done.stdout.replace("\r", ""), re.MULTILINE)
    assert match or what == "kill", done.stdout + done.stderr[-3000:]
    return json.loads(match[1]) if match else None


def modules(store: Store) -> list[str]:
    """Which have objects there."""
    return sorted({key.partition("/")[0] for key in store.keys(PLACE) if not key.endswith("/")} - {""})


def test_room_in_a_bucket(bucket: Box, store: Store) -> None:
    assert said(bucket, "make") == [[1000, 990], ["read", "read"]]
    assert modules(store) == ["modules.first", "modules.second"]
    assert said(bucket, "kill") is None
    assert modules(store) == ["modules.doomed", "modules.first", "modules.second"]
    assert store.unfinished(PLACE), "it was in the middle of its uploads"
    assert not [key for key in store.keys(f"{PLACE}modules.doomed/") if key.endswith(".json")]

    has_room, states, rows = said(bucket, "clean")
    assert (has_room, states, rows) == (True, ["run", "maybe", "run"], 990)
    # Uploads stay here: Hadoop asks for those below a folder, and this store answers 501 to such a question.
    assert modules(store) == ["modules.first", "modules.second"]
