"""A folder as Spark's examples expect it: they, their data, and the resources that are in Spark's source tree alone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from . import artifacts, pruned

PEOPLE = {
    "people.json": '{"name":"Michael"}\n{"name":"Andy","age":30}\n{"name":"Justin","age":19}\n',
    "people.txt": "Michael, 29\nAndy, 30\nJustin, 19\n",
    "people.csv": "name;age;job\nJorge;30;Developer\nBob;32;Developer\n",
    "people.xml": "<people><person><name>Justin</name><age>19</age></person></people>\n",
    "kv1.txt": "".join(f"{key}\x01val_{key}\n" for key in range(500)),
}
USERS = """\
import pyarrow, pyarrow.orc, pyarrow.parquet
users = pyarrow.table({"name": ["Alyssa", "Ben"], "favorite_color": [None, "red"], "favorite_numbers": [[3, 9], []]})
pyarrow.parquet.write_table(users, "users.parquet")
pyarrow.orc.write_table(users, "users.orc")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(artifacts.examples(), tmp_path, dirs_exist_ok=True)
    resources = tmp_path / "examples" / "src" / "main" / "resources"
    resources.mkdir(parents=True)
    for name, text in PEOPLE.items():
        (resources / name).write_text(text)
    pruned.run(sys.executable, "-c", USERS, folder=resources, libraries=(artifacts.libraries(),))
    return tmp_path
