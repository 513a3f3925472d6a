"""What the shell of ``bin/pyspark`` runs when it is ready (``PYTHONSTARTUP``): from here on, an edit is taken over.

Then the operator's own file, if the variable named one.
"""

import os
import sys


def begin() -> None:
    """Have functions bring the user's code along. The shell comes, whatever is wrong with that."""
    if os.environ.get("SPARK_REMOTE") or os.environ.get("SPARK_CONNECT_MODE_ENABLED"):
        return  # Spark Connect: nothing of it is in this process
    try:
        import sparkspace

        sparkspace.session(auto=True)
    except Exception as error:
        print(f" !     No code is shipped, and none taken over after an edit: {error}", file=sys.stderr)


begin()
del begin
if os.environ.get("_SPARKSPACE_PYTHONSTARTUP"):
    with open(os.environ["_SPARKSPACE_PYTHONSTARTUP"], encoding="utf-8") as _file:
        exec(compile(_file.read(), _file.name, "exec"))
