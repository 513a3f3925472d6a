"""Runs a module of Spark as ``python -m`` does, for which it has its doctests run, and says how many statements ran.

Some ask for what is known after one second, and expect all of it. A busy machine has less by then, so they ask for what
is known after ten minutes. The answer comes when all of it is known, not when the time is over.

    python doctested.py pyspark.core.rdd
"""

from __future__ import annotations

import doctest
import re
import runpy
import sys

HURRIED = re.compile(r"(?<=Approx\()1000\b")  # rdd.countApprox(1000, 1.0), in milliseconds
PATIENT = "600000"


def be_patient() -> None:
    """Change the examples where they are read: the modules make neither the finder nor the parser themselves."""
    parse = doctest.DocTestParser.parse

    def parse_patiently(self: doctest.DocTestParser, text: str, name: str = "<string>") -> list[str | doctest.Example]:
        return parse(self, HURRIED.sub(PATIENT, text), name)

    doctest.DocTestParser.parse = parse_patiently  # type: ignore[method-assign]


if __name__ == "__main__":
    be_patient()
    try:
        runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
    finally:  # a module ends with sys.exit when a doctest has failed
        print("statements that ran:", doctest.master.tries if doctest.master else 0)
