"""``import sparkspace`` for drivers and executors: their path has this folder, not all that lies beside the package."""

import os

_home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
__path__ = [_home]
__file__ = os.path.join(_home, "__init__.py")
with open(__file__, encoding="utf-8") as _source:
    exec(compile(_source.read(), __file__, "exec"))
