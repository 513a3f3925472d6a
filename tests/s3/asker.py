"""Asks the store of this dyno's bucket: METHOD KEY [NAME=VALUE …]. Prints the status, then the answer."""

import os
import sys

sys.path.insert(0, os.getcwd())

from sparkspace.cluster import bucket
from sparkspace.config import Settings

method, key, *query = sys.argv[1:]
s3 = Settings.from_env(os.environ).s3
assert s3
answer = bucket.ask(s3, method, key, dict(pair.split("=", 1) for pair in query))
print(answer.status, answer.text)
