"""What a process knows: ``Dyno``, the facts of the platform, and ``Settings``, the config vars of the operator.

Both are frozen and made once from a mapping that is passed in. A wrong value ends here, before anything starts.
"""

from .allocation import Allocation
from .backend import Backend
from .checks import LEAST_MEMORY_MB
from .cycling import TOKEN, Cycling, new_token, token
from .dyno import MASTER_HOST, Dyno
from .s3 import S3, modules_dir
from .scaling import Scaling
from .settings import MOST_MASTERS, SECRET_VARS, VARS, Settings, refuse_misspelt
from .users import User

__all__ = [
    "LEAST_MEMORY_MB",
    "MASTER_HOST",
    "MOST_MASTERS",
    "S3",
    "SECRET_VARS",
    "TOKEN",
    "VARS",
    "Allocation",
    "Backend",
    "Cycling",
    "Dyno",
    "Scaling",
    "Settings",
    "User",
    "modules_dir",
    "new_token",
    "refuse_misspelt",
    "token",
]
